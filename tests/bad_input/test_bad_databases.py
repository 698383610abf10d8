"""A database that is none, that is damaged, that someone else has, or that has no room: it stays as it was."""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from bad_projects import (  # type: ignore[import-not-found]
    Act,
    Case,
    Shop,
    both,
    break_and_tell,
    cure_and_succeed,
    edits,
    sound,
)

LOUD = "sql/loud.sql"
HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


def replace_by(make: Callable[[Path], object]) -> Act:
    def act(shop: Shop) -> None:
        shop.database.unlink()
        make(shop.database)

    return act


def move_aside(shop: Shop) -> None:
    shop.database.rename(shop.database.with_name("aside"))


def write_text(path: Path) -> None:
    path.write_text("id,name\n1,Ada\n")


def write_parquet(path: Path) -> None:
    duckdb.execute(f"COPY (SELECT 1 AS id) TO '{path}' (FORMAT parquet)")


def write_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER)")
    connection.close()


def cut(length: int) -> Act:
    def act(shop: Shop) -> None:
        shop.write("backup", shop.database.read_bytes())
        os.truncate(shop.database, length)

    return act


def recreate(shop: Shop) -> None:
    """What the cure advises; the damaged file is kept."""
    assert shop.run("apply", "--recreate").exit_code == 0
    assert len(list(shop.database.parent.glob("shop.duckdb.damaged-*Z"))) == 1


def flip_a_bit(shop: Shop) -> None:
    shop.write("backup", shop.database.read_bytes())
    body = bytearray(shop.database.read_bytes())
    body[4096 + 20] ^= 1
    body[8192 + 20] ^= 1
    shop.database.write_bytes(body)


def restore(shop: Shop) -> None:
    (shop.folder / "backup").replace(shop.database)


def age(storage: int) -> Act:
    """Give the file another storage version, with the checksum that belongs to it."""

    def act(shop: Shop) -> None:
        shop.write("backup", shop.database.read_bytes())
        head = bytearray(shop.database.read_bytes())
        head[12:20] = struct.pack("<Q", storage)
        checksum = 5381
        for (word,) in struct.iter_unpack("<Q", bytes(head[8:4096])):
            checksum ^= (word * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        head[:8] = struct.pack("<Q", checksum)
        shop.database.write_bytes(head)

    return act


def renew_records(shop: Shop) -> None:
    shop.write("backup", shop.database.read_bytes())
    with duckdb.connect(str(shop.database)) as connection:
        connection.execute("UPDATE _provisioner.format SET version = 99")


def link_hard(shop: Shop) -> None:
    os.link(shop.database, shop.folder / "build" / "other.duckdb")


def carry_out(shop: Shop) -> None:
    """Type the command between backticks that the cure names."""
    answer = shop.run("plan", "--format", "json")
    shop.shell(answer.cures[0].split("`")[1])


CASES = (
    Case(
        "a folder",
        replace_by(Path.mkdir),
        "database_is_folder",
        ("build/shop.duckdb is a folder", "shop.duckdb/warehouse.duckdb"),
        edits(("provision.yaml", "database: build/shop.duckdb", "database: build/shop.duckdb/warehouse.duckdb")),
    ),
    Case(
        "a text file",
        replace_by(write_text),
        "database_foreign",
        ("shop.duckdb is ", "not a DuckDB database", "move this one aside"),
        move_aside,
    ),
    Case(
        "a Parquet file",
        replace_by(write_parquet),
        "database_foreign",
        ("Parquet", "Name another file as `database`"),
        edits(("provision.yaml", "database: build/shop.duckdb", "database: build/another.duckdb")),
    ),
    Case("a SQLite file", replace_by(write_sqlite), "database_foreign", ("SQLite", "move this one aside"), move_aside),
    Case(
        "cut off in its head", cut(5_000), "database_truncated", ("ends after 5000 bytes", "apply --recreate"), recreate
    ),
    Case(
        "cut off in its middle",
        cut(300_000),
        "database_truncated",
        ("ends too soon", "restore it from a backup"),
        restore,
    ),
    Case("damaged", flip_a_bit, "database_damaged", ("shop.duckdb is damaged", "Restore it from a backup"), restore),
    Case(
        "made by a newer DuckDB",
        age(5_000),
        "database_newer",
        ("newer DuckDB", "pip install --upgrade duckdb"),
        restore,
    ),
    Case(
        "with records of a newer provision",
        renew_records,
        "records_newer",
        ("shop.duckdb", "format 99", "pip install --upgrade provisioner"),
        restore,
    ),
    Case("under two names", link_hard, "database_hard_linked", ("2 names", "`cp "), carry_out),
    Case(
        "an address",
        edits(("provision.yaml", "build/shop.duckdb", '"md:shop?motherduck_token=${SECRET}"')),
        "bad_path",
        ("md:… is not a file", "provision.yaml:3:11"),
        sound(),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_database_that_cannot_be_used_is_told_and_its_cure_helps(case: Case, shop: Shop) -> None:
    break_and_tell(case, shop)
    cure_and_succeed(case, shop)


class Holder:
    """Another process that has the database open."""

    def __init__(self, shop: Shop) -> None:
        command = [sys.executable, "-c", HOLD, str(shop.database)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "held\n"

    def end(self) -> None:
        self.process.communicate("\n", timeout=10)


@pytest.mark.parametrize("arguments", [("plan",), ("apply", "--lock-timeout", "0")], ids=lambda words: words[0])
def test_a_database_that_another_process_has_is_busy_and_its_pid_is_told(
    shop: Shop, arguments: tuple[str, ...]
) -> None:
    holder = Holder(shop)
    pid = str(holder.process.pid)
    case = Case(
        "busy", nothing, "database_locked", (f"PID {pid}", f"`ps -p {pid}`"), lambda shop: holder.end(), arguments, 3
    )
    try:
        break_and_tell(case, shop)
        cure_and_succeed(case, shop)
    finally:
        holder.process.kill()
        holder.process.wait()


def nothing(shop: Shop) -> None:
    """The shop is as it should be; its surroundings are not."""


def change_and_forbid(*names: str) -> Act:
    def act(shop: Shop) -> None:
        shop.edit(LOUD, "upper", "lower")
        shop.bounded = True
        for name in names:
            path = shop.folder / name
            path.chmod(path.stat().st_mode & ~0o222)

    return act


def allow(shop: Shop) -> None:
    """What the cure advises: the right to write."""
    for path in (shop.folder / "build", *(shop.folder / "build").iterdir()):
        path.chmod(path.stat().st_mode | 0o200)


FORBIDDEN = (
    Case(
        "a folder that nobody may write to",
        change_and_forbid("build"),
        "folder_not_writable",
        ("/build cannot be written", "chmod u+w "),
        allow,
    ),
    Case(
        "a file that nobody may write to",
        change_and_forbid("build/shop.duckdb"),
        "database_unreadable",
        ("shop.duckdb may not be opened", "Permission denied", "Allow this user to read and write the file"),
        allow,
    ),
    Case(
        "no right to make the folder",
        both(edits(("provision.yaml", "build/shop.duckdb", "build/new/shop.duckdb")), change_and_forbid("build")),
        "folder_not_writable",
        ("shop.duckdb.lock cannot be written", "/shop/build` shows who has it"),
        allow,
    ),
)


@pytest.mark.parametrize("case", FORBIDDEN, ids=lambda case: case.name)
def test_where_nothing_may_be_written_the_place_is_told_and_its_cure_helps(case: Case, shop: Shop) -> None:
    break_and_tell(case, shop)
    cure_and_succeed(case, shop)


MANY = "sql/loud.sql", "create table loud as select range as id, uuid()::varchar as name from range(200_000)"


def test_a_run_that_meets_a_full_disk_loses_nothing_and_goes_on_once_there_is_room(shop: Shop) -> None:
    shop.write(*MANY)
    shop.limit = 2_000_000
    before = rows_of(shop)
    answer = shop.run("apply", "--format", "json")
    assert (answer.exit_code, answer.codes) == (1, ("disk_full",)), answer
    assert "There is no room to write" in answer.text and "Free space on its disk" in answer.text
    assert "Traceback" not in answer.err and rows_of(shop) == before
    shop.limit = None
    assert shop.run("apply").exit_code == 0 and len(rows_of(shop)["loud"]) == 200_000


def rows_of(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(shop.database), read_only=True) as connection:
        return {name: connection.table(name).order("id").fetchall() for name in ("people", "loud")}


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs the right to mount")
def test_a_disk_with_too_little_room_is_told_before_anything_is_done(shop: Shop) -> None:
    shop.edit("provision.yaml", "build/shop.duckdb", "small/shop.duckdb")
    small = shop.folder / "small"
    with small_disk(small, "8k"):
        answer = shop.run("apply", "--format", "json")
        assert (answer.exit_code, answer.codes) == (1, ("disk_full",)), answer
        assert f"{small} has 4 KiB free" in answer.text and "Make room on that disk" in answer.text
        assert not (small / "shop.duckdb").exists()
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        assert shop.run("apply").exit_code == 0

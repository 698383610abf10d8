"""Opening a database: names, links, other processes, newer files, broken logs, permissions."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pytest

from provisioner.declare.values import TableKind, TableName
from provisioner.errors import BusyError, DatabaseError
from provisioner.observe.database import connect, create, inspect_file, opened
from provisioner.observe.introspect import introspect
from provisioner.observe.values import Want

Holds = Callable[..., AbstractContextManager[int]]

DIE_WITH_A_WAL = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE late AS SELECT 1 AS a")
os._exit(9)
"""


def _rows(path: Path) -> int:
    with opened(path, read_only=True) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchall()[0][0])


def _leave_wal(path: Path) -> Path:
    subprocess.run([sys.executable, "-c", DIE_WITH_A_WAL, str(path)], check=False)
    return path.with_name(path.name + ".wal")


@pytest.mark.parametrize(
    "name",
    [
        "a b.duckdb",
        "a-b.db",
        "a.b.c",
        "größe.duckdb",
        "数.duckdb",
        'it\'s "q".duckdb',
        "noending",
        "a*b[1]?.db",
        "%41~\n.db",
    ],
)
def test_any_file_name_opens(database: Path, name: str) -> None:
    assert _rows(database.rename(database.with_name(name))) == 10_000


@pytest.mark.parametrize("held_read_only", [True, False])
def test_a_database_that_another_process_holds_is_busy(
    database: Path, held_elsewhere: Holds, held_read_only: bool
) -> None:
    before = database.read_bytes()
    with held_elsewhere(database, read_only=held_read_only) as pid:
        with pytest.raises(BusyError) as caught:
            connect(database, read_only=False)
        assert caught.value.code == "database_locked"
        assert f"PID {pid}" in caught.value.message and str(database) in caught.value.message
        assert str(pid) in caught.value.cure
        if held_read_only:
            assert _rows(database) == 10_000
    assert database.read_bytes() == before
    assert _rows(database) == 10_000


def test_a_symlink_meets_the_same_lock_and_the_same_log(database: Path, held_elsewhere: Holds) -> None:
    link = database.with_name("link.duckdb")
    link.symlink_to(database)
    with held_elsewhere(database, read_only=False), pytest.raises(BusyError):
        connect(link, read_only=True)
    with opened(link, read_only=False) as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        assert connection.execute("SELECT current_database()").fetchall() == [("shop",)]
    assert _rows(database) == 10_001
    assert {path.name for path in database.parent.iterdir()} == {"shop.duckdb", "link.duckdb"}


def test_the_connection_is_closed_after_the_block_also_when_it_raises(database: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(database, read_only=False):
        raise ZeroDivisionError
    assert _rows(database) == 10_000


def test_what_duckdb_raises_within_the_block_is_an_error_of_the_house(database: Path) -> None:
    with pytest.raises(DatabaseError, match="nope"), opened(database, read_only=True) as connection:
        connection.execute("SELECT nope")
    assert _rows(database) == 10_000


def test_a_flipped_bit_anywhere_is_never_more_than_an_error_of_the_house(database: Path) -> None:
    sound, want = database.read_bytes(), Want(TableName.parse("t"), TableKind.TABLE)
    codes = Counter[str]()
    for at in range(0, len(sound), 7_919):
        damaged = bytearray(sound)
        damaged[at] ^= 0x10
        database.write_bytes(damaged)
        try:
            with opened(database, read_only=True) as connection:
                codes[f"rows: {introspect(connection, [want]).relations[want.table].rows}"] += 1
        except DatabaseError as error:
            codes[error.code] += 1
        assert database.read_bytes() == damaged
    assert set(codes) == {"database_damaged", "rows: 10000"}


def test_a_reading_connection_cannot_write(database: Path) -> None:
    with opened(database, read_only=True) as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("CREATE TABLE no (a INT)")


def test_what_a_dead_process_committed_is_read_without_changing_the_file(database: Path) -> None:
    wal = _leave_wal(database)
    before = database.read_bytes(), wal.read_bytes()
    with opened(database, read_only=True) as connection:
        assert connection.execute("SELECT a FROM late").fetchall() == [(1,)]
    assert (database.read_bytes(), wal.read_bytes()) == before


def test_a_log_that_does_not_replay_is_told_and_kept(database: Path) -> None:
    wal = _leave_wal(database)
    content = bytearray(wal.read_bytes())
    content[len(content) // 2] ^= 0x55
    wal.write_bytes(content)
    before = database.read_bytes()
    with pytest.raises(DatabaseError) as caught:
        connect(database, read_only=False)
    assert caught.value.code == "database_wal" and str(wal) in caught.value.message
    assert (database.read_bytes(), wal.read_bytes()) == (before, bytes(content))
    wal.rename(wal.with_name("aside"))
    assert _rows(database) == 10_000


def _checksum(block: bytes) -> int:
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= (word * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    return result


@pytest.mark.parametrize(
    ("storage", "code", "cure"),
    [
        (5_000, "database_newer", "pip install --upgrade duckdb"),
        (51, "database_older", "EXPORT DATABASE"),
        (63, "database_older", "EXPORT DATABASE"),
    ],
)
def test_a_file_of_a_duckdb_too_new_or_too_old_is_told_apart(
    database: Path, storage: int, code: str, cure: str
) -> None:
    content = bytearray(database.read_bytes())
    content[12:20] = struct.pack("<Q", storage)
    content[:8] = struct.pack("<Q", _checksum(bytes(content[8:4096])))
    database.write_bytes(content)
    with pytest.raises(DatabaseError) as caught:
        connect(database, read_only=True)
    assert caught.value.code == code and cure in caught.value.cure
    assert database.read_bytes() == content


def test_an_encrypted_database_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "secret.duckdb"
    with duckdb.connect() as connection:
        connection.execute("SET force_mbedtls_unsafe = true")
        connection.execute(f"ATTACH '{path}' AS secret (ENCRYPTION_KEY 'abc')")
        connection.execute("CREATE TABLE secret.t AS SELECT 1 AS a")
    with pytest.raises(DatabaseError) as caught:
        connect(path, read_only=True)
    assert caught.value.code == "database_encrypted" and caught.value.cure


@contextmanager
def _as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that another user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.parametrize(("mode", "read_only"), [(0o000, True), (0o000, False), (0o444, False)])
def test_a_file_without_permission_is_unreadable(shared_folder: Path, mode: int, read_only: bool) -> None:
    path = shared_folder / "shop.duckdb"
    create(path)
    path.chmod(mode)
    with _as_nobody(), pytest.raises(DatabaseError) as caught:
        connect(path, read_only=read_only)
    assert caught.value.code == "database_unreadable"
    assert str(path) in caught.value.message and caught.value.cure


def test_a_database_in_a_folder_without_permission_can_be_read_and_not_made(shared_folder: Path) -> None:
    path = shared_folder / "shop.duckdb"
    create(path)
    path.chmod(0o444)
    shared_folder.chmod(0o555)
    with _as_nobody():
        with opened(path, read_only=True) as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
        with pytest.raises(DatabaseError) as caught:
            create(shared_folder / "other.duckdb")
    shared_folder.chmod(0o755)
    assert caught.value.code == "database_unreadable"
    assert [found.name for found in shared_folder.iterdir()] == ["shop.duckdb"]


def test_looking_at_a_file_does_not_import_duckdb(database: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from provisioner.observe import database, introspect, types\n"
        "database.inspect_file(Path(sys.argv[1]))\n"
        "print('duckdb' in sys.modules, 'sqlglot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(database)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert inspect_file(database) == "present"

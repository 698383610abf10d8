"""A new database appears whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.errors import DatabaseError
from provisioner.observe.database import FileCondition, create, inspect_file, opened

KILLED_BEFORE_THE_RENAME = """
import os, sys
from pathlib import Path
os.replace = lambda old, new: os._exit(9)
from provisioner.observe.database import create
create(Path(sys.argv[1]))
"""
ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from provisioner.errors import DatabaseError
from provisioner.observe.database import create
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import duckdb
resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))
try:
    create(Path(sys.argv[1]))
except DatabaseError as error:
    print(error.code)
"""
WHAT_IS_THERE_BEFORE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "a file of no bytes": lambda path: path.touch(),
    "a leftover of a killed creation": lambda path: path.with_name(f"{path.name}.creating").write_bytes(b"torn"),
    "its log too": lambda path: path.with_name(f"{path.name}.creating.wal").write_bytes(b"torn"),
}


def _is_usable(path: Path) -> bool:
    with opened(path, read_only=False) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
        return connection.execute("FROM t").fetchall() == [(1,)]


@pytest.mark.parametrize("before", WHAT_IS_THERE_BEFORE)
def test_a_new_database_is_there_and_nothing_else(tmp_path: Path, before: str) -> None:
    path = tmp_path / "a b-ü.duckdb"
    WHAT_IS_THERE_BEFORE[before](path)
    create(path)
    assert list(tmp_path.iterdir()) == [path]
    assert _is_usable(path)


def test_a_file_of_no_bytes_says_whose_the_database_is(tmp_path: Path) -> None:
    path, owner = tmp_path / "shop.duckdb", 65_534 if os.geteuid() == 0 else os.geteuid()
    path.touch()
    os.chown(path, owner, -1)
    path.chmod(0o640)
    create(path)
    assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o640, owner)


def test_folders_are_made(tmp_path: Path) -> None:
    create(tmp_path / "a" / "b" / "shop.duckdb")
    assert inspect_file(tmp_path / "a" / "b" / "shop.duckdb") is FileCondition.PRESENT


def test_a_database_that_is_there_is_left_alone(database: Path) -> None:
    before = database.read_bytes()
    create(database)
    assert database.read_bytes() == before


def test_a_link_to_nothing_gets_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(tmp_path / "real.duckdb")
    create(link)
    assert link.is_symlink() and inspect_file(tmp_path / "real.duckdb") is FileCondition.PRESENT


def test_the_log_of_a_lost_database_is_put_aside_and_kept(tmp_path: Path) -> None:
    wal = tmp_path / "shop.duckdb.wal"
    wal.write_bytes(b"the last writes of a database that someone moved")
    create(tmp_path / "shop.duckdb")
    assert _is_usable(tmp_path / "shop.duckdb")
    kept = [path for path in tmp_path.iterdir() if ".wal.orphan-" in path.name]
    assert [path.read_bytes() for path in kept] == [b"the last writes of a database that someone moved"]


def test_a_killed_creation_leaves_no_database_and_the_next_one_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    done = subprocess.run([sys.executable, "-c", KILLED_BEFORE_THE_RENAME, str(path)], check=False)
    assert done.returncode == 9
    assert inspect_file(path) is FileCondition.ABSENT
    create(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_no_database(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    done = subprocess.run([sys.executable, "-c", ON_A_FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["disk_full"]
    assert inspect_file(path) is FileCondition.ABSENT


def test_a_file_where_a_folder_must_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("I am a file")
    with pytest.raises(DatabaseError) as caught:
        create(tmp_path / "build" / "shop.duckdb")
    assert caught.value.code == "database_path" and os.strerror(errno.ENOTDIR) in caught.value.message

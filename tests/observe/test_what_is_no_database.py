"""A file is looked at before DuckDB sees it, and every refusal leaves it as it was."""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from provisioner.errors import BusyError, DatabaseError
from provisioner.observe.database import FileCondition, connect, inspect_file


def _sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()


def _parquet(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS a) TO '{path}' (FORMAT parquet)")


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("hello\nworld"), "a text file"),
    "unicode text": (lambda path: path.write_text("größe straße" * 2_000), "a text file"),
    "csv": (lambda path: path.write_text("a,b\n1,2\n"), "a CSV file"),
    "long csv": (lambda path: path.write_text("a;b\n" + "1;2\n" * 10_000), "a CSV file"),
    "sqlite": (_sqlite, "a SQLite database"),
    "parquet": (_parquet, "a Parquet file"),
    "gzip": (lambda path: path.write_bytes(gzip.compress(b"a,b")), "a gzip file"),
    "git lfs": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 100), "of an unknown kind"),
    "zeros": (lambda path: path.write_bytes(bytes(20_000)), "of an unknown kind"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_named_as_what_it_is(tmp_path: Path, kind: str) -> None:
    make, words = FOREIGN[kind]
    path = tmp_path / "shop.duckdb"
    make(path)
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(DatabaseError) as caught:
            connect(path, read_only=read_only)
        assert caught.value.code == "database_foreign"
        assert str(path) in caught.value.message and words in caught.value.message and caught.value.cure
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("length", [1, 7, 8, 11, 12, 100, 4_096, 5_000, 8_192, 12_287, 12_288, 20_000, 100_000])
def test_a_file_that_was_cut_off_is_truncated_and_left_alone(database: Path, length: int) -> None:
    database.write_bytes(database.read_bytes()[:length])
    before = database.read_bytes()
    with pytest.raises(DatabaseError) as caught:
        connect(database, read_only=False)
    # One to eleven bytes say nothing of their kind; a single printable one is text.
    assert caught.value.code in ({"database_truncated", "database_foreign"} if length < 12 else {"database_truncated"})
    assert str(database) in caught.value.message and caught.value.cure
    assert database.read_bytes() == before


@pytest.mark.parametrize("at", [0, 7, 12, 52, 4_096, 4_104, 4_200, 8_197, 12_290])
def test_a_flipped_bit_in_the_head_is_damage(database: Path, at: int) -> None:
    content = bytearray(database.read_bytes())
    content[at] ^= 0x40
    database.write_bytes(content)
    for read_only in (True, False):
        with pytest.raises(DatabaseError) as caught:
            connect(database, read_only=read_only)
        assert caught.value.code == "database_damaged"
    assert database.read_bytes() == content


@pytest.mark.parametrize(
    "name", [":memory:", "md:shop", "s3://bucket/shop.duckdb", "postgres:dbname=x", "a\x00b.duckdb", "\udcff.duckdb"]
)
def test_an_address_is_no_path(tmp_path: Path, name: str) -> None:
    for path in (Path(name), tmp_path / name):
        with pytest.raises(DatabaseError) as caught:
            inspect_file(path)
        assert caught.value.code == "database_path" and caught.value.cure


def test_the_empty_path_is_refused() -> None:
    with pytest.raises(DatabaseError) as caught:
        inspect_file(Path(""))
    assert caught.value.code == "database_path"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        inspect_file(tmp_path)
    assert caught.value.code == "database_is_folder" and str(tmp_path) in caught.value.message


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shop.duckdb")
    with pytest.raises(DatabaseError) as caught:
        inspect_file(tmp_path / "shop.duckdb")
    assert caught.value.code == "database_foreign"


@pytest.mark.parametrize("name", ["x" * 300, "shop.duckdb/inner.duckdb", "loop.duckdb"])
def test_a_path_that_no_file_can_have_is_refused(database: Path, name: str) -> None:
    loop = database.with_name("loop.duckdb")
    loop.symlink_to(loop)
    with pytest.raises(DatabaseError) as caught:
        inspect_file(database.with_name(name) if "/" not in name else database.parent / name)
    assert caught.value.code == "database_path" and caught.value.cure


def test_a_file_with_two_hard_links_is_refused(database: Path) -> None:
    other = database.with_name("other.duckdb")
    os.link(database, other)
    for path in (database, other):
        with pytest.raises(DatabaseError) as caught:
            connect(path, read_only=True)
        assert caught.value.code == "database_hard_linked" and "cp " in caught.value.cure
    other.unlink()
    assert inspect_file(database) is FileCondition.PRESENT


def test_a_database_that_this_process_has_open_is_refused_since_looking_would_drop_its_lock(database: Path) -> None:
    with duckdb.connect(str(database)), pytest.raises(BusyError) as caught:
        inspect_file(database)
    assert caught.value.code == "database_open_here"
    assert inspect_file(database) is FileCondition.PRESENT


def test_no_file_is_absent_and_no_bytes_are_empty(tmp_path: Path) -> None:
    assert inspect_file(tmp_path / "no.duckdb") is FileCondition.ABSENT
    assert inspect_file(tmp_path / "no" / "no.duckdb") is FileCondition.ABSENT
    (tmp_path / "empty.duckdb").touch()
    assert inspect_file(tmp_path / "empty.duckdb") is FileCondition.EMPTY
    for name in ("no.duckdb", "empty.duckdb"):
        with pytest.raises(DatabaseError) as caught:
            connect(tmp_path / name, read_only=False)
        assert caught.value.code == "database_absent"
    assert [path.name for path in tmp_path.iterdir()] == ["empty.duckdb"]

"""Members of zip archives are loaded, and an archive that lies does no harm."""

import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
from step_world import rows, want, write

from provisioner.errors import StepError
from provisioner.execute.runners.load import load
from provisioner.execute.runners.unzip import Bounds, unpack


def pack(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize(
    "members",
    [
        {"a.csv": "a\n1\n2\n"},
        {"a.csv": "a\n1\n", "sub/b.csv": "a\n2\n"},
        {"a.csv": "a\n1\n2\n", "readme.md": "#", "__MACOSX/a.csv": "junk", ".hidden.csv": "x"},
        {"../../evil.csv": "a\n1\n2\n"},
        {"/abs.csv": "a\n1\n2\n"},
        {"it's ü.CSV": "a\n1\n2\n"},
        {"a.json": '{"a": 1}\n{"a": 2}\n'},
    ],
)
def test_the_data_members_are_loaded(connection, tmp_path, members):
    load(connection, want(a="INTEGER"), (pack(tmp_path / "f.zip", **members),), options={})
    assert sorted(rows(connection)) == [(1,), (2,)]
    assert [path.name for path in tmp_path.rglob("*")] == ["f.zip"]


def test_an_error_names_the_member_and_its_line(connection, tmp_path):
    path = pack(tmp_path / "f.zip", **{"a.csv": "a\nx\n"})
    with pytest.raises(StepError) as caught:
        load(connection, want(a="INTEGER"), (path,), options={})
    assert f"{path}/a.csv:2: " in caught.value.message


def damage(path):
    path.write_bytes(path.read_bytes()[:40] + b"\xff" * 8 + path.read_bytes()[48:])
    return path


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: write(path, "no zip"), "zip_damaged"),
        (lambda path: damage(pack(path, **{"a.csv": "a\n" + "12345\n" * 99})), "zip_damaged"),
        (lambda path: pack(path, **{"readme.md": "#"}), "zip_empty"),
        (lambda path: pack(path), "zip_empty"),
        (lambda path: pack(path, **{"a.csv": "0" * (20 << 20)}), "zip_bomb"),
        (lambda path: pack(path, **{"a.csv": "a\n1\n", "b.json": "{}"}), "load_format"),
    ],
    ids=["no zip", "damaged", "no data", "empty", "bomb", "two formats"],
)
def test_an_archive_that_cannot_be_used_is_an_error(connection, tmp_path, make, code):
    with pytest.raises(StepError) as caught:
        load(connection, want(a="INTEGER"), (make(tmp_path / "f.zip"),), options={})
    assert (caught.value.code, bool(caught.value.cure)) == (code, True)


def test_the_size_counts_over_all_members(tmp_path):
    path = pack(tmp_path / "f.zip", **{"a.csv": "12345\n" * 100, "b.csv": "12345\n" * 100})
    with pytest.raises(StepError, match="unpacks to more"):
        unpack((path,), tmp_path, bounds=Bounds(size=1000))


def test_unpacking_ends_in_the_middle_when_it_is_over(tmp_path: Path) -> None:
    path = pack(tmp_path / "f.zip", **{"a.csv": "".join(f"{n}\n" for n in range(400_000))})
    asked = iter((False, True))
    with pytest.raises(duckdb.InterruptException, match="to its end"):
        unpack((path,), tmp_path, bounds=Bounds(is_over=lambda: next(asked)))
    assert (tmp_path / "0" / "0.csv").stat().st_size == 1 << 20


def test_what_is_unpacked_lies_in_a_private_folder(connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what a killed apply has left is removed by the next one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    seen = []

    def look() -> bool:
        seen.extend(path.name for path in (tmp_path / "temporary").glob("provision-*/*"))
        return False

    load(connection, want(a="INTEGER"), (pack(tmp_path / "f.zip", **{"a.csv": "a\n1\n"}),), options={}, is_over=look)
    assert sorted(seen) == ["0", "owner"] and not list((tmp_path / "temporary").iterdir())


def test_a_text_beside_data_files_is_no_data(connection, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b.csv", "a\n2\n")
        archive.writestr("README.txt", "a\n77\n")
    load(connection, want(a="INTEGER"), (tmp_path / "a.zip",), options={})
    assert rows(connection) == [(2,)]


def test_an_archive_of_more_members_than_files_may_be_open_is_loaded(connection, tmp_path):
    path = pack(tmp_path / "f.zip", **{f"{number}.csv": f"a\n{number}\n" for number in range(300)})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        load(connection, want(a="INTEGER"), (path,), options={})
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (200, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(rows(connection)) == 300


FEWER = """
import resource, sys, duckdb
from pathlib import Path
from step_world import want
from provisioner.errors import StepError
from provisioner.execute.runners.load import load
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
try:
    load(duckdb.connect(), want(a="INTEGER"), (Path(sys.argv[1]),), options={})
except StepError as error:
    print(error.code, error.cure)
"""


@pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1.5 opens one after the other")
def test_where_the_system_allows_no_more_open_files_the_cure_says_how_many(tmp_path):
    path = pack(tmp_path / "f.zip", **{f"{number}.csv": f"a\n{number}\n" for number in range(300)})
    places = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    answer = subprocess.run(
        [sys.executable, "-c", FEWER, path], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": places}
    )
    assert answer.stdout == (
        "too_many_files Let this process open more of them (`ulimit -n 800`), or put the rows into fewer files.\n"
    ), answer.stderr

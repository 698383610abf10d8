"""Files that cannot be read as a manifest, and files that are made of several."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from manifest_texts import SOUND, changed, load, problems_of, write

from provisioner.declare.load import load_manifest
from provisioner.errors import ManifestError, UsageError

UNREADABLE = {
    "an empty file": (b"", "1:1", "not_a_mapping"),
    "a list": (b"- a\n", "1:1", "not_a_mapping"),
    "a word": (b"shop", "1:1", "not_a_mapping"),
    "latin-1": (b"version: 1\nname: caf\xe9\n", "2:10", "encoding"),
    "a cut code point after a mark": (b"\xef\xbb\xbf\xc3", "1:1", "encoding"),
    "an open bracket": (b"version: 1\ntiers: [a\n", "3:1", "syntax"),
    "a tab": (b"\tversion: 1\n", "1:1", "syntax"),
    "a control character": (b"version: 1\nname: \x07\n", "2:7", "syntax"),
    "two documents": (b"version: 1\n---\nversion: 1\n", "2:1", "several_documents"),
    "sixty-five lists": (b"x: " + b"[" * 65 + b"]" * 65, "1:67", "too_deep"),
    "nine hundred lists": (b"[" * 900, "1:65", "too_deep"),
    "too many bytes": (b"#" * 5_000_001, "1:1", "too_large"),
    "a newer version": (b"version: 2\nsomething: new\n", "1:10", "unknown_version"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_is_no_manifest_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    data, place, code = UNREADABLE[name]
    path = tmp_path / "manifest.yaml"
    path.write_bytes(data)
    with pytest.raises(ManifestError) as caught:
        load_manifest(path, variables={})
    assert [(problem.place, problem.code) for problem in caught.value.problems] == [(f"{path}:{place}", code)]
    assert caught.value.problems[0].cure


def test_lists_without_end_are_too_deep_whether_provision_or_yaml_stops_first(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "[" * 100_000)
    assert (problem.code, problem.message) == ("too_deep", "nested deeper than 64 levels.")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("name: shop", "name: &anchor shop", "anchor &anchor"),
        ("name: shop", "name: *missing", "alias *missing"),
        ("name: shop", "name: !!str shop", "tag tag:yaml.org,2002:str"),
        ("name: shop", "name: !python/object:os.system shop", "tag !python/object:os.system"),
        ("  bands: {", "  <<: {tier: seed}\n  bands: {", "merge key <<"),
    ],
)
def test_what_makes_yaml_dangerous_is_refused(tmp_path: Path, old: str, new: str, what: str) -> None:
    problems = problems_of(tmp_path, changed(old, new))
    assert [(problem.code, what in problem.message) for problem in problems] == [("yaml_feature", True)]


def test_an_alias_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    assert {problem.code for problem in problems_of(tmp_path, bomb)} >= {"yaml_feature"}


def test_a_key_that_is_there_twice_names_both_places(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, changed("  report: {tier", "  bands: {tier: mart}\n  report: {tier"))
    first = f"{tmp_path / 'manifest.yaml'}:14:3"
    assert (problem.code, problem.message) == ("duplicate", f"bands is declared twice, first at {first}.")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder") as caught:
        load_manifest(tmp_path, variables={})
    assert caught.value.cure


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ManifestError, match="it is a pipe, not a file"):
        load_manifest(tmp_path / "pipe.yaml", variables={})


def test_included_files_are_one_manifest_with_the_same_digest(tmp_path: Path) -> None:
    head, tables = SOUND.split("tables:\n")
    whole = load(tmp_path, SOUND)
    write(tmp_path, "version: 1\ninclude: [deeper.yaml]\n", "parts/more.yaml")
    write(tmp_path, "tables:\n" + tables, "parts/deeper.yaml")
    parted = load(tmp_path, "include: [parts/more.yaml]\n" + head)
    assert parted.digest == whole.digest
    assert [path.name for path, _ in parted.origin.files] == ["manifest.yaml", "more.yaml", "deeper.yaml"]


INCLUDES = {
    "a step again": ("steps: {seeds: {dbt: run}}\n", "duplicate", "seeds is declared twice, first at"),
    "the name again": ("name: other\n", "duplicate", "name is declared twice, first at"),
    "itself": ("include: [more.yaml]\n", "duplicate", "more.yaml is included twice"),
    "a missing file": ("include: [absent.yaml]\n", "unreadable", "absent.yaml cannot be read"),
    "a file outside": ("include: [../../x.yaml]\n", "outside_path", "lies outside the project"),
    "a URL": ("include: ['https://example.org/x.yaml']\n", "bad_path", "is a URL"),
    "a broken file": ("a: [\n", "syntax", "not YAML"),
    "a newer version": ("version: 2\n", "unknown_version", "newer"),
}


@pytest.mark.parametrize("name", INCLUDES)
def test_a_bad_include_is_refused_at_its_place(tmp_path: Path, name: str) -> None:
    text, code, message = INCLUDES[name]
    write(tmp_path, text, "parts/more.yaml")
    (problem,) = problems_of(tmp_path, SOUND + "include: [parts/more.yaml]\n")
    assert problem.code == code and message in problem.message
    assert problem.place.startswith(str(tmp_path / "parts/more.yaml"))

"""What was found out about a file is found out again only when the file changed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from proved_projects import GRAIN, World, keeping_times, same_size

import provisioner
from provisioner.observe import files, steps
from provisioner.observe.keep import notes_of
from provisioner.observe.notes import Notes


class Found:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: Path) -> str:
        self.asked.append(path.name)
        return path.read_text()


def notes_after(earlier: Notes) -> Notes:
    """As the next process has them: what is settled is kept, through JSON."""
    looked = earlier.looked()
    return notes_of({"notes": {path: [one, looked.facts[path]] for path, one in looked.paths.items()}})


def test_a_file_is_looked_into_again_only_when_it_changed(tmp_path: Path) -> None:
    found = Found()
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"{name}1")
    notes = Notes()
    for _ in range(2):
        assert notes.fact(tmp_path / "a", "text", found) == "a1"
        notes.fact(tmp_path / "b", "text", found)
    assert found.asked == ["a", "b"]
    later = notes_after(notes)
    time.sleep(GRAIN)
    keeping_times(same_size, tmp_path / "b")
    assert [later.fact(tmp_path / name, "text", found) for name in ("a", "b")] == ["a1", "b3"]
    assert found.asked == ["a", "b", "b"]


def test_what_a_file_was_replaced_by_while_it_was_read_is_not_believed(tmp_path: Path) -> None:
    """Behind a link may stand another file that is as old as the first."""
    for name, text in (("v1", "one"), ("v2", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(text)
    latest = tmp_path / "latest"
    latest.symlink_to("v1")
    notes, found = Notes(), Found()
    assert notes.fact(latest / "a", "text", found) == "one"
    latest.unlink()
    latest.symlink_to("v2")
    assert str(latest / "a") not in notes.looked().paths
    assert notes_after(notes).fact(latest / "a", "text", found) == "two"


def test_facts_of_other_names_are_found_out_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    notes, found = Notes(), Found()
    notes.fact(tmp_path / "a", "one", found)
    notes_after(notes).fact(tmp_path / "a", "two", found)
    assert found.asked == ["a", "a"]


def test_a_plan_hashes_and_parses_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make(tmp_path)
    world.look()
    hashed: list[str] = []
    digest, parse = files.digest_file, steps._parse

    def digest_file(path: Path) -> str:
        hashed.append(path.name)
        return digest(path)

    monkeypatch.setattr("provisioner.observe.notes.digest_file", digest_file)
    monkeypatch.setattr(steps, "_parse", lambda path, source: hashed.append(path.name) or parse(path, source))
    keeping_times(same_size, world.folder / "data/parts-1.csv")
    time.sleep(GRAIN)
    assert [action.unit for action in provisioner.plan(world.manifest).actions] == ["parts"]
    assert hashed == ["parts-1.csv"]
    assert [action.unit for action in provisioner.plan(world.manifest).actions] == ["parts"]
    assert hashed == ["parts-1.csv"]

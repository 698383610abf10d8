"""A proof is believed only as long as a full look would say the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import pytest
from proved_projects import GRAIN, World, copy_over, keeping_times, same_size

import provisioner
from provisioner import Outcome
from provisioner.face import find_proof
from provisioner.observe import installation

Change = Callable[[World], None]


def test_an_apply_that_did_everything_leaves_a_proof(_made: World) -> None:
    assert _made.is_proved()
    run = provisioner.ensure(_made.manifest)
    assert (run.id, run.outcome, run.units) == ("", Outcome.DONE, ())


def test_a_proof_holds_as_long_as_nothing_changes(world: World) -> None:
    with world.database.open("rb") as file:
        assert file.read(1)
    (world.folder / "unrelated.txt").write_text("x")
    (world.folder / "build" / "other.duckdb").write_text("x")
    assert world.is_proved()
    provisioner.plan(world.manifest, cache=False)
    assert world.is_proved()


def replaced(world: World) -> None:
    """By a file of the same bytes, so that only what it is can tell."""
    copy = world.database.with_name("copy")
    copy_over(world.database, copy)
    os.replace(copy, world.database)


def restored(world: World) -> None:
    copy = world.database.with_name("copy")
    copy_over(world.database, copy)
    world.write_here("INSERT INTO visits VALUES (1, now())")
    world.look()
    os.replace(copy, world.database)


def rewritten(world: World) -> None:
    """The bytes of a database in which a table is missing, under the old time and size."""
    body, facts = world.database.read_bytes(), world.database.stat()
    world.write_here("DROP TABLE made")
    other = world.database.read_bytes()
    world.database.write_bytes(body)
    world.look()
    world.database.write_bytes(other)
    os.utime(world.database, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def edited(name: str) -> Change:
    return lambda world: keeping_times(same_size, world.folder / name)


# Each leaves the proof in doubt. Whether there is drift is for the full look to say.
CHANGES: dict[str, Change] = {
    "a row written by another process": lambda world: world.execute("INSERT INTO visits VALUES (1, now())"),
    "a row in the WAL of a process that died": lambda world: world.execute("DELETE FROM people", die=True),
    "a table dropped, its drop in the WAL": lambda world: world.execute(
        "DROP VIEW loud", "DROP TABLE people", die=True
    ),
    "a table dropped": lambda world: world.write_here("DROP TABLE made"),
    "a table dropped without a checkpoint": lambda world: world.write_here("DROP TABLE made", checkpoint=False),
    "a stamp deleted": lambda world: world.write_here("DELETE FROM _provisioner.stamps"),
    "a column added": lambda world: world.write_here("ALTER TABLE visits ADD COLUMN x INTEGER"),
    "the database gone": lambda world: world.database.unlink(),
    "the database replaced": replaced,
    "the database restored from a copy": restored,
    "the database rewritten, its time set back": rewritten,
    "the database linked a second time": lambda world: os.link(world.database, world.database.with_name("link")),
    "the database cut": lambda world: os.truncate(world.database, 12_288),
    "an input of the same size, its time set back": edited("data/people.csv"),
    "a member of a pattern": edited("data/parts-2.csv"),
    "a new member of a pattern": lambda world: world.write("data/parts-3.csv", "id\n3\n") and None,
    "a member of a pattern gone": lambda world: (world.folder / "data/parts-2.csv").unlink(),
    "another input": edited("notes.txt"),
    "the script": edited("loud.sql"),
    "the python step": edited("making.py"),
    "what the python step imports": edited("tables.py"),
    "what the python step imports is a package now": lambda world: (
        world.write("tables/__init__.py", "NUMBER = 7\n") and None
    ),
    "the manifest": edited("provision.yaml"),
    "an included file": edited("more.yaml"),
    "an included file gone": lambda world: (world.folder / "more.yaml").unlink(),
    "an input replaced by a link": lambda world: link_to_copy(world, "notes.txt"),
    "a repository begun above": lambda world: (world.folder / ".git").mkdir(),
}


def link_to_copy(world: World, name: str) -> None:
    path = world.folder / name
    target = path.with_name("target")
    os.rename(path, target)
    path.symlink_to(target)
    same_size(target)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_leaves_the_proof_in_doubt(world: World, change: Change) -> None:
    change(world)
    assert not world.is_proved()


@pytest.mark.parametrize(
    "names",
    [{"WAREHOUSE": "build/../build"}, {"PROVISION_ENV": "prod"}, {"TZ": "Pacific/Auckland"}],
    ids=lambda names: next(iter(names)),
)
def test_another_environment_leaves_the_proof_in_doubt(
    world: World, monkeypatch: pytest.MonkeyPatch, names: dict[str, str]
) -> None:
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert not world.is_proved()
    monkeypatch.undo()
    assert world.is_proved()


def test_another_installation_leaves_it_in_doubt(
    world: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(place)
    assert world.is_proved()
    (place / "sqlglot-99.0.dist-info").mkdir()
    assert not world.is_proved()
    (place / "sqlglot-99.0.dist-info").rmdir()
    assert world.is_proved()
    monkeypatch.setattr(installation, "_source", lambda: "our own files, changed")
    assert not world.is_proved()


def test_a_file_changed_while_it_was_read_leaves_no_proof(world: World) -> None:
    """What is as young as the look itself may change again within one tick of the clock."""
    world.write("notes.txt", "two\n")
    provisioner.apply(world.manifest, on_event=lambda event: world.write("notes.txt", "two\n") and None)
    assert not world.is_proved()
    assert world.look() and world.is_proved()


def test_only_a_look_at_everything_leaves_a_proof(world: World) -> None:
    world.write_here("DROP TABLE made")
    assert not provisioner.plan(world.manifest, target=["people"]).actions
    assert not world.is_proved()
    assert provisioner.plan(world.manifest).actions
    assert not world.is_proved()


def test_an_orphan_is_told_every_time(world: World) -> None:
    world.write("more.yaml", "vars: {}\n")
    assert provisioner.plan(world.manifest).orphans
    time.sleep(GRAIN)
    assert provisioner.plan(world.manifest).orphans
    assert not world.is_proved()


UNSTEADY = {
    "the clock": "select name from people where current_date > date '2000-01-01'",
    "chance": "select name from people where random() >= 0",
    "a file": "select name from 'data/people.csv'",
    "a file through another view": "select name from far",
    "the clock, between quotes": """select name, 1 as "it's", now() > timestamp '2000-01-01' as "that's" from people""",
}
FAR = """
steps: {far: {sql: far.sql}}
tables: {far: {tier: raw, step: far, kind: view}}
"""


@pytest.mark.parametrize("query", UNSTEADY.values(), ids=UNSTEADY)
def test_expectations_of_a_view_that_rests_on_more_than_the_database_are_measured_every_time(
    world: World, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)
    world.write("far.sql", "select * from read_csv('data/people.csv')")
    world.write("loud.sql", query)
    world.write("far.yaml", FAR)
    world.write("provision.yaml", world.manifest.read_text().replace("[more.yaml]", "[more.yaml, far.yaml]"))
    time.sleep(GRAIN)
    provisioner.apply(world.manifest)
    assert not world.is_proved()
    assert world.look()
    assert not world.is_proved()


@pytest.mark.parametrize("linked", ["provision.yaml", "more.yaml"])
def test_a_link_to_another_manifest_leaves_the_proof_in_doubt(world: World, linked: str) -> None:
    """As when `current` leads to another release: both files are old, and neither of them changed."""
    first, second = world.folder / "first", world.folder / "second"
    for path, more in ((first, ""), (second, "# another\n")):
        path.write_text((world.folder / linked).read_text() + more)
    (world.folder / linked).unlink()
    (world.folder / linked).symlink_to(first)
    assert world.look() and world.is_proved()
    (world.folder / linked).unlink()
    (world.folder / linked).symlink_to(second)
    assert not world.is_proved()


def test_the_place_of_the_clock_is_looked_at_too(world: World) -> None:
    assert "/etc/localtime" in json.loads(world.kept().read_text())["notes"]


def test_a_loaded_manifest_is_known_by_its_content(world: World) -> None:
    loaded = provisioner.load_manifest(world.manifest)
    keeping_times(same_size, world.folder / "more.yaml")
    assert find_proof(world.manifest) is None
    assert find_proof(loaded) is not None

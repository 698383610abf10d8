"""A proof is believed only as long as a full look would say the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from proved_projects import GRAIN, World, copy_over, keeping_times, same_size

import provisioner
from provisioner import Outcome
from provisioner.face import find_proof
from provisioner.observe import installation
from provisioner.observe.keep import write_whole

Change = Callable[[World], None]


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def world(_made: World) -> Iterator[World]:
    """The provisioned project, proved by a look. What a test changes is put back, so that the next look is short."""
    before = _made.content()
    if not _made.is_proved():
        time.sleep(GRAIN)
        provisioner.plan(_made.manifest)
    assert _made.is_proved()
    yield _made
    _made.put_back(before)


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


DAMAGE: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "not JSON": lambda text: "proof",
    "a list": lambda text: "[]",
    "deep": lambda text: "[" * 100_000,
    "another format": lambda text: text.replace('"format":1', '"format":2'),
    "no proof": lambda text: json.dumps({**json.loads(text), "proof": None}),
    "numbers for paths": lambda text: json.dumps({**json.loads(text), "notes": {"x": 7}}),
    "another manifest's": lambda text: json.dumps({**json.loads(text), "manifest": "/elsewhere.yaml"}),
    "nothing looked at": lambda text: json.dumps({**json.loads(text), "looked": {}}),
    "a note that is a list": lambda text: json.dumps({**json.loads(text), "notes": {"x": []}}),
    "no facts": lambda text: json.dumps(
        {**json.loads(text), "notes": {path: [[1, 2, 3, 4, 5], None] for path in json.loads(text)["notes"]}}
    ),
    "NUL in a path": lambda text: json.dumps({**json.loads(text), "notes": {"a\0b": [[1, 2, 3, 4, 5], {}]}}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cache_is_an_absent_one(world: World, damage: Callable[[str], str]) -> None:
    kept = world.kept()
    kept.write_text(damage(kept.read_text()))
    assert not world.is_proved()
    assert provisioner.plan(world.manifest) == provisioner.Plan()
    assert world.is_proved()


def test_the_cache_holds_no_value_of_a_variable_and_is_for_its_owner_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE", "hunter2")
    assert world.folder.joinpath("build").rename(world.folder / "hunter2")
    time.sleep(GRAIN)
    assert world.look() and world.is_proved()
    text = world.kept().read_text().replace("/hunter2/", "")
    assert "hunter2" not in text
    assert world.kept().stat().st_mode & 0o077 == 0


def test_looking_for_a_proof_takes_no_lock_from_a_connection_of_this_process(world: World) -> None:
    """To close any descriptor of the file would drop DuckDB's lock on it; another thread may connect at any moment."""
    code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    with duckdb.connect(str(world.database)):
        assert provisioner.ensure(world.manifest).outcome is Outcome.DONE
        other = subprocess.run([sys.executable, "-c", code, str(world.database)], capture_output=True, text=True)
        assert "Could not set lock" in other.stderr
        same_size(world.folder / "notes.txt")
        with pytest.raises(provisioner.BusyError, match="already open in this process"):
            provisioner.ensure(world.manifest)


def test_threads_that_look_for_proofs_and_connect_at_once_leave_every_connection_its_lock(world: World) -> None:
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            find_proof(world.manifest)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    inode = str(world.database.stat().st_ino)
    try:
        for _ in range(60):
            with duckdb.connect(str(world.database)):
                locks = Path("/proc/locks").read_text().splitlines()
                assert any(f"{os.getpid()} " in line and inode in line for line in locks)
    finally:
        done.set()
        for looker in lookers:
            looker.join()


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


def test_files_of_other_programs_in_our_own_folder_are_no_part_of_the_installation(tmp_path: Path) -> None:
    for name in ("a.py", "a.json", "a.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".#a.py").symlink_to("nobody@nowhere.1")
    assert [entry.split(":")[0].rpartition("/")[2] for entry in sorted(installation._entries(str(tmp_path)))] == [
        "a.json", "a.py",
    ]  # fmt: skip


def test_a_loaded_manifest_is_known_by_its_content(world: World) -> None:
    loaded = provisioner.load_manifest(world.manifest)
    keeping_times(same_size, world.folder / "more.yaml")
    assert find_proof(world.manifest) is None
    assert find_proof(loaded) is not None


def test_threads_that_call_ensure_at_once_take_turns(world: World) -> None:
    world.write_here("DROP TABLE made")
    with ThreadPoolExecutor(4) as threads:
        runs = list(threads.map(lambda _: provisioner.ensure(world.manifest, timeout=60), range(4)))
    assert sorted(len(run.units) for run in runs) == [0, 0, 0, 1]


def test_a_cache_that_another_user_may_have_planted_is_not_believed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "nowhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert world.look() and world.is_proved()
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert not world.is_proved()


def test_what_nobody_has_written_for_a_season_is_removed_from_the_cache(tmp_path: Path) -> None:
    for name, days in (("looked-1.json", 91), ("dbt-parse-2.msgpack", 100), ("looked-3.json", 89)):
        path = tmp_path / name
        path.touch()
        os.utime(path, (0, time.time() - days * 24 * 3600))
    write_whole(tmp_path / "looked-4.json", "{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["looked-3.json", "looked-4.json"]

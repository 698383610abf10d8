"""The cache may be damaged, planted or old; threads and connections of one process do not hurt one another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from proved_projects import GRAIN, World, same_size

import provisioner
from provisioner import Outcome
from provisioner.face import find_proof
from provisioner.observe import installation
from provisioner.observe.keep import write_whole
from provisioner.observe.own import sealed

DAMAGE: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "not JSON": lambda text: "proof",
    "a list": lambda text: "[]",
    "deep": lambda text: "[" * 100_000,
    "another format": lambda text: json.dumps({**json.loads(text), "format": 0}),
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
    text = damage(kept.read_text())
    # With a checksum of its own, so that it is read at all.
    kept.write_bytes(sealed(text) if text.startswith("{") else text.encode())
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


def test_files_of_other_programs_in_our_own_folder_are_no_part_of_the_installation(tmp_path: Path) -> None:
    for name in ("a.py", "a.json", "a.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".#a.py").symlink_to("nobody@nowhere.1")
    assert [entry.split(":")[0].rpartition("/")[2] for entry in sorted(installation._entries(str(tmp_path)))] == [
        "a.json", "a.py",
    ]  # fmt: skip


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

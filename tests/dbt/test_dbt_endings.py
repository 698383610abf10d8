"""How a dbt run ends before its time: a timeout, a stop, the death of the worker or of its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from dbt_projects import SLOW, Write, is_gone  # type: ignore[import-not-found]

from provisioner.errors import StoppedError
from provisioner.execute.child import Event
from provisioner.execute.dbt_client import DbtWorker
from provisioner.observe.values import DbtNode

FILES = {
    "models/a_quick.sql": "{{ config(materialized='table') }} select 1 as i",
    "models/slow.sql": "{{ config(materialized='table') }} -- depends_on: {{ ref('a_quick') }}\n" + SLOW,
    "models/z_after.sql": "select * from {{ ref('slow') }}",
}
NODES = [DbtNode(f"model.shop.{name}", "run", False, f"models/{name}.sql") for name in ("a_quick", "slow", "z_after")]
Make = Callable[..., DbtWorker]


class Slow:
    """Whether the slow node runs; begun: when it started."""

    def __init__(self) -> None:
        self.begun: float | None = None

    def hear(self, event: Event) -> None:
        if event["event"] == "node_started" and event["node"] == "model.shop.slow":
            self.begun = time.monotonic()

    def for_seconds(self, seconds: float) -> bool:
        return self.begun is not None and time.monotonic() - self.begun > seconds


def open_it(database: Path) -> list[str]:
    """The tables; fails when anyone still has the database."""
    with duckdb.connect(str(database)) as connection:
        return [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_node_that_takes_too_long_is_ended_and_the_worker_can_go_on(
    write: Write, worker_for: Make, tmp_path: Path
) -> None:
    worker, slow = worker_for(write(FILES)), Slow()
    results = worker.run("run", NODES, on_event=slow.hear, timeout=1.0)
    assert slow.begun is not None and time.monotonic() - slow.begun < 30
    assert [result.status for result in results.values()] == ["success", "timeout", "not_run"]
    assert "a_quick" in open_it(tmp_path / "shop.duckdb")
    again = worker.run("run", NODES[:1])
    assert again["model.shop.a_quick"].status == "success", "a fresh child takes the place of the killed one"


def test_a_stop_ends_the_run_at_once_and_frees_the_database(write: Write, worker_for: Make, tmp_path: Path) -> None:
    worker, slow = worker_for(write(FILES)), Slow()
    results = worker.run("run", NODES, on_event=slow.hear, should_stop=lambda: slow.for_seconds(0.3))
    assert slow.begun is not None and time.monotonic() - slow.begun < 30
    assert [result.status for result in results.values()] == ["success", "stopped", "stopped"]
    open_it(tmp_path / "shop.duckdb")
    with pytest.raises(StoppedError):
        worker.parse(should_stop=lambda: True)


def test_a_worker_that_is_killed_fails_the_node_it_ran_and_no_other(
    write: Write, worker_for: Make, tmp_path: Path
) -> None:
    worker, slow = worker_for(write(FILES)), Slow()

    def kill_it() -> bool:
        if slow.for_seconds(0.3):
            (child,) = children(os.getpid())
            os.kill(child, signal.SIGKILL)
            slow.begun = None
        return False

    results = worker.run("run", NODES, on_event=slow.hear, should_stop=kill_it)
    assert [result.status for result in results.values()] == ["success", "died", "not_run"]
    assert "SIGKILL" in results["model.shop.slow"].message
    open_it(tmp_path / "shop.duckdb")


def test_a_listener_that_raises_leaves_no_child_behind(write: Write, worker_for: Make, tmp_path: Path) -> None:
    worker = worker_for(write(FILES))

    def refuse(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run("run", NODES, on_event=refuse)
    open_it(tmp_path / "shop.duckdb")


HOLDER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_when_dbt_cannot_connect_its_own_words_are_told_and_the_database_is_free(
    write: Write, worker_for: Make, tmp_path: Path
) -> None:
    attached = "{type: duckdb, path: own.duckdb, attach: [{path: /nowhere/else.duckdb}]}"
    worker = worker_for(write({**FILES, "profiles.yml": f"shop: {{target: dev, outputs: {{dev: {attached}}}}}"}))
    for result in worker.run("run", NODES[:1]).values():
        assert (result.status, "/nowhere/else.duckdb" in result.message) == ("error", True)
    open_it(tmp_path / "shop.duckdb")
    (child,) = children(os.getpid())

    command = [sys.executable, "-c", HOLDER, str(tmp_path / "shop.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        for result in worker.run("run", NODES[:1]).values():
            assert result.status == "error" and "lock" in result.message
        assert is_gone(child), "after its run another has the database: for all we know it is the child"
        assert holder.stdin is not None
        holder.stdin.close()


PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from dbt_projects import PLACE
from test_dbt_endings import NODES
from provisioner.declare.values import DbtProject
from provisioner.execute.dbt_client import DbtWorker
folder = Path(sys.argv[1])
worker = DbtWorker(DbtProject(folder / "project", PLACE), folder / "shop.duckdb", variables={}, guard_fd=None,
                   private=folder / "private", cache_dir=folder / "cache")
worker.run("run", NODES, on_event=lambda event: print(event["event"], event["node"], flush=True))
"""


def test_the_worker_dies_with_its_parent_and_frees_the_database(write: Write, tmp_path: Path) -> None:
    write(FILES)
    command = [sys.executable, "-c", PARENT, str(tmp_path), str(Path(__file__).parent)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    while parent.stdout.readline().strip() != "node_started model.shop.slow":
        assert parent.poll() is None
    (child,) = children(parent.pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert is_gone(child)
    assert "a_quick" in open_it(tmp_path / "shop.duckdb")

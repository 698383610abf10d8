"""How a dbt run ends before its time: a timeout, a stop, the death of the worker or of its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from dbt_projects import (  # type: ignore[import-not-found]
    BASE,
    PLACE,
    SLOW,
    Write,
    is_gone,
    make_project,
)

from provisioner.declare.values import DbtProject
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("endings")
    make_project(folder / "project", {**BASE, **FILES})
    return folder


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[DbtWorker]:
    """One for all: a child that a test ended is followed by one that finds what the first has parsed."""
    worker = DbtWorker(
        DbtProject(folder / "project", PLACE), folder / "shop.duckdb", variables={}, guard_fd=None,
        private=folder / "private", cache_dir=folder / "cache",
    )  # fmt: skip
    yield worker
    worker.end()


@pytest.fixture
def database(folder: Path) -> Path:
    """Where the worker's is to be; there is none yet."""
    path = folder / "shop.duckdb"
    path.unlink(missing_ok=True)
    return path


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


def test_a_node_that_takes_too_long_is_ended_and_the_worker_can_go_on(worker: DbtWorker, database: Path) -> None:
    slow = Slow()
    results = worker.run("run", NODES, on_event=slow.hear, timeout=1.0)
    assert slow.begun is not None and time.monotonic() - slow.begun < 30
    assert [result.status for result in results.values()] == ["success", "timeout", "not_run"]
    assert "a_quick" in open_it(database)
    again = worker.run("run", NODES[:1])
    assert again["model.shop.a_quick"].status == "success", "a fresh child takes the place of the killed one"


def test_a_stop_ends_the_run_at_once_and_frees_the_database(worker: DbtWorker, database: Path) -> None:
    slow = Slow()
    results = worker.run("run", NODES, on_event=slow.hear, should_stop=lambda: slow.for_seconds(0.3))
    assert slow.begun is not None and time.monotonic() - slow.begun < 30
    assert [result.status for result in results.values()] == ["success", "stopped", "stopped"]
    open_it(database)
    with pytest.raises(StoppedError):
        worker.parse(should_stop=lambda: True)


@pytest.mark.parametrize(
    ("number", "timeout", "ending"),
    [(signal.SIGKILL, None, "died"), (signal.SIGTERM, None, "error"), (signal.SIGSTOP, 1.0, "timeout")],
    ids=["SIGKILL", "SIGTERM", "SIGSTOP"],
)
def test_a_signal_from_outside_fails_the_node_that_ran_and_no_other(
    worker: DbtWorker, database: Path, number: signal.Signals, timeout: float | None, ending: str
) -> None:
    slow = Slow()
    sent: list[int] = []

    def send() -> bool:
        if slow.for_seconds(0.3) and not sent:
            sent.extend(children(os.getpid()))
            os.kill(sent[0], number)
        return False

    results = worker.run("run", NODES, on_event=slow.hear, should_stop=send, timeout=timeout)
    assert [result.status for result in results.values()][:2] == ["success", ending]
    assert results["model.shop.z_after"].status in ("not_run", "skipped", "error")
    assert number is not signal.SIGKILL or "SIGKILL" in results["model.shop.slow"].message
    assert is_gone(sent[0]) or number is signal.SIGTERM
    open_it(database)
    assert worker.run("run", NODES[:1])["model.shop.a_quick"].status == "success"


def test_a_listener_that_raises_leaves_no_child_behind(worker: DbtWorker, database: Path) -> None:
    def refuse(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run("run", NODES, on_event=refuse)
    open_it(database)
    assert children(os.getpid()) == []


HOLDER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_when_dbt_cannot_connect_its_own_words_are_told_and_the_database_is_free(
    write: Write, worker_for: Make, tmp_path: Path
) -> None:
    others = set(children(os.getpid()))
    attached = "{type: duckdb, path: own.duckdb, attach: [{path: /nowhere/else.duckdb}]}"
    worker = worker_for(write({**FILES, "profiles.yml": f"shop: {{target: dev, outputs: {{dev: {attached}}}}}"}))
    for result in worker.run("run", NODES[:1]).values():
        assert (result.status, "/nowhere/else.duckdb" in result.message) == ("error", True)
    open_it(tmp_path / "shop.duckdb")
    (child,) = set(children(os.getpid())) - others

    command = [sys.executable, "-c", HOLDER, str(tmp_path / "shop.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        for result in worker.run("run", NODES[:1]).values():
            assert result.status == "error" and "lock" in result.message
        assert not is_gone(child), "another has the database; the child let go of it"
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


def test_the_worker_dies_with_its_parent_and_frees_the_database(folder: Path, database: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(folder), str(Path(__file__).parent)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    while parent.stdout.readline().strip() != "node_started model.shop.slow":
        assert parent.poll() is None
    (child,) = children(parent.pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert is_gone(child)
    assert "a_quick" in open_it(database)

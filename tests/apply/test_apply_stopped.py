"""SIGINT and SIGTERM end the unit that is under way, cleanly; what is done stays done, and apply goes on from there."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from projects import HOLD, LET_GO, PATIENCE, Project, outcomes, ran, shop, slow, wait_for_line, wait_until

import provisioner
from provisioner import Event, Stop, StoppedError
from provisioner.execute.events import Noted, UnitFinished
from provisioner.execute.history import journal_path, read_journal

KINDS: dict[str, dict[str, Any]] = {
    "a query": {"sql": "slow.sql"},
    "a python step that sleeps": {"python": "sleeping:build"},
    "a python step that is busy": {"python": "busy:build"},
}


def hold(folder: Path, kind: str) -> Project:
    """A project whose step `slow` will not end, with an old table of it; it and `quick` are due."""
    project = slow(folder, **KINDS[kind])
    project.apply()
    project.sql(HOLD, "UPDATE slow SET x = 0", "DROP TABLE quick")
    project.write("quick.sql", "SELECT 2 AS x")
    (project.folder / "begun").unlink(missing_ok=True)
    project.write("wait", "")
    return project


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_ends_the_unit_under_way_and_apply_goes_on_from_there(
    tmp_path: Path, kind: str, number: signal.Signals
) -> None:
    project = hold(tmp_path, kind)
    process = project.start("apply", "--rebuild", "slow")
    wait_for_line(process, "start", "slow")
    if "python" in kind:
        wait_until((project.folder / "begun").exists, process)
    time.sleep(0.1)  # into the query
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "stopped" in err and f"The run was ended by {number.name}" in err and "provision apply" in err
    assert "1 done, 1 stopped" in out
    assert project.rows("SELECT x FROM slow") == [(0,)], "the old table is still there"
    assert project.rows("SELECT x FROM quick") == [(2,)], "what was done stays done"
    (project.folder / "wait").unlink()
    project.sql(LET_GO)
    assert project.apply().id == "", "nothing is due: the old table is as declared"
    assert ran(project.apply(rebuild=["slow"])) == {"slow": "done"}
    assert project.rows("SELECT x FROM slow") == [(7,)]


def test_a_listener_that_raises_ends_the_run_which_is_on_record_as_failed_and_not_as_dead(tmp_path: Path) -> None:
    project = shop(tmp_path)

    def raise_it(event: Event) -> None:
        if isinstance(event, UnitFinished):
            raise LookupError("no such bar")

    with pytest.raises(LookupError):
        project.apply(on_event=raise_it)
    (run,) = read_journal(journal_path(project.database)).runs
    assert (run.outcome, len(run.units)) == ("failed", 1) and run.units[0].outcome == "done"
    seen = list[Event]()
    assert len(ran(project.apply(on_event=seen.append))) == 4
    assert not [event for event in seen if isinstance(event, Noted) and event.warning]


def test_a_stop_that_the_caller_asks_for_ends_a_run_of_the_library(tmp_path: Path) -> None:
    project = hold(tmp_path, "a query")
    stop, seen = Stop(), list[Event]()

    def listen(event: Event) -> None:
        seen.append(event)
        if isinstance(event, provisioner.execute.events.UnitStarted) and event.unit == "slow":
            stop.request("the caller")

    project.sql("DROP TABLE slow", "DROP TABLE after")
    with pytest.raises(StoppedError, match="ended by the caller; 1 of 3 actions are done"):
        project.apply(on_event=listen, stop=stop)
    assert outcomes(seen) == {"quick": "done", "slow": "stopped", "after": "stopped"}
    (project.folder / "wait").unlink()
    project.sql(LET_GO)
    assert set(ran(project.apply())) == {"slow", "after"}

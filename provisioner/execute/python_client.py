"""A python step, seen from its parent: a child of its own, so that a timeout or a crash ends only that step."""

from __future__ import annotations

import pickle
import time
from dataclasses import replace

from provisioner.declare.values import Expect
from provisioner.errors import BusyError, StepError
from provisioner.execute.child import Child
from provisioner.execute.endings import stopped, timed_out
from provisioner.execute.setting import Setting
from provisioner.execute.stamps import withdraw
from provisioner.execute.transaction import marks_of, transaction
from provisioner.observe.introspect import introspect_made
from provisioner.observe.values import Unit
from provisioner.reconcile.wording import many

TICK = 0.05
GRACE = 0.5


def run_python(unit: Unit, setting: Setting) -> int | None:
    """Run the step in one transaction of the child. Returns the rows it made.

    The caller has closed the database. Raises StepError with the step's own words, or StoppedError.
    """
    work = _work(unit, setting)
    child = Child(
        "provisioner.execute.python_worker",
        cwd=setting.manifest.folder,
        guard_fd=setting.guard,
        what=f"The python step {unit.id}",
        error=StepError,
    )
    try:
        # The pipe is private and both ends are ours; nothing that a user wrote is ever unpickled.
        child.send({"work": pickle.dumps(work).hex()})
        rows = _wait(child, unit, setting)
    finally:
        child.end()
    _refuse_more(unit, rows, setting)
    return rows


def _refuse_more(unit: Unit, rows: int | None, setting: Setting) -> None:
    """A thread that the step has left may write on when its transaction is committed, until the child has ended.

    rows: those that were verified. Raises StepError, and takes the trust back, when there are more or fewer by now.
    """
    connection = setting.live.connection
    found = introspect_made(connection, [replace(want, expect=Expect()) for want in unit.wants]).relations.values()
    counted = [one.rows for one in found if one.rows is not None]
    now = sum(counted) if counted else None
    if now != rows:
        with transaction(connection):
            withdraw(connection, marks_of(connection, unit, setting.stamps(unit)))
        raise StepError(
            f"{unit.id} went on writing after its transaction: it had made {rows or 0:,} by then, and there are"
            f" {many(now or 0, 'row')} now.",
            code="verification_failed",
            cure=f"Let {unit.source} end the threads that it starts, and their cursors, before it returns.",
        )


def _work(unit: Unit, setting: Setting) -> tuple[object, ...]:
    live = setting.live
    folder, watch = setting.manifest.folder, setting.watch(unit)
    return unit, setting.stamps(unit), live.path, folder, setting.run, live.patience.timeout, watch


def _wait(child: Child, unit: Unit, setting: Setting) -> int | None:
    over: float | None = None
    for event in child.events(TICK):
        if event is not None and event["event"] in ("begun", "opened") and unit.timeout is not None:
            over = over or time.monotonic() + unit.timeout
        elif event is not None and event["event"] == "waiting":
            over = None
            setting.live.patience.on_wait(event["words"])
        elif event is not None and event["event"] == "done":
            rows: int | None = event["rows"]
            return rows
        elif event is not None and event["event"] == "failed":
            kind = BusyError if event["code"] == "database_locked" else StepError
            raise kind(event["message"], code=event["code"], cure=event["cure"])
        if setting.stop.requested:
            child.end(GRACE)
            raise stopped(setting.stop)
        if over is not None and time.monotonic() > over:
            child.end(GRACE)
            raise timed_out(unit)
    raise AssertionError("a child's events end only by its death, which raises")

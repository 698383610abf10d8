"""dbt units: one invocation in the worker for a whole batch, then each node is verified and trusted by itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import duckdb

from provisioner.errors import ProvisionError, StepError
from provisioner.execute.aside import accept, put_aside, put_back
from provisioner.execute.bounds import Bounds
from provisioner.execute.dbt_progress import NodeResult
from provisioner.execute.endings import skipped, stopped, timed_out
from provisioner.execute.events import NodeFinished, Noted
from provisioner.execute.setting import Setting
from provisioner.observe.database import translate
from provisioner.observe.values import Unit
from provisioner.reconcile.values import Action


class Record(Protocol):
    """Where it is written down how actions went; the walk over a plan."""

    def started(self, action: Action, attempt: int = 1) -> None: ...

    def finished(self, action: Action, seconds: float, rows: int | None, error: ProvisionError | None) -> None: ...

    def blocked_by(self, unit: str) -> str | None: ...


def run_dbt(actions: Sequence[Action], setting: Setting, record: Record) -> None:
    """Run the batch, and again what is worth a retry; every action ends in exactly one call of `record.finished`."""
    rest, attempt = tuple(actions), 1
    while rest:
        try:
            results = _invoke(rest, setting, record, attempt)
            rest = tuple(action for action in rest if not _settle(action, results, setting, record, attempt))
        except BaseException:
            _give_up(rest, setting)
            raise
        attempt += 1


def _give_up(actions: Sequence[Action], setting: Setting) -> None:
    """Whatever ended us, the tables that were put aside come back now, not at the next apply."""
    assert setting.worker is not None
    setting.worker.end()
    with suppress(duckdb.Error, ProvisionError):
        for action in actions:
            put_back(setting.live.connection, setting.graph.units[action.unit])


Results = dict[str, NodeResult | ProvisionError]


def _invoke(actions: Sequence[Action], setting: Setting, record: Record, attempt: int) -> Results:
    """Withdraw, then act. The worker has the database to itself. An error instead of a result: dbt never began."""
    units = [setting.graph.units[action.unit] for action in actions]
    by_id = {action.unit: action for action in actions}
    nodes = [unit.dbt for unit in units if unit.dbt is not None]
    assert setting.worker is not None

    def on_event(event: dict[str, object]) -> None:
        action = by_id.get(str(event.get("node")))
        if action is None:
            return
        if event["event"] == "node_started":
            record.started(action, attempt)
        elif event["event"] == "node_finished":
            setting.tell(NodeFinished(setting.run, action.unit, str(event["status"]), _seconds(event)))

    try:
        put_aside(setting.live.connection, units, setting.run)
        setting.live.release()
        return dict(
            setting.worker.run(
                nodes[0].command,
                nodes,
                full_refresh=actions[0].full_refresh,
                fail_fast=setting.fail_fast,
                on_event=on_event,
                timeout=units[0].timeout,
                should_stop=lambda: setting.stop.requested,
            )
        )
    except ProvisionError as error:
        return {unit.id: error for unit in units}
    except duckdb.Error as error:
        return {unit.id: translate(error, setting.live.path) for unit in units}


def _seconds(event: dict[str, object]) -> float:
    seconds = event.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _settle(action: Action, results: Results, setting: Setting, record: Record, attempt: int) -> bool:
    """Verify and grant, or put back. False when the node is to be run once more."""
    unit, result = setting.graph.units[action.unit], results[action.unit]
    source = record.blocked_by(unit.id)
    error = skipped(source) if source else _error(unit, result, setting)
    rows = None
    if error is None:
        rows, error = _accept(unit, setting)
    if error is not None:
        put_back(setting.live.connection, unit)
        if not source and not setting.stop.requested and _again(unit, result, attempt):
            setting.tell(Noted(f"{unit.id}, attempt {attempt}: {error.message}", warning=True))
            return False
    record.finished(action, result.seconds if isinstance(result, NodeResult) else 0.0, rows, error)
    return True


def _accept(unit: Unit, setting: Setting) -> tuple[int | None, ProvisionError | None]:
    connection = setting.live.connection
    try:
        return accept(connection, unit, setting.stamps(unit), Bounds(connection, unit, setting.stop)), None
    except ProvisionError as refused:
        return None, refused
    except duckdb.Error as error:
        return None, translate(error, setting.live.path)


def _again(unit: Unit, result: NodeResult | ProvisionError, attempt: int) -> bool:
    """A node that the worker's end kept from running gets its turn; one that failed, as often as its step allows."""
    return (isinstance(result, NodeResult) and result.status == "not_run") or attempt <= unit.retries


def _error(unit: Unit, result: NodeResult | ProvisionError, setting: Setting) -> ProvisionError | None:
    if isinstance(result, ProvisionError):
        return result
    if result.status == "success":
        return None
    if result.status == "timeout":
        return timed_out(unit)
    if result.status == "stopped" or setting.stop.requested:
        return stopped(setting.stop)
    if result.status == "died":
        cure = "Run `provision apply` again; if it dies again, look at what ends processes here: memory, limits."
        return StepError(result.message, code="worker_died", cure=cure)
    if result.status == "skipped":
        return StepError(
            "dbt skipped it, since something it reads failed.", code="skipped", cure="Mend what failed first."
        )
    return StepError(f"dbt: {result.message}", code="dbt_node_failed", cure=_cure(unit, result, setting))


def _cure(unit: Unit, result: NodeResult, setting: Setting) -> str:
    project, node = setting.manifest.dbt, unit.dbt
    assert project is not None and node is not None
    line = "" if result.line is None else f":{result.line}"
    return (
        f"Mend {project.project_dir / node.path}{line}, then run `provision apply` again: only what is missing is done."
    )

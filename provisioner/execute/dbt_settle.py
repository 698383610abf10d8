"""After dbt ran: each node is verified and trusted, or put back, or is to be run once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Protocol

import duckdb

from provisioner.errors import ProvisionError, StepError
from provisioner.execute.aside import Made, accept, put_back
from provisioner.execute.bounds import Bounds
from provisioner.execute.dbt_progress import NodeResult
from provisioner.execute.endings import skipped, stopped, timed_out
from provisioner.execute.events import Noted
from provisioner.execute.setting import Setting
from provisioner.observe.database import translate
from provisioner.observe.values import Unit
from provisioner.reconcile.values import Action

# How each node ended, by id. An error instead of a result: dbt never began.
Results = Mapping[str, NodeResult | ProvisionError]

# So many nodes at most are accepted in one transaction: what a death then costs is to run them again.
_TOGETHER = 50


class Record(Protocol):
    """Where it is written down how actions went; the walk over a plan."""

    def started(self, action: Action, attempt: int = 1) -> None: ...

    def made(self, action: Action, status: str, seconds: float) -> None: ...

    def finished(self, action: Action, seconds: float, rows: int | None, error: ProvisionError | None) -> None: ...

    def blocked_by(self, unit: str) -> str | None: ...


def settle(
    actions: Sequence[Action], results: Results, setting: Setting, record: Record, attempt: int
) -> tuple[Action, ...]:
    """Settle them in their order, and return those that are to be run once more.

    A commit costs more than what is committed for a node. So neighbours that succeeded are accepted together; when one
    of them is not as it should be, nothing of that holds, and each is settled by itself.
    """

    def is_fine(action: Action) -> bool:
        unit, result = setting.graph.units[action.unit], results[action.unit]
        return record.blocked_by(unit.id) is None and _error(unit, result, setting) is None

    again = []
    for fine, group in groupby(actions, key=is_fine):
        neighbours = tuple(group)
        for start in range(0, len(neighbours), _TOGETHER):
            some = neighbours[start : start + _TOGETHER]
            rows = _accept_together(some, setting) if fine else {}
            for action in some:
                if action.unit in rows:
                    record.finished(action, _seconds_of(results[action.unit]), rows[action.unit], None)
                elif not _settle_alone(action, results, setting, record, attempt):
                    again.append(action)
    return tuple(again)


def _accept_together(actions: Sequence[Action], setting: Setting) -> dict[str, int | None]:
    """The rows of each, or nothing."""
    try:
        return _accept([setting.graph.units[action.unit] for action in actions], setting)
    except (ProvisionError, duckdb.Error):
        return {}


def _accept(units: Sequence[Unit], setting: Setting) -> dict[str, int | None]:
    connection = setting.live.connection
    # All are of one step, and have its timeout.
    bounds = Bounds(connection, units[0], setting.stop)
    return accept(connection, [Made(unit, setting.stamps(unit)) for unit in units], bounds)


def _settle_alone(action: Action, results: Results, setting: Setting, record: Record, attempt: int) -> bool:
    """Verify and grant, or put back. False when the node is to be run once more."""
    unit, result = setting.graph.units[action.unit], results[action.unit]
    source = record.blocked_by(unit.id)
    error = skipped(source) if source else _error(unit, result, setting)
    rows = None
    if error is None:
        rows, error = _accept_alone(unit, setting)
    if error is not None:
        put_back(setting.live.connection, unit)
        if not source and not setting.stop.requested and _again(unit, result, attempt):
            setting.tell(Noted(f"{unit.id}, attempt {attempt}: {error.message}", warning=True))
            return False
    record.finished(action, _seconds_of(result), rows, error)
    return True


def _seconds_of(result: NodeResult | ProvisionError) -> float:
    return result.seconds if isinstance(result, NodeResult) else 0.0


def _accept_alone(unit: Unit, setting: Setting) -> tuple[int | None, ProvisionError | None]:
    try:
        return _accept([unit], setting)[unit.id], None
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

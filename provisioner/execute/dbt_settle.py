"""After dbt ran: each node is verified and trusted, or put back, or is to be run once more."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

import duckdb

from provisioner.errors import BusyError, InputError, ProvisionError, StepError
from provisioner.execute.aside import Made, accept, put_back
from provisioner.execute.bounds import Bounds
from provisioner.execute.dbt_client import NO_ROOM
from provisioner.execute.dbt_progress import NodeResult
from provisioner.execute.endings import skipped, stopped, timed_out
from provisioner.execute.events import Noted
from provisioner.execute.setting import Setting
from provisioner.observe.complaints import DISK_FAILED
from provisioner.observe.database import translate
from provisioner.observe.values import Unit
from provisioner.reconcile.values import Action
from provisioner.reconcile.wording import listed

# How each node ended, by id. An error instead of a result: dbt never began.
Results = Mapping[str, NodeResult | ProvisionError]

# So many nodes at most are accepted in one transaction: what a death then costs is to run them again.
_TOGETHER = 50
# So many nodes at most are named in one line.
_NAMED = 3


class Record(Protocol):
    """Where it is written down how actions went; the walk over a plan."""

    def started(self, action: Action, attempt: int = 1) -> None: ...

    def made(self, action: Action, status: str, seconds: float) -> None: ...

    def finished(self, action: Action, seconds: float, rows: int | None, error: ProvisionError | None) -> None: ...

    def failed_beside(self, message: str) -> None: ...

    def blocked_by(self, unit: str, also: Collection[str] = ()) -> str | None: ...


def settle(
    actions: Sequence[Action], results: Results, setting: Setting, record: Record, attempt: int
) -> tuple[Action, ...]:
    """Settle them in their order, which is that of dependency, and return those that are to be run once more.

    A commit costs more than what is committed for a node. So neighbours that succeeded are accepted together; when one
    of them is not as it should be, nothing of that holds, and each is settled by itself. Whether a node may be accepted
    is asked when everything before it is settled: what it was made from must have been accepted, or be so with it.
    """
    this = _Attempt(attempt, results, setting, record)
    at = 0
    while at < len(actions):
        fine = tuple(takewhile(this.is_fine, actions[at : at + _TOGETHER]))
        rows = _accept_together(fine, setting) if fine else {}
        some = fine or actions[at : at + 1]
        for action in some:
            if rows:
                record.finished(action, _seconds_of(results[action.unit]), rows[action.unit], None)
            else:
                this.settle(action)
        at += len(some)
    this.tell_who_runs_too()
    return tuple(this.again.values())


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt that is being settled.

    again: what is to be run once more, by unit; for its readers it is broken until then. blameless: those of them that
    did not fail.
    """

    number: int
    results: Results
    setting: Setting
    record: Record
    again: dict[str, Action] = field(default_factory=dict)
    blameless: list[str] = field(default_factory=list)

    def is_fine(self, action: Action) -> bool:
        """Whether it is to be accepted, as far as is known without a look at what it made."""
        unit = self.setting.graph.units[action.unit]
        error = _error(unit, self.results[unit.id], self.setting)
        return error is None and self.record.blocked_by(unit.id, self.again) is None

    def settle(self, action: Action) -> None:
        """Verify and grant; or put back, and write down how it ended unless it is to be run once more."""
        unit, result = self.setting.graph.units[action.unit], self.results[action.unit]
        source = self.record.blocked_by(unit.id)
        waits = source is None and self.record.blocked_by(unit.id, self.again) is not None
        error = skipped(source) if source else _error(unit, result, self.setting)
        rows = None
        if error is None and not waits:
            rows, error = _accept_alone(unit, self.setting)
        if waits or error is not None:
            put_back(self.setting.live.connection, unit)
        if waits or (error is not None and source is None and self._has_another(unit, result)):
            self._run_again(action, error)
        else:
            self.record.finished(action, _seconds_of(result), rows, error)

    def _has_another(self, unit: Unit, result: NodeResult | ProvisionError) -> bool:
        """A node that the worker's end kept from running gets its turn; one that failed, as its step allows."""
        if isinstance(result, InputError):
            return False  # no other attempt mends what it was made from
        return not self.setting.stop.requested and (_status(result) == "not_run" or self.number <= unit.retries)

    def _run_again(self, action: Action, error: ProvisionError | None) -> None:
        self.again[action.unit] = action
        if error is None or _status(self.results[action.unit]) in ("not_run", "skipped"):
            self.blameless.append(action.unit)
        else:
            self.setting.tell(Noted(f"{action.unit}, attempt {self.number}: {error.message}", warning=True))

    def tell_who_runs_too(self) -> None:
        """One line for all of them: after the death of a worker they may be thousands."""
        if self.blameless:
            names = listed(self.blameless, _NAMED)
            self.setting.tell(Noted(f"attempt {self.number + 1} also runs what did not fail: {names}"))


def _accept_together(actions: Sequence[Action], setting: Setting) -> dict[str, int | None]:
    """The rows of each, or nothing."""
    try:
        return _accept([setting.graph.units[action.unit] for action in actions], setting)
    except ProvisionError:
        return {}
    except duckdb.Error as error:
        let_go_of(setting, error)
        return {}


def _accept(units: Sequence[Unit], setting: Setting) -> dict[str, int | None]:
    connection = setting.live.connection
    # All are of one step, and have its timeout.
    bounds = Bounds(connection, units[0], setting.stop)
    return accept(connection, [Made(unit, setting.stamps(unit)) for unit in units], bounds)


def _seconds_of(result: NodeResult | ProvisionError) -> float:
    return result.seconds if isinstance(result, NodeResult) else 0.0


def _accept_alone(unit: Unit, setting: Setting) -> tuple[int | None, ProvisionError | None]:
    try:
        return _accept([unit], setting)[unit.id], None
    except ProvisionError as refused:
        return None, refused
    except duckdb.Error as error:
        return None, let_go_of(setting, error)


def let_go_of(setting: Setting, error: duckdb.Error) -> ProvisionError:
    """A connection that DuckDB has given up is closed; of a disk that fails nothing is opened again."""
    translated = translate(error, setting.live.path)
    if translated.code == DISK_FAILED:
        setting.live.abandon(translated)
    elif isinstance(error, duckdb.FatalException):
        setting.live.release()
    return translated


def _status(result: NodeResult | ProvisionError) -> str:
    return result.status if isinstance(result, NodeResult) else "error"


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
    if isinstance(busy := translate(RuntimeError(result.message), setting.live.path), BusyError):
        return busy
    if NO_ROOM in result.message:
        folders = f"{setting.live.path.parent} {tempfile.gettempdir()}"
        cure = f"Make room (`df -h {folders}`), then run `provision apply` again: only what is missing is done."
        return StepError(f"dbt: {result.message}", code="disk_full", cure=cure)
    return StepError(f"dbt: {result.message}", code="dbt_node_failed", cure=_cure(unit, result, setting))


def _cure(unit: Unit, result: NodeResult, setting: Setting) -> str:
    project, node = setting.manifest.dbt, unit.dbt
    assert project is not None and node is not None
    line = "" if result.line is None else f":{result.line}"
    return (
        f"Mend {project.project_dir / node.path}{line}, then run `provision apply` again: only what is missing is done."
    )

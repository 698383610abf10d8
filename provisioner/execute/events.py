"""The one stream of what happens in a run; progress, logs and the journal all listen to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a unit ended. SKIPPED: something it reads failed. STOPPED: a signal or the caller ended it."""

    DONE = "done"
    ADOPTED = "adopted"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: str
    units: int
    estimate: float | None


@dataclass(frozen=True, slots=True)
class Noted:
    """One line a person should read: what was found, what is waited for. warning: whether it needs attention."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class UnitStarted:
    """number: from 1, of how many."""

    run: str
    unit: str
    kind: str
    number: int
    of: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """dbt is done with a node that is yet to be verified. status: dbt's word. seconds: wall time.

    number: from 1, of how many. left: seconds until the run is over, as far as can be told.
    """

    run: str
    unit: str
    status: str
    seconds: float
    number: int
    of: int
    left: float | None = None


@dataclass(frozen=True, slots=True)
class UnitFinished:
    """seconds: wall time. rows: in all its tables, None when nobody counted. error: dbt's or DuckDB's words.

    left: as of a node.
    """

    run: str
    unit: str
    kind: str
    outcome: Outcome
    seconds: float
    number: int
    of: int
    rows: int | None = None
    error: str = ""
    cure: str = ""
    left: float | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    run: str
    outcome: Outcome
    seconds: float
    error: str = ""


Event = RunStarted | Noted | UnitStarted | NodeFinished | UnitFinished | RunFinished
Listener = Callable[[Event], None]

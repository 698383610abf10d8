"""What a run was and how it ended, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.declare.values import TableName
from provisioner.errors import ProvisionError
from provisioner.execute.events import Outcome
from provisioner.reconcile.values import Plan


@dataclass(frozen=True, slots=True)
class UnitResult:
    """How one unit ended. seconds: wall time. rows: in all its tables together, None when nobody counted."""

    unit: str
    kind: str
    tables: tuple[TableName, ...]
    outcome: Outcome
    seconds: float = 0.0
    rows: int | None = None
    error: ProvisionError | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution. id: empty when there was nothing to do. missing: tables that were not there before it began.

    made: tables that it made. error: None when it ended converged.
    """

    id: str
    plan: Plan
    outcome: Outcome
    seconds: float
    units: tuple[UnitResult, ...] = ()
    missing: tuple[TableName, ...] = ()
    made: tuple[TableName, ...] = ()
    error: ProvisionError | None = None

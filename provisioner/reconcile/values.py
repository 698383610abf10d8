"""Drift and plan, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.declare.values import HazardKind, TableName
from provisioner.observe.change_values import Shape
from provisioner.observe.values import Parts, UnitKind


class Reason(StrEnum):
    """Why a table is not what the manifest says. A closed set: the same words in text and in JSON."""

    MISSING = "missing"
    WRONG_KIND = "wrong_kind"
    COLUMN_MISSING = "column_missing"
    COLUMN_TYPE = "column_type"
    COLUMN_EXTRA = "column_extra"
    CONSTRAINT = "constraint"
    EXPECTATION_FAILED = "expectation_failed"
    DEFINITION_CHANGED = "definition_changed"
    INPUT_CHANGED = "input_changed"
    UPSTREAM_CHANGED = "upstream_changed"
    INTERRUPTED = "interrupted"
    UNSTAMPED = "unstamped"
    ORPHAN = "orphan"
    REQUESTED = "requested"


class Mend(StrEnum):
    """What removes a drift. FORGET: let a relation go, undropped. BY_HAND: nothing that a plan can do."""

    RUN = "run"
    CREATE = "create"
    ALTER = "alter"
    ADOPT = "adopt"
    SWEEP = "sweep"
    DROP = "drop"
    FORGET = "forget"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between manifest and catalog.

    fact: what the catalog or the stamp says, in words. place: the manifest's `file:line`, empty for a relation it
    does not name. unit: the id of the unit that makes the table, empty for an orphan.
    """

    table: TableName
    reason: Reason
    mend: Mend
    fact: str
    place: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """value: what its stamps must carry to be trusted. base: the same before a run's id was mixed in."""

    value: str
    base: str
    parts: Parts


@dataclass(frozen=True, slots=True)
class Findings:
    """All drift, sorted by table, then in the order of the reasons; and the fingerprint of every unit as of now."""

    drift: tuple[Drift, ...] = ()
    fingerprints: Mapping[str, Fingerprint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What the user narrows or adds. targets: None for all. rebuild: due although trusted. prune: drop orphans."""

    targets: frozenset[TableName] | None = None
    rebuild: frozenset[TableName] = frozenset()
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Hazard:
    """A danger to data. fact: what would be lost, in words. protected: nobody can allow it, but by `protect: false`."""

    kind: HazardKind
    table: TableName
    fact: str
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Migration:
    """What makes a declared relation as declared, its rows kept: statements for one transaction, in order.

    rewrites: whether every row is written anew. also: foreign-key children that are made anew with it.
    loosened: those of them that lose a key on the way, which their own change then puts right.
    old: the name that the relation had. want: what it is to be. again: statements that are carried out again, each
    time after the one before it, until they change no row.
    """

    want: Shape
    statements: tuple[str, ...]
    rewrites: bool = False
    also: tuple[TableName, ...] = ()
    loosened: tuple[TableName, ...] = ()
    old: TableName | None = None
    again: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a plan. unit: empty for an orphan. tier: index; for orphans one more than any unit's, they go last.

    estimate: seconds, from the last run on record. full_refresh: of a dbt node that remembers.
    leftovers: relations that a dead run of dbt left beside the table (SWEEP only). migration: CREATE and ALTER only.
    """

    mend: Mend
    unit: str
    kind: UnitKind | None
    tier: int
    tables: tuple[TableName, ...]
    reasons: tuple[Drift, ...]
    hazards: tuple[Hazard, ...] = ()
    estimate: float | None = None
    full_refresh: bool = False
    leftovers: tuple[TableName, ...] = ()
    migration: Migration | None = None


@dataclass(frozen=True, slots=True)
class Durations:
    """What earlier runs took, in seconds. units: the last time of each, by id.

    dbt_start: what a run with dbt takes beside its units, nearly all of it dbt's own start.
    """

    units: Mapping[str, float] = field(default_factory=dict)
    dbt_start: float = 0.0


NOTHING_ON_RECORD = Durations()


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How a declared relation was changed for a moment, with its rows, in a transaction that was undone.

    seconds: it took. rows: in it afterwards, None of a view. error: why apply would fail too, empty when it would not.
    """

    table: TableName
    seconds: float
    rows: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered actions that remove the drift, and what none removes: drift to mend by hand, orphans left alone.

    start: seconds that the run is likely to take beside its units. rehearsed: what was tried, where that was asked for.
    """

    actions: tuple[Action, ...] = ()
    by_hand: tuple[Drift, ...] = ()
    orphans: tuple[Drift, ...] = ()
    start: float = 0.0
    rehearsed: tuple[Rehearsed, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether there is nothing to do and nothing wrong."""
        return not self.actions and not self.by_hand

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        return tuple(hazard for action in self.actions for hazard in action.hazards)

    @property
    def estimate(self) -> float | None:
        """Seconds, as far as every unit that runs has a duration on record."""
        runs = [action.estimate for action in self.actions if action.mend is Mend.RUN]
        known = [seconds for seconds in runs if seconds is not None]
        return self.start + sum(known) if known and len(known) == len(runs) else None

"""A plan that is kept to be carried out later, and whether that may still be done. Pure.

    saved, nothing done --apply--> carried out as it was shown
    saved, facts moved --apply--> refused: what stands there was not agreed to
    saved, partly done, then the run died --apply--> the rest of it: what is done carries the stamps that it promised

Nothing of a saved plan is ever carried out. What is carried out is the plan made under the lock, once it is found to be
the saved one, or what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provisioner.declare.values import TableName
from provisioner.observe.values import Catalog, Parts
from provisioner.reconcile.facts import read_facts
from provisioner.reconcile.fingerprint import hash_parts
from provisioner.reconcile.values import Action, Findings, Plan

Facts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class SavedHazard:
    """kind: of HazardKind."""

    kind: str
    table: str
    fact: str


@dataclass(frozen=True, slots=True)
class SavedReason:
    """reason: of Reason. place: the manifest's `file:line`."""

    table: str
    reason: str
    fact: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.table}: {self.reason}, {self.fact}"


@dataclass(frozen=True, slots=True)
class SavedAction:
    """One action, its names as a person reads them.

    promise: the fingerprint that its tables are to carry, by what is known before a run; empty for what has no unit.
    touches: the tables whose facts it rests on.
    """

    mend: str
    unit: str
    tables: tuple[str, ...]
    reasons: tuple[SavedReason, ...] = ()
    hazards: tuple[SavedHazard, ...] = ()
    statements: tuple[str, ...] = ()
    promise: str = ""
    touches: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        return self.mend, self.unit, self.tables

    @property
    def name(self) -> str:
        return ", ".join(self.tables) or self.unit


@dataclass(frozen=True, slots=True)
class Saved:
    """What is compared of a plan. facts: of each table that it rests on. by_hand: the tables of its remarks."""

    actions: tuple[SavedAction, ...] = ()
    facts: Facts = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()


def summarize(plan: Plan, catalog: Catalog, findings: Findings, also: Iterable[str] = ()) -> Saved:
    """The plan as it is kept. also: more tables whose facts are wanted, as a saved plan names them."""
    promises = find_promises(findings)
    actions = tuple(_summary(action, promises) for action in plan.actions)
    by_hand = tuple(sorted({str(one.table) for one in plan.by_hand}))
    names = {*by_hand, *also, *(name for action in actions for name in action.touches)}
    known = {str(table): table for table in (*catalog.relations, *catalog.stamps, *catalog.marks)}
    tables = {name: known.get(name) or parse_known(name) for name in sorted(names)}
    facts = {name: read_facts(table, plan, catalog) for name, table in tables.items() if table is not None}
    return Saved(actions, facts, by_hand)


def parse_known(name: str) -> TableName | None:
    """The table of a name in a plan, None where it names none."""
    try:
        return TableName.parse(name)
    except ValueError:
        return None


def find_promises(findings: Findings) -> dict[str, str]:
    """The fingerprint of every unit, with none of a run's id in it; of deterministic ones it is the one they get."""
    promises: dict[str, str] = {}
    for unit, found in findings.fingerprints.items():
        parts = found.parts
        # Whatever a unit reads comes before it.
        upstream = {read: promises.get(read, value) for read, value in parts.upstream.items()}
        promises[unit] = hash_parts(Parts(parts.definition, parts.inputs, upstream))
    return promises


def _summary(action: Action, promises: Mapping[str, str]) -> SavedAction:
    migration = action.migration
    also = (*migration.also, *((migration.old,) if migration.old else ())) if migration else ()
    touched = {*action.tables, *action.leftovers, *also, *(hazard.table for hazard in action.hazards)}
    return SavedAction(
        str(action.mend),
        action.unit,
        tuple(map(str, action.tables)),
        tuple(SavedReason(str(one.table), str(one.reason), one.fact, one.place) for one in action.reasons),
        tuple(SavedHazard(str(one.kind), str(one.table), one.fact) for one in action.hazards),
        migration.statements if migration else (),
        promises.get(action.unit, ""),
        tuple(map(str, sorted(touched))),
    )

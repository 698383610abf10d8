"""Drift -> plan: the fewest actions that remove it, in order, each with its reasons and hazards. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set

from provisioner.declare.values import HazardKind, TableName
from provisioner.observe.values import Catalog, Graph, Unit, UnitKind
from provisioner.reconcile.alterations import Alterations
from provisioner.reconcile.draft import broken_views
from provisioner.reconcile.drift import leftovers, makes_views
from provisioner.reconcile.faults import replaceable
from provisioner.reconcile.order import sort_units
from provisioner.reconcile.values import (
    NOTHING_ON_RECORD,
    Action,
    Drift,
    Durations,
    Findings,
    Hazard,
    Mend,
    Plan,
    Reason,
    Request,
)
from provisioner.reconcile.wording import many

DriftByUnit = Mapping[str, list[Drift]]


def make_plan(
    graph: Graph, catalog: Catalog, findings: Findings, request: Request, durations: Durations = NOTHING_ON_RECORD
) -> Plan:
    """The smallest plan. durations: for the estimate."""
    drift: DriftByUnit = defaultdict(list)
    for one in findings.drift:
        drift[one.unit].append(one)
    alterations = Alterations(catalog, graph)
    scope = _scope(graph, drift, request, alterations)
    remade = {table for name in scope if _runs(drift[name]) for table in graph.units[name].tables}
    actions: list[Action] = []
    for unit in sort_units((graph.units[name] for name in scope), graph, _carried(scope, drift, alterations)):
        if unit.kind is UnitKind.DECLARED:
            actions += alterations.actions(unit, drift[unit.id], remade)
        else:
            actions += _actions(unit, drift[unit.id], catalog, durations.units)
    orphans = tuple(one for one in drift[""] if request.targets is None)
    last = 1 + max((unit.tier for unit in graph.units.values()), default=-1)
    dropped = _in_order([one for one in orphans if request.prune and one.mend is Mend.DROP], catalog)
    remade |= {one.table for one in dropped}
    actions += [_drop(one, catalog, last, remade) for one in dropped]
    let_go = [one for one in orphans if one.mend is Mend.FORGET]
    actions += [Action(Mend.FORGET, "", None, last, (one.table,), (one,)) for one in let_go]
    by_hand = tuple(one for name in sorted(scope) for one in drift[name] if one.mend is Mend.BY_HAND)
    left = tuple(one for one in orphans if one not in dropped and one not in let_go)
    return Plan(tuple(actions), by_hand, left, durations.dbt_start if any(map(_starts_dbt, actions)) else 0.0)


def _starts_dbt(action: Action) -> bool:
    return action.mend is Mend.RUN and action.kind is UnitKind.DBT


def _scope(graph: Graph, drift: DriftByUnit, request: Request, alterations: Alterations) -> set[str]:
    """The units whose drift is to be removed: what was asked for, and what must run so that it can run.

    A relation that only dbt knows and whose readers are all trusted tables may be absent or stale: nobody needs it.
    It is only recorded when it is there and nobody's.
    """
    scope, seen = set[str](), set[str]()
    for unit in graph.units.values():
        if _asked(unit, request):
            if drift[unit.id]:
                scope.add(unit.id)
            # A view that is as declared is of no use while what it reads is gone.
            if _runs(drift[unit.id]) or makes_views(unit):
                _add_sources(unit, graph, drift, scope, seen)
        elif request.targets is None and _only_adopts(drift[unit.id]):
            scope.add(unit.id)
    while more := {one for name in scope if _alters(drift[name]) for one in alterations.loosened_by(name)} - scope:
        for name in more:
            scope.add(name)
            _add_sources(graph.units[name], graph, drift, scope, seen)
    return scope


def _asked(unit: Unit, request: Request) -> bool:
    if request.targets is None:
        return unit.required or any(table in request.rebuild for table in unit.tables)
    return any(table in request.targets or table in request.rebuild for table in unit.tables)


def _add_sources(unit: Unit, graph: Graph, drift: DriftByUnit, scope: set[str], seen: set[str]) -> None:
    """Add what `unit` reads and what is absent or stale of it; through views and ephemeral nodes to what they read.

    seen: what was looked at for other units too; what follows from it is in the scope already.
    """
    waiting = list(unit.reads)
    while waiting:
        source = graph.units[waiting.pop()]
        if source.id in seen:
            continue
        seen.add(source.id)
        if drift[source.id]:
            scope.add(source.id)
        if _runs(drift[source.id]) or makes_views(source):
            waiting += source.reads


def _runs(drift: Iterable[Drift]) -> bool:
    return any(one.mend in (Mend.RUN, Mend.CREATE, Mend.ALTER) for one in drift)


def _alters(drift: Iterable[Drift]) -> bool:
    return any(one.mend is Mend.ALTER for one in drift)


def _carried(scope: Iterable[str], drift: DriftByUnit, alterations: Alterations) -> dict[str, set[str]]:
    """By unit those whose changes carry it along."""
    found = defaultdict[str, set[str]](set)
    for name in scope:
        for child in alterations.carried_by(name) if _alters(drift[name]) else ():
            found[child].add(name)
    return found


def _only_adopts(drift: list[Drift]) -> bool:
    return bool(drift) and all(one.mend is Mend.ADOPT for one in drift)


def _actions(unit: Unit, drift: list[Drift], catalog: Catalog, durations: Mapping[str, float]) -> Iterable[Action]:
    """A unit that runs makes all its tables, which mends every other drift of theirs but what a dead dbt left."""
    by_mend = {mend: tuple(one for one in drift if one.mend is mend) for mend in Mend}
    if by_mend[Mend.SWEEP]:
        left = tuple(name for table in unit.tables for name in leftovers(table, catalog))
        yield Action(Mend.SWEEP, unit.id, unit.kind, unit.tier, unit.tables, by_mend[Mend.SWEEP], leftovers=left)
    if by_mend[Mend.RUN]:
        reasons = by_mend[Mend.RUN] + by_mend[Mend.ADOPT]
        refresh = _full_refresh(unit, reasons)
        hazards = (*_replaced(unit, reasons, catalog), *(_history(unit, catalog) if refresh else ()))
        yield Action(
            Mend.RUN, unit.id, unit.kind, unit.tier, unit.tables, reasons, hazards, durations.get(unit.id), refresh
        )
    elif by_mend[Mend.ADOPT]:
        yield Action(Mend.ADOPT, unit.id, unit.kind, unit.tier, unit.tables, by_mend[Mend.ADOPT])


def _full_refresh(unit: Unit, reasons: Iterable[Drift]) -> bool:
    """Units that remember are run, not rebuilt, unless someone asks. dbt has no full refresh of a snapshot."""
    remembers = unit.dbt is not None and unit.dbt.memory and unit.dbt.command != "snapshot"
    return remembers and any(one.reason is Reason.REQUESTED for one in reasons)


def _history(unit: Unit, catalog: Catalog) -> Iterable[Hazard]:
    for table in unit.tables:
        relation = catalog.relations.get(table)
        if relation and not replaceable(relation):
            yield Hazard(HazardKind.LOSES_HISTORY, table, "a full refresh forgets the rows that earlier runs put there")


def _replaced(unit: Unit, reasons: tuple[Drift, ...], catalog: Catalog) -> Iterable[Hazard]:
    """Rows that nobody can make again are not to be replaced unasked: nobody stamped them, they are users' own, or
    earlier runs gathered them for a unit that remembered.
    """
    asked = {one.table for one in reasons if one.reason is Reason.REQUESTED}
    for want in unit.wants:
        relation, mark = catalog.relations.get(want.table), catalog.marks.get(want.table)
        stamp = catalog.stamps.get(want.table) or (mark.stamp if mark else None)
        if relation is None or replaceable(relation):
            continue
        if stamp is not None and stamp.holds_users_rows:
            fact = f"it was declared for its users, and it holds {_rows(relation.rows)}"
            yield Hazard(HazardKind.DROPS_TABLE, want.table, fact, stamp.protect and want.protect is not False)
        elif stamp is not None and stamp.memory and not want.remembers:
            fact = f"it remembered earlier runs and is made anew from now on, and it holds {_rows(relation.rows)}"
            yield Hazard(HazardKind.LOSES_HISTORY, want.table, fact)
        elif stamp is None and mark is None and want.table not in asked:
            fact = f"provision did not make it, and it holds {_rows(relation.rows)}"
            yield Hazard(HazardKind.DROPS_TABLE, want.table, fact)


def _rows(rows: int | None) -> str:
    return "rows" if rows is None else many(rows, "row")


def _in_order(orphans: Iterable[Drift], catalog: Catalog) -> list[Drift]:
    order = {table: number for number, table in enumerate(catalog.drops)}
    return sorted(orphans, key=lambda one: order.get(one.table, len(order)))


def _drop(orphan: Drift, catalog: Catalog, tier: int, remade: Set[TableName]) -> Action:
    dangers = tuple(_lost(orphan.table, catalog, remade))
    return Action(Mend.DROP, "", None, tier, (orphan.table,), (orphan,), dangers)


def _lost(orphan: TableName, catalog: Catalog, remade: Set[TableName]) -> Iterator[Hazard]:
    relation = catalog.relations[orphan]
    if not replaceable(relation):
        yield Hazard(HazardKind.DROPS_TABLE, orphan, f"it holds {_rows(relation.rows)}")
    if found := catalog.drops.get(orphan):
        yield from broken_views(orphan, found, remade)

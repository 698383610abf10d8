"""Manifest's graph and live catalog -> drift: what differs, why, and what would mend it. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace

from provisioner.declare.values import TableKind, TableName
from provisioner.observe.values import Catalog, Graph, Measure, Parts, Stamp, Unit, UnitKind, Want
from provisioner.reconcile.declared import find_declared
from provisioner.reconcile.faults import find_faults
from provisioner.reconcile.fingerprint import hash_parts, mix_run
from provisioner.reconcile.values import Drift, Findings, Fingerprint, Mend, Reason, Request
from provisioner.reconcile.wording import another_maker

ORDER = {reason: number for number, reason in enumerate(Reason)}
LEFTOVERS = ("__dbt_tmp", "__dbt_backup")


def find_drift(graph: Graph, catalog: Catalog, request: Request, run: str) -> Findings:
    """Every difference, and the fingerprint of every unit.

    run: the id of the run that would carry out the plan; it marks what units that are not deterministic make in it.
    """
    drift: list[Drift] = []
    prints: dict[str, Fingerprint] = {}
    unreadable: set[str] = set()
    measures = dict(catalog.measures)
    catalog = replace(catalog, measures=measures)
    for unit in graph.units.values():
        if _is_unreadable(unit, catalog, unreadable):
            unreadable.add(unit.id)
            _forgive_errors(unit, measures)
        parts = Parts(unit.definition, unit.inputs, _upstream(unit, prints))
        base = hash_parts(parts)
        found = [one for want in unit.wants for one in _table_drift(unit, want, catalog, request, graph, parts)]
        prints[unit.id] = Fingerprint(_value(unit, found, catalog, base, run), base, parts)
        drift += found
    drift += find_orphans(graph, catalog)
    return Findings(tuple(sorted(drift, key=lambda one: (one.table, ORDER[one.reason], one.fact))), prints)


def _upstream(unit: Unit, prints: Mapping[str, Fingerprint]) -> dict[str, str]:
    """A declared table holds nothing of what its foreign keys refer to."""
    if unit.kind is UnitKind.DECLARED and not makes_views(unit):
        return {}
    return {read: prints[read].value for read in unit.reads}


def _is_unreadable(unit: Unit, catalog: Catalog, unreadable: Container[str]) -> bool:
    """Whether something is gone that the unit shows, or that a view of it reads."""
    missing = any(table not in catalog.relations for table in unit.tables)
    return missing or (makes_views(unit) and any(read in unreadable for read in unit.reads))


def makes_views(unit: Unit) -> bool:
    """Whether reading the unit means reading what it reads; true of an ephemeral node too."""
    return any(want.kind is TableKind.VIEW for want in unit.wants) or not unit.wants


def _forgive_errors(unit: Unit, measures: dict[TableName, Measure]) -> None:
    """A view that cannot be read since its source is gone is at no fault; it will be looked at when that is back."""
    for table in unit.tables:
        if (measure := measures.get(table)) and measure.error:
            del measures[table]


def _value(unit: Unit, drift: list[Drift], catalog: Catalog, base: str, run: str) -> str:
    """A unit that is not deterministic keeps the fingerprint of its last run until something makes it due."""
    if unit.deterministic or not unit.wants:
        return base
    stamps = [catalog.stamps.get(table) for table in unit.tables]
    trusted = {stamp.fingerprint for stamp in stamps if stamp is not None and stamp.base == base}
    settled = not any(one.mend is Mend.RUN for one in drift) and len(trusted) == 1
    return trusted.pop() if settled else mix_run(base, run)


def _table_drift(
    unit: Unit, want: Want, catalog: Catalog, request: Request, graph: Graph, parts: Parts
) -> Iterator[Drift]:
    place = f"{want.place.file}:{want.place.line}" if want.place else ""
    base = hash_parts(parts)
    if want.declared:
        for reason, mend, fact in find_declared(unit, want, catalog, graph, parts, base):
            yield Drift(want.table, reason, mend, fact, place, unit.id)
    else:
        for reason, fact in _reasons(unit, want, catalog, request, parts, base):
            mend = Mend.ADOPT if reason is Reason.UNSTAMPED else Mend.RUN
            yield Drift(want.table, reason, mend, fact, place, unit.id)
    if fact := _other_protection(want, catalog):
        yield Drift(want.table, Reason.DEFINITION_CHANGED, Mend.ADOPT, fact, place, unit.id)
    if unit.dbt and (left := leftovers(want.table, catalog)):
        names = ", ".join(map(str, left))
        yield Drift(want.table, Reason.INTERRUPTED, Mend.SWEEP, f"a dead run of dbt left {names}", place, unit.id)


def _other_protection(want: Want, catalog: Catalog) -> str:
    """Protection is no part of the fingerprint: it makes nothing stale, and only the record is to be renewed.
    Silence of the manifest changes nothing: protection is lifted by `protect: false`, not by deleting a line.
    """
    stamp = catalog.stamps.get(want.table)
    if stamp is None or want.table not in catalog.relations or want.protect in (None, stamp.protect):
        return ""
    return "is not yet protected in the database" if want.protect else "is still protected in the database"


def _reasons(
    unit: Unit, want: Want, catalog: Catalog, request: Request, parts: Parts, base: str
) -> Iterator[tuple[Reason, str]]:
    table = want.table
    relation, stamp, mark = catalog.relations.get(table), catalog.stamps.get(table), catalog.marks.get(table)
    if mark:
        yield Reason.INTERRUPTED, f"run {mark.run} died before it was verified"
    faults: tuple[tuple[Reason, str], ...] = ()
    if relation is None:
        yield Reason.MISSING, "is not in the database"
    else:
        faults = find_faults(want, relation, catalog.measures.get(table))
        yield from faults
    if stamp:
        yield from _stale(unit, stamp, parts, base)
    elif relation and not mark and not faults:
        yield Reason.UNSTAMPED, "is as declared, made by someone else"
    if table in request.rebuild:
        yield Reason.REQUESTED, "asked for with --rebuild"


def _stale(unit: Unit, stamp: Stamp, parts: Parts, base: str) -> Iterator[tuple[Reason, str]]:
    if stamp.base == base:
        return
    if stamp.unit != unit.id:
        yield Reason.DEFINITION_CHANGED, another_maker(stamp.unit, unit.id)
        return
    changed = [
        *(
            (Reason.DEFINITION_CHANGED, _definition(unit, label))
            for label in _differing(stamp.parts.definition, parts.definition)
        ),
        *((Reason.INPUT_CHANGED, f"{label} changed") for label in _differing(stamp.parts.inputs, parts.inputs)),
        *((Reason.UPSTREAM_CHANGED, f"{label} changed") for label in _differing(stamp.parts.upstream, parts.upstream)),
    ]
    yield from changed or [(Reason.DEFINITION_CHANGED, f"{unit.source} is not what its stamp was made from")]


def _definition(unit: Unit, label: str) -> str:
    """The code of a unit is named by its file, anything else by file and part."""
    return f"{unit.source} changed" if label == "code" else f"{unit.source}: {label} changed"


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return sorted(label for label in {*old, *new} if old.get(label) != new.get(label))


def leftovers(table: TableName, catalog: Catalog) -> tuple[TableName, ...]:
    """The relations that dbt puts beside a table while it builds it, and removes unless it is killed."""
    names = (TableName(table.schema, table.name + ending) for ending in LEFTOVERS)
    return tuple(name for name in names if name in catalog.relations)


def find_orphans(graph: Graph, catalog: Catalog) -> Iterator[Drift]:
    """What carries a stamp and is declared no more."""
    wanted = {*graph.makers(), *(shapes.old for shapes in catalog.shapes.values() if shapes.old)}
    for table, stamp in catalog.stamps.items():
        if table not in wanted and table not in graph.forget and table in catalog.relations:
            fact = f"was made by {stamp.unit}; nothing declares it any more"
            if stamp.protect:
                yield Drift(table, Reason.ORPHAN, Mend.BY_HAND, f"{fact}, and it is protected")
            else:
                yield Drift(table, Reason.ORPHAN, Mend.DROP, fact)
    for table in {**catalog.stamps, **catalog.marks}:
        if table in graph.forget and table not in wanted:
            record = catalog.stamps.get(table) or catalog.marks[table]
            yield Drift(table, Reason.ORPHAN, Mend.FORGET, f"was made by {record.unit}, and is let go")

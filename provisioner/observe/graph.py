"""Manifest, files and dbt's graph -> the graph of units, each with what it reads and what its result depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from provisioner.declare.collector import collector_at_rest
from provisioner.declare.suggest import nearest
from provisioner.declare.values import DEFAULT_SCHEMA, Manifest, StepKind, Table, TableName, fold
from provisioner.errors import MOST_PROBLEMS, ManifestError, Problem
from provisioner.observe.catalog_name import catalog_name
from provisioner.observe.dbt_units import Reads, make_dbt_units, nodes_by_relation, unmade_tables
from provisioner.observe.digest import digest
from provisioner.observe.notes import Notes
from provisioner.observe.order import cycle_problem, find_cycle, place_of, settle_tiers, sort_by_reads, tier_problems
from provisioner.observe.records import RECORDS
from provisioner.observe.selections import add_selected
from provisioner.observe.steps import read_step
from provisioner.observe.values import DECLARED_ID, DbtGraph, Graph, Unit, UnitKind, Want
from provisioner.observe.wants import make_wants
from provisioner.observe.writes import Writes

_RECORDS = RECORDS["format"].schema


@collector_at_rest()
def read_graph(manifest: Manifest, dbt: DbtGraph, notes: Notes) -> Graph:
    """Every unit that the manifest's tables need, each after what it reads. Reads the steps' files, and no database.

    The tables are those that are written out, and those that dbt selects. dbt: empty where the manifest has no dbt
    steps. Raises ManifestError with every problem at once (types, reads that nothing makes, relations that two make,
    selections that are empty, cycles, tiers), StepError for SQL that DuckDB cannot read, InputError for a python
    step that is not there.
    """
    manifest, faults = add_selected(manifest, dbt)
    wants, unknown = make_wants(manifest, nodes_by_relation(manifest, dbt))
    units, reads, writes = _own_units(manifest, wants, notes)
    also = [name for names in reads.values() for name in names if isinstance(name, TableName)]
    dbt_units, dbt_reads = make_dbt_units(manifest, dbt, wants, also, notes)
    units += dbt_units
    _refuse(
        chain(
            unknown,
            faults,
            unmade_tables(manifest, dbt),
            _two_makers(manifest, units, dbt),
            _unmade(manifest, units, reads),
            _trespasses(manifest, units, writes),
        )
    )
    connected = _connect(units, {**reads, **dbt_reads})
    if cycle := find_cycle(connected):
        _refuse([cycle_problem(cycle, connected, manifest)])
    graph = settle_tiers(sort_by_reads(connected))
    _refuse(tier_problems(graph, manifest))
    return Graph(graph, manifest.tables, manifest.sequences, frozenset(manifest.forget))


def _refuse(problems: Iterable[Problem]) -> None:
    if found := sorted(islice(problems, MOST_PROBLEMS), key=_by_place):
        raise ManifestError(found)


def _by_place(problem: Problem) -> tuple[str, int, int, str]:
    """In the order of the file; a place in a file of dbt has no line."""
    file, *numbers = problem.place.rsplit(":", 2)
    line, column = numbers if len(numbers) == 2 and all(map(str.isdecimal, numbers)) else ("0", "0")
    return file, int(line), int(column), problem.message


def _own_units(
    manifest: Manifest, wants: Mapping[TableName, Want], notes: Notes
) -> tuple[list[Unit], Reads, dict[str, Writes]]:
    """The units that are not dbt's, and what each of them reads and writes."""
    tables: dict[str | None, list[Table]] = defaultdict(list)
    for table in manifest.tables:
        tables[table.step].append(table)
    units = [_declared(table, wants[table.name], manifest) for table in tables[None]]
    reads: Reads = {f"{DECLARED_ID}{table.name}": tuple(_declared_reads(table)) for table in tables[None]}
    writes: dict[str, Writes] = {}
    home = _home(manifest)
    for step in manifest.steps:
        if step.kind is not StepKind.DBT:
            made = tuple(wants[table.name] for table in tables[step.name])
            facts = read_step(step, made, manifest.folder, notes)
            reads[step.name], writes[step.name] = _at_home(facts.reads, home), facts.writes
            units.append(
                Unit(
                    step.name,
                    UnitKind(step.kind),
                    manifest.level(tables[step.name][0].tier),
                    made,
                    (),
                    step.source,
                    step.name,
                    facts.definition,
                    facts.inputs,
                    step.deterministic,
                    step.timeout,
                    step.retries,
                )
            )
    return units, reads, writes


def _home(manifest: Manifest) -> str:
    """The database's own name, where no schema has it; DuckDB takes it for the first of a name's two parts."""
    catalog = fold(catalog_name(manifest.database))
    return "" if any(fold(table.name.schema) == catalog for table in manifest.tables) else catalog


def _at_home(names: Iterable[TableName], home: str) -> tuple[TableName, ...]:
    """The names as they are within the database."""
    return tuple(TableName(DEFAULT_SCHEMA, name.name) if fold(name.schema) == home else name for name in names)


def _declared(table: Table, want: Want, manifest: Manifest) -> Unit:
    return Unit(
        f"{DECLARED_ID}{table.name}",
        UnitKind.DECLARED,
        manifest.level(table.tier),
        (want,),
        (),
        table.place.file,
        definition=_definition(table, want),
    )


def _declared_reads(table: Table) -> Iterator[TableName]:
    """What must be there before it: what a view shows, and what foreign keys refer to."""
    if table.sql is not None:
        from provisioner.observe.reads import find_reads  # slow to import

        yield from find_reads([table.sql]).tables
    for key in table.foreign_keys:
        if key.table != table.name:
            yield key.table


def _definition(table: Table, want: Want) -> dict[str, str]:
    """By what a person would say has changed; what does not shape the table, such as a backfill, is no part of it."""
    columns = [
        [column.name, column.type, column.nullable, column.generated, column.check, column.collation]
        for column in want.columns
    ]
    parts: dict[str, Any] = {
        "columns": columns if table.strict_order else sorted(columns),
        "defaults": {column.name: column.default for column in want.columns if column.default is not None},
        "comments": [table.comment, {one.name: one.comment for one in want.columns if one.comment is not None}],
        "keys": [table.primary_key, table.unique, sorted(map(str, table.foreign_keys))],
        "checks": table.checks,
        "indexes": sorted(map(str, table.indexes)),
        "query": table.sql,
    }
    return {label: digest(part) for label, part in parts.items()}


def _unmade(manifest: Manifest, units: Iterable[Unit], reads: Reads) -> Iterator[Problem]:
    made = {table for unit in units for table in unit.tables}
    return (
        Problem(
            str(manifest.step(step).place),
            "unmade",
            f"step {step} reads {name}, which neither a step makes nor the manifest declares.",
            f"{_hint(name, made)}Declare {name} under `tables:`, or take it out of what {step} reads.",
        )
        for step, names in reads.items()
        for name in names
        if name not in made and not step.startswith(DECLARED_ID)
    )


def _two_makers(manifest: Manifest, units: Iterable[Unit], dbt: DbtGraph) -> Iterator[Problem]:
    """What a needed node of dbt makes, nothing else makes: two would replace each other's rows for ever."""
    own = {table: unit for unit in units if not unit.dbt for table in unit.tables}
    needed = {table: unit for unit in units if unit.dbt for table in unit.tables}
    nodes: dict[TableName, list[str]] = defaultdict(list)
    for node in dbt.nodes.values():
        if node.relation is not None and node.relation in needed:
            nodes[node.relation].append(node.node.unique_id)
    return (
        _made_twice(name, own.get(name), nodes[name], place_of(unit, manifest))
        for name, unit in needed.items()
        if name in own or len(nodes[name]) > 1
    )


def _made_twice(name: TableName, own: Unit | None, nodes: list[str], place: str) -> Problem:
    if own is None:
        makers, cure = nodes, "DuckDB takes names that differ only in case for one. Give one of them another alias."
    else:
        makers = [f"step {own.step}" if own.step else "the manifest itself", *nodes]
        cure = f"Let dbt read {name} with source() in the place of ref(), or give one of them another name."
    return Problem(place, "two_makers", f"{name} has more than one maker: {' and '.join(makers)}.", cure)


def _trespasses(manifest: Manifest, units: list[Unit], writes: Mapping[str, Writes]) -> Iterator[Problem]:
    """A table has one producer, and a declared one has its users: no other step writes to it."""
    makers = {table: unit for unit in reversed(units) for table in unit.tables}
    indexed = {
        TableName(table.name.schema, index.name): table.name for table in manifest.tables for index in table.indexes
    }
    home = _home(manifest)
    for step, written in writes.items():
        place = str(manifest.step(step).place)
        names = [*_at_home(written.relations, home)]
        names += [indexed[name] for name in _at_home(written.indexes, home) if name in indexed]
        schemas = {fold(schema) for schema in written.schemas}
        names += [name for name in makers if schemas and fold(name.schema) in schemas]
        for name in dict.fromkeys(names):
            if name in makers and makers[name].id != step:
                owner = "the manifest declares for its users" if _is_users(makers[name]) else f"{makers[name].id} makes"
                cure = f"Let {step} write to its own tables alone; it may read {name}."
                yield Problem(place, "trespass", f"step {step} writes to {name}, which {owner}.", cure)
        if _RECORDS in schemas or any(fold(name.schema) == _RECORDS for name in names):
            message = f"step {step} writes to schema {_RECORDS}, where provision keeps what it knows of the tables."
            yield Problem(place, "trespass", message, f"Take that out of {step}.")


def _is_users(unit: Unit) -> bool:
    return unit.kind is UnitKind.DECLARED


def _hint(name: TableName | str, made: Iterable[TableName]) -> str:
    near = nearest(str(name), [str(table) for table in made])
    return f"Did you mean {near}? Else: " if near else ""


def _connect(units: Iterable[Unit], reads: Reads) -> dict[str, Unit]:
    """Names of relations become ids of units. Edges cross kinds; a source that nothing here makes is no edge."""
    units = tuple(units)
    makers = {table: unit.id for unit in units for table in unit.tables}
    connected = {}
    for unit in units:
        found = (makers.get(read) if isinstance(read, TableName) else read for read in reads.get(unit.id, ()))
        names = tuple(sorted({name for name in found if name is not None}))
        connected[unit.id] = replace(unit, reads=names) if names else unit
    return connected

"""Trust withdrawn around a child: what it will replace is put aside, and comes back unless its successor is verified.

What becomes of a relation:

    trusted --put_aside--> marked, old one kept --(child runs)--> marked, old one kept, new one beside it
        marked --accept--> trusted (stamp granted, old one dropped)
        marked --put_back--> as it was before (after a failure that we saw)
        marked --recover--> marked, old one in its place (after a death); its reason is then `interrupted`

Each arrow is one transaction. A relation is renamed where dbt makes it anew, and copied where its old rows matter; the
mark remembers the structure of what was copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import duckdb

from provisioner.declare.values import TableKind, TableName, quote
from provisioner.errors import StepError
from provisioner.execute.live import bypass_wal
from provisioner.execute.runners.ddl import drop_relation
from provisioner.execute.stamps import are_on_record, create_records, forget, grant, withdraw
from provisioner.execute.structure import StructureLostError, put_rows_back
from provisioner.execute.transaction import read_back, transaction
from provisioner.execute.verify import verify_all
from provisioner.observe.change_values import Structure
from provisioner.observe.introspect import read_recorded
from provisioner.observe.records import read_records
from provisioner.observe.structure import read_structures
from provisioner.observe.values import Catalog, Mark, Relation, Stamp, Unit

Connection = duckdb.DuckDBPyConnection
NO_BOUNDS = nullcontext()


def put_aside(
    connection: Connection, units: Iterable[Unit], run: str, bounded: AbstractContextManager[object] = NO_BOUNDS
) -> frozenset[TableName]:
    """Withdraw the stamps of what the units make, mark it, and keep what is there now.

    bounded: entered around all that may be interrupted; copying may take long. Returns the tables that are still in
    their place, since they are kept as copies.
    """
    units = tuple(units)
    catalog = read_recorded(connection, {table for unit in units for table in unit.tables})
    there = ((unit, catalog.relations.get(table)) for unit in units for table in unit.tables)
    in_place = frozenset(relation.name for unit, relation in there if relation and _stays(unit, relation))
    with transaction(connection), bounded:
        create_records(connection)
        structures = dict.fromkeys(in_place, ()) | read_structures(connection, in_place)
        for unit in units:
            for table in unit.tables:
                withdraw(connection, [_keep(connection, unit, table, catalog, run, structures)])
    return in_place


def _stays(unit: Unit, relation: Relation) -> bool:
    """DuckDB renames no table that has an index or that a foreign key refers to. Old rows that matter must be found."""
    memory = unit.dbt is not None and unit.dbt.memory
    return relation.kind is TableKind.TABLE and (relation.indexed or memory)


def _keep(
    connection: Connection, unit: Unit, table: TableName, catalog: Catalog, run: str,
    structures: Mapping[TableName, Structure],
) -> Mark:  # fmt: skip
    """What an earlier run died in stays known as such: should this one fail too, it is not to be trusted again."""
    relation, before = catalog.relations.get(table), catalog.marks.get(table)
    stamp = catalog.stamps.get(table) or (before.stamp if before else None)
    mark = Mark(table, unit.id, run, relation is not None, None, stamp, before.run if before else None)
    if relation is None:
        return mark
    kept = TableName(table.schema, f"{table.name}__kept_{run}")
    if table in structures:
        connection.execute(f"CREATE TABLE {kept.sql} AS FROM {table.sql}")
    else:
        _rename(connection, relation, kept)
    return replace(mark, kept=kept.name, structure=structures.get(table, ()))


def _rename(connection: Connection, relation: Relation, name: TableName) -> None:
    connection.execute(f"ALTER {relation.kind.upper()} {relation.name.sql} RENAME TO {quote(name.name)}")


@dataclass(frozen=True, slots=True)
class Made:
    """What a child made of one unit. stamps: those to grant."""

    unit: Unit
    stamps: tuple[Stamp, ...]


def accept(
    connection: Connection, things: Sequence[Made], bounded: AbstractContextManager[object]
) -> dict[str, int | None]:
    """Verify what the child made, grant its stamps and let the old one go: of all of them, or of none.

    bounded: entered around all that may be interrupted. Returns the rows of each unit, by id. Raises StepError.
    """
    units = [made.unit for made in things]
    marks = _marks(connection, units)
    _refuse_another(things, marks)
    with transaction(connection), bounded:
        rows = verify_all(connection, units)
        for made in things:
            grant(connection, made.stamps)
        _let_go(connection, marks.values())
    if not are_on_record(connection, [stamp for made in things for stamp in made.stamps]):
        for made in things:
            read_back(connection, made.unit, made.stamps)
    return rows


def _refuse_another(things: Sequence[Made], marks: Mapping[TableName, Mark]) -> None:
    """In the database that this run put its tables aside in, each of them has the mark of this run."""
    for stamp in (stamp for made in things for stamp in made.stamps):
        if stamp.table not in marks or marks[stamp.table].run != stamp.run:
            raise StepError(
                f"the database is not the one in which {stamp.table} was to be made: another file has been put in its"
                " place meanwhile, or its records have been removed.",
                code="database_replaced",
                cure="Find out who replaces it, and let nobody do so while an apply is at work. Then run it again.",
            )


def _let_go(connection: Connection, marks: Iterable[Mark]) -> None:
    for mark in marks:
        if mark.kept:
            drop_relation(connection, TableName(mark.table.schema, mark.kept))


def put_back(connection: Connection, unit: Unit) -> None:
    """After a failure: everything the unit makes is again as it was, and so is what was on record about it.

    A table that could not be given its structure back is `interrupted`, so that its unit is due.
    """

    def record(mark: Mark, whole: bool) -> None:
        if mark.died or not whole:
            withdraw(connection, [Mark(mark.table, mark.unit, mark.died or mark.run, True, None, mark.stamp)])
        elif mark.stamp:
            grant(connection, [mark.stamp])

    _restore_all(connection, tuple(_marks(connection, [unit]).values()), record)


def _marks(connection: Connection, units: Iterable[Unit]) -> dict[TableName, Mark]:
    tables = [table for unit in units for table in unit.tables]
    _, marks = read_records(connection, [table.key[1] for table in tables])
    return {table: marks[table] for table in tables if table in marks}


def recover(connection: Connection, catalog: Catalog, wanted: Iterable[TableName]) -> tuple[TableName, ...]:
    """After a death: everything is again as it was before it. Returns the tables that had to be changed for that.

    What was kept is put back, and what the dead run made where nothing was before is let go: dbt would add to it.
    Tables that the manifest still wants stay marked, for their units are due; what is made there from now on stays.
    """
    wanted = frozenset(wanted)
    due = tuple(mark for mark in catalog.marks.values() if mark.kept or not mark.existed or mark.table not in wanted)
    if not due:
        return ()

    def record(mark: Mark, _whole: bool) -> None:
        if mark.table in wanted:
            withdraw(connection, [replace(mark, existed=True, kept=None, structure=())])
        elif mark.stamp:
            grant(connection, [mark.stamp])

    _restore_all(connection, due, record)
    changed = (mark for mark in due if mark.kept or (not mark.existed and mark.table in catalog.relations))
    return tuple(sorted(mark.table for mark in changed))


def _restore_all(connection: Connection, marks: Sequence[Mark], record: Callable[[Mark, bool], None]) -> None:
    """All of them in one transaction. record: writes down what is known of each, and whether it has its structure.

    Rows come first: where DuckDB does not take back a structure, all is done again, and that table does without.
    """
    if any(mark.structure for mark in marks):
        bypass_wal(connection)  # DuckDB 1.5 does not replay every comment on a table, nor every check
    bare = set[TableName]()
    while True:
        try:
            with transaction(connection):
                create_records(connection)
                for mark in marks:
                    _restore(connection, replace(mark, structure=()) if mark.table in bare else mark)
                    forget(connection, mark.table)
                    record(mark, mark.table not in bare)
            return
        except StructureLostError as lost:
            bare.add(lost.table)


def _restore(connection: Connection, mark: Mark) -> None:
    """Nothing goes before what replaces it is found."""
    kept = _find(connection, TableName(mark.table.schema, mark.kept)) if mark.kept else None
    if kept and mark.structure:
        put_rows_back(connection, mark.table, mark.structure, kept.name)
        return
    if kept or not mark.existed:
        drop_relation(connection, mark.table)
    if kept:
        _rename(connection, kept, mark.table)


def _find(connection: Connection, name: TableName) -> Relation | None:
    return read_recorded(connection, {name}).relations.get(name)

"""Trust withdrawn around a child: what it will replace is put aside, and comes back unless its successor is verified.

A relation's states:

    trusted --put_aside--> marked, old one kept --(child runs)--> marked, old one kept, new one beside it
        marked --accept--> trusted (stamp granted, old one dropped)
        marked --put_back--> as it was before (after a failure that we saw)
        marked --recover--> marked, old one in its place (after a death); its reason is then `interrupted`

Each arrow is one transaction. A relation is renamed where dbt makes it anew, and copied where its old rows matter to dbt.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from provisioner.declare.values import TableKind, TableName, quote
from provisioner.execute.runners.ddl import drop_relation
from provisioner.execute.stamps import create_records, forget, grant, withdraw
from provisioner.execute.transaction import read_back, transaction
from provisioner.execute.verify import verify
from provisioner.observe.introspect import introspect_tables
from provisioner.observe.values import Catalog, Mark, Relation, Stamp, Unit, Want

Connection = duckdb.DuckDBPyConnection


def put_aside(connection: Connection, units: Iterable[Unit], run: str) -> None:
    """Withdraw the stamps of what the units make, mark it, and keep what is there now."""
    units = tuple(units)
    catalog = introspect_tables(connection, [want for unit in units for want in unit.wants])
    with transaction(connection):
        create_records(connection)
        for unit in units:
            for table in unit.tables:
                withdraw(connection, [_keep(connection, unit, table, catalog, run)])


def _keep(connection: Connection, unit: Unit, table: TableName, catalog: Catalog, run: str) -> Mark:
    relation, stamp = catalog.relations.get(table), catalog.stamps.get(table)
    if relation is None:
        return Mark(table, unit.id, run, existed=False, stamp=stamp)
    kept = TableName(table.schema, f"{table.name}__kept_{run}")
    if relation.kind is TableKind.TABLE and (relation.indexed or (unit.dbt is not None and unit.dbt.memory)):
        # DuckDB renames no table that has an index.
        connection.execute(f"CREATE TABLE {kept.sql} AS FROM {table.sql}")
    else:
        _rename(connection, relation, kept)
    return Mark(table, unit.id, run, existed=True, kept=kept.name, stamp=stamp)


def _rename(connection: Connection, relation: Relation, name: TableName) -> None:
    connection.execute(f"ALTER {relation.kind.upper()} {relation.name.sql} RENAME TO {quote(name.name)}")


def accept(connection: Connection, unit: Unit, stamps: tuple[Stamp, ...]) -> int | None:
    """Verify what the child made, grant its stamps and let the old one go. Returns its rows; raises StepError."""
    marks = introspect_tables(connection, unit.wants).marks
    with transaction(connection):
        rows = verify(connection, unit)
        grant(connection, stamps)
        for table in unit.tables:
            if (mark := marks.get(table)) and mark.kept:
                drop_relation(connection, TableName(table.schema, mark.kept))
    read_back(connection, unit, stamps)
    return rows


def put_back(connection: Connection, unit: Unit) -> None:
    """After a failure: everything the unit makes is again as it was, its stamps too."""
    marks = introspect_tables(connection, unit.wants).marks
    with transaction(connection):
        for table in unit.tables:
            if mark := marks.get(table):
                _restore(connection, mark)
                forget(connection, table)
                grant(connection, [mark.stamp] if mark.stamp else [])


def recover(connection: Connection, catalog: Catalog, wanted: Iterable[TableName]) -> tuple[TableName, ...]:
    """After a death: put back what was kept. Returns the tables that were.

    The marks of tables that the manifest still wants stay, without a kept one: their units are due. The others are let go.
    """
    wanted = frozenset(wanted)
    due = tuple(mark for mark in catalog.marks.values() if mark.kept or mark.table not in wanted)
    if not due:
        return ()
    with transaction(connection):
        for mark in due:
            if mark.kept:
                _restore(connection, mark)
            forget(connection, mark.table)
            if mark.table in wanted:
                withdraw(connection, [Mark(mark.table, mark.unit, mark.run, mark.existed, None, mark.stamp)])
            elif mark.stamp:
                grant(connection, [mark.stamp])
    return tuple(sorted(mark.table for mark in due if mark.kept))


def _restore(connection: Connection, mark: Mark) -> None:
    """Nothing goes before what replaces it has been found."""
    kept = _find(connection, TableName(mark.table.schema, mark.kept)) if mark.kept else None
    if kept or not mark.existed:
        drop_relation(connection, mark.table)
    if kept:
        _rename(connection, kept, mark.table)


def _find(connection: Connection, name: TableName) -> Relation | None:
    return introspect_tables(connection, [Want(name, TableKind.TABLE)]).relations.get(name)

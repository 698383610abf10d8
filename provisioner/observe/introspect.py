"""Reading the live catalog, in a handful of queries however many tables there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.declare.values import TableKind, TableName, fold
from provisioner.observe.measure import measure
from provisioner.observe.records import NAMED, read_records
from provisioner.observe.values import Catalog, ColumnFact, Measure, Relation, Stamp, Want

if TYPE_CHECKING:
    import duckdb

# Attached databases and temporary tables have another database_name; our own records are no relations of the user.
_OURS = f"database_name = current_database() AND schema_name <> '_provisioner' AND {NAMED}"
_RELATIONS = f"""
    SELECT schema_name, table_name, kind, indexed FROM (
        SELECT database_name, schema_name, table_name, 'table' AS kind, index_count > 0 AS indexed
        FROM duckdb_tables() WHERE NOT internal
        UNION ALL
        SELECT database_name, schema_name, view_name, 'view', false
        FROM duckdb_views() WHERE NOT internal
    ) WHERE {_OURS} ORDER BY schema_name, table_name"""
_COLUMNS = f"""
    SELECT schema_name, table_name, column_name, data_type, is_nullable
    FROM duckdb_columns() WHERE NOT internal AND {_OURS} ORDER BY schema_name, table_name, column_index"""
_KEYS = f"""
    SELECT schema_name, table_name, constraint_column_names
    FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' AND {_OURS}"""


def introspect(connection: duckdb.DuckDBPyConnection, wants: Sequence[Want]) -> Catalog:
    """All relations, stamps and marks of the database, and what the wants' expectations ask of the rows.

    Rows are counted for wanted tables without a stamp, for stamped tables that are not wanted, and for relations
    with an Expect. Raises DatabaseError
    (records_newer) and duckdb.Error; a broken view is no error.
    """
    return _introspect(connection, wants, None)


def introspect_tables(connection: duckdb.DuckDBPyConnection, wants: Sequence[Want]) -> Catalog:
    """As introspect, of these wants' relations alone; sees what the connection's open transaction has done."""
    catalog = _introspect(connection, wants, sorted({fold(want.table.name) for want in wants}))
    tables = {want.table for want in wants}
    return replace(
        catalog,
        relations={table: found for table, found in catalog.relations.items() if table in tables},
        stamps={table: found for table, found in catalog.stamps.items() if table in tables},
        marks={table: found for table, found in catalog.marks.items() if table in tables},
    )


def _introspect(connection: duckdb.DuckDBPyConnection, wants: Sequence[Want], names: Sequence[str] | None) -> Catalog:
    relations = _read_relations(connection, names)
    stamps, marks = read_records(connection, names)
    counted = [want for want in wants if _is_counted(want, relations, stamps)]
    measures = measure(connection, [*counted, *_orphans(wants, relations, stamps)], relations)
    return Catalog(
        exists=True,
        relations=_with_rows(relations, measures),
        stamps=stamps,
        marks=marks,
        measures={want.table: measures[want.table] for want in counted if not want.expect.empty},
    )


def _is_counted(want: Want, relations: Mapping[TableName, Relation], stamps: Mapping[TableName, Stamp]) -> bool:
    """Counting a view runs it: that needs an Expect."""
    relation = relations.get(want.table)
    if relation is None or not want.expect.empty:
        return relation is not None
    stamp = stamps.get(want.table)
    return relation.kind is TableKind.TABLE and (stamp is None or stamp.holds_users_rows)


def _orphans(
    wants: Sequence[Want], relations: Mapping[TableName, Relation], stamps: Mapping[TableName, Stamp]
) -> list[Want]:
    """Tables that were stamped and that nobody wants any more: whether they hold rows decides if they may go."""
    wanted = {want.table for want in wants}
    found = (relations[table] for table in stamps if table in relations and table not in wanted)
    return [Want(relation.name, relation.kind) for relation in found if relation.kind is TableKind.TABLE]


def _with_rows(
    relations: Mapping[TableName, Relation], measures: Mapping[TableName, Measure]
) -> dict[TableName, Relation]:
    return {
        table: replace(relation, rows=measures[table].rows) if table in measures else relation
        for table, relation in relations.items()
    }


def _read_relations(connection: duckdb.DuckDBPyConnection, names: Sequence[str] | None) -> dict[TableName, Relation]:
    named = {"names": names}
    columns: dict[tuple[str, str], list[ColumnFact]] = {}
    for schema, table, name, type_text, nullable in connection.execute(_COLUMNS, named).fetchall():
        columns.setdefault((schema, table), []).append(ColumnFact(name, type_text, nullable))
    keys = {(schema, table): key for schema, table, key in connection.execute(_KEYS, named).fetchall()}
    found = connection.execute(_RELATIONS, named).fetchall()
    return _by_name(
        Relation(TableName(schema, name), TableKind(kind), tuple(columns.get(at, ())), tuple(keys.get(at, ())), indexed)
        for schema, name, kind, indexed in found
        for at in [(schema, name)]
    )


def _by_name(relations: Iterable[Relation]) -> dict[TableName, Relation]:
    return {relation.name: relation for relation in relations}

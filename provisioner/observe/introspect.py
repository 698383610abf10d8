"""Reading the live catalog, in a handful of queries however many tables there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from provisioner.declare.collector import collector_at_rest
from provisioner.declare.values import TableKind, TableName, fold
from provisioner.observe.layout import NAMED, read_tables
from provisioner.observe.measure import measure
from provisioner.observe.records import read_records
from provisioner.observe.values import Catalog, ColumnFact, Measure, Relation, Stamp, Want

if TYPE_CHECKING:
    import duckdb

NONE: Mapping[TableName, str] = {}
# So many relations are looked at one by one; for more, the whole catalog is listed once.
FEW = 40
# Attached databases and temporary tables have another database_name; our own records are no relations of the user.
_OURS = "database_name = system.main.current_database() AND schema_name <> '_provisioner'"
_VIEWS = f"""
    SELECT schema_name, view_name AS table_name, 'view' AS kind, false AS indexed
    FROM system.main.duckdb_views() WHERE NOT internal AND {_OURS}"""
_RELATIONS = f"""
    SELECT schema_name, table_name, 'table' AS kind, index_count > 0 AS indexed
    FROM system.main.duckdb_tables() WHERE NOT internal AND {_OURS}
    UNION ALL {_VIEWS} ORDER BY schema_name, table_name"""
_COLUMNS = f"""
    SELECT schema_name, table_name, column_name, data_type, is_nullable
    FROM system.main.duckdb_columns() WHERE NOT internal AND {_OURS}"""
_IN_ORDER = "ORDER BY schema_name, table_name, column_index"
_KEYS = f"""
    SELECT schema_name, table_name, constraint_column_names
    FROM system.main.duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' AND {_OURS}"""


@collector_at_rest()
def introspect(
    connection: duckdb.DuckDBPyConnection, wants: Sequence[Want], unreadable: Mapping[TableName, str] = NONE
) -> Catalog:
    """All relations, stamps and marks of the database, and what the wants' expectations ask of the rows.

    Rows are counted for wanted tables without a stamp, for those with users' rows that are not as declared or with
    memory that their unit lost, for stamped tables that are not wanted, and for relations with an Expect. unreadable:
    views that must not be read, with why. Raises DatabaseError (records_newer) and duckdb.Error; a broken view is no
    error.
    """
    relations = _list_relations(connection)
    stamps, marks = read_records(connection)
    counted = [want for want in wants if _is_counted(want, relations, stamps)]
    asked = [*counted, *_orphans(wants, relations, stamps)]
    measures = measure(connection, [want for want in asked if want.table not in unreadable], relations)
    measures |= {want.table: Measure(error=unreadable[want.table]) for want in counted if want.table in unreadable}
    return Catalog(True, _with_rows(relations, measures), stamps, marks, _asked(counted, measures))


def read_recorded(connection: duckdb.DuckDBPyConnection, tables: Set[TableName]) -> Catalog:
    """These relations alone, with what is on record about them and without their rows.

    It sees what the connection's open transaction has done.
    """
    stamps, marks = read_records(connection, sorted({fold(table.name) for table in tables}))
    stamps = {table: found for table, found in stamps.items() if table in tables}
    marks = {table: found for table, found in marks.items() if table in tables}
    return Catalog(True, _read_relations(connection, tables), stamps, marks)


def introspect_made(connection: duckdb.DuckDBPyConnection, wants: Sequence[Want]) -> Catalog:
    """These wants' relations as they are in the open transaction, every table with its rows; no stamps and no marks."""
    relations = _read_relations(connection, {want.table for want in wants})
    counted = [want for want in wants if _is_counted(want, relations, {})]
    measures = measure(connection, counted, relations)
    return Catalog(True, _with_rows(relations, measures), measures=_asked(counted, measures))


def _is_counted(want: Want, relations: Mapping[TableName, Relation], stamps: Mapping[TableName, Stamp]) -> bool:
    """Counting a view runs it: that needs an Expect."""
    relation = relations.get(want.table)
    if relation is None or not want.expect.empty:
        return relation is not None
    stamp = stamps.get(want.table)
    if stamp is None or relation.kind is not TableKind.TABLE:
        return relation.kind is TableKind.TABLE
    if stamp.memory and not want.remembers:
        return True
    return stamp.holds_users_rows and not (want.declared and _is_alike(want, relation))


def _is_alike(want: Want, relation: Relation) -> bool:
    """Whether a declared table is what is declared, but for its rows; those of its users are in no danger then."""
    key = tuple(map(fold, want.primary_key))
    wanted = [(fold(one.name), one.type, one.nullable and fold(one.name) not in key) for one in want.columns]
    have = [(fold(one.name), one.type, one.nullable) for one in relation.columns]
    return have == wanted and key == tuple(map(fold, relation.key))


def _orphans(
    wants: Sequence[Want], relations: Mapping[TableName, Relation], stamps: Mapping[TableName, Stamp]
) -> list[Want]:
    """Tables that were stamped and that nobody wants any more: whether they hold rows decides if they may go."""
    wanted = {want.table for want in wants}
    found = (relations[table] for table in stamps if table in relations and table not in wanted)
    return [Want(relation.name, relation.kind) for relation in found if relation.kind is TableKind.TABLE]


def _asked(counted: Sequence[Want], measures: Mapping[TableName, Measure]) -> dict[TableName, Measure]:
    return {want.table: measures[want.table] for want in counted if not want.expect.empty}


def _with_rows(
    relations: Mapping[TableName, Relation], measures: Mapping[TableName, Measure]
) -> dict[TableName, Relation]:
    return {
        table: replace(relation, rows=measures[table].rows) if table in measures else relation
        for table, relation in relations.items()
    }


def _read_relations(connection: duckdb.DuckDBPyConnection, tables: Set[TableName]) -> dict[TableName, Relation]:
    if len(tables) > FEW:
        return {table: found for table, found in _list_relations(connection).items() if table in tables}
    found = read_tables(connection, sorted(tables))
    rest = tables - found.keys()
    return found | _read_views(connection, rest) if rest else found


def _read_views(connection: duckdb.DuckDBPyConnection, tables: Set[TableName]) -> dict[TableName, Relation]:
    """A view's columns come from the listing, which remembers them: binding it may fail, or read the files it shows."""
    named = {"names": [table.name for table in tables]}
    views = connection.execute(f"FROM ({_VIEWS}) WHERE {NAMED}", named).fetchall()
    columns = connection.execute(f"{_COLUMNS} AND {NAMED} {_IN_ORDER}", named).fetchall() if views else []
    return {table: view for table, view in _assemble(views, columns, {}).items() if table in tables}


def _list_relations(connection: duckdb.DuckDBPyConnection) -> dict[TableName, Relation]:
    keys = {(schema, table): key for schema, table, key in connection.execute(_KEYS).fetchall()}
    columns = connection.execute(f"{_COLUMNS} {_IN_ORDER}").fetchall()
    return _assemble(connection.execute(_RELATIONS).fetchall(), columns, keys)


def _assemble(
    relations: Iterable[tuple[str, str, str, bool]],
    columns: Iterable[tuple[str, str, str, str, bool]],
    keys: Mapping[tuple[str, str], Sequence[str]],
) -> dict[TableName, Relation]:
    # One fact serves all columns that are alike: in a database of many tables most are.
    facts: dict[tuple[str, str, bool], ColumnFact] = {}
    of = {
        at: tuple(facts.get(row[2:]) or facts.setdefault(row[2:], ColumnFact(*row[2:])) for row in rows)
        for at, rows in groupby(columns, key=itemgetter(0, 1))
    }
    found = (
        Relation(TableName(*at), TableKind(kind), of.get(at, ()), tuple(keys.get(at, ())), indexed)
        for at, kind, indexed in ((row[:2], *row[2:]) for row in relations)
    )
    return {relation.name: relation for relation in found}

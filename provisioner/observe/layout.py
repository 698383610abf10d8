"""A few tables, looked at without listing the catalog and without an error that would end the open transaction.

`duckdb_tables()` and its kin read every entry before they filter: 60 ms at 5,000 tables, where this takes one. What
DuckDB would do for a DELETE tells the rest: it needs a base table that is there, and its plan carries its constraints.
A DuckDB that answers in another form than those we know is asked for its lists instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.declare.values import TableKind, TableName, quote
from provisioner.observe.values import ColumnFact, Relation

if TYPE_CHECKING:
    import duckdb

# True of every row that has one of these names, and of a few more: DuckDB compares names folded in ASCII alone.
NAMED = "system.main.lower(table_name) IN (SELECT system.main.lower(unnest($names::VARCHAR[])))"
# With the database's own name in front, since `main.t` may also be a temporary table.
_PLANNED = """
    SELECT system.main.current_database(), asked.table_number, system.main.json_serialize_plan(
        system.main.concat(
            'DELETE FROM "', system.main.replace(system.main.current_database(), '"', '""'), '".', asked.table_name
        )
    ) FROM (SELECT unnest($1::VARCHAR[]) AS table_name, unnest($2::INTEGER[]) AS table_number) AS asked"""
_LISTED = f"""
    WITH columns AS (
        SELECT schema_name, table_name, system.main.list(column_name ORDER BY column_index) AS names
        FROM system.main.duckdb_columns()
        WHERE database_name = system.main.current_database() AND {NAMED} GROUP BY ALL
    ), constraints AS (
        SELECT schema_name, table_name,
            system.main.any_value(constraint_column_names) FILTER (WHERE constraint_type = 'PRIMARY KEY') AS key,
            system.main.bool_or(constraint_type IN ('UNIQUE', 'FOREIGN KEY')) AS constrained
        FROM system.main.duckdb_constraints() WHERE database_name = system.main.current_database()
        AND {NAMED} GROUP BY ALL
    )
    SELECT system.main.current_database(), schema_name, table_name, names, key, coalesce(constrained, false)
    FROM system.main.duckdb_tables() JOIN columns USING (schema_name, table_name)
    LEFT JOIN constraints USING (schema_name, table_name) WHERE database_name = system.main.current_database()"""
_INDEXED = f"""
    SELECT schema_name, table_name FROM system.main.duckdb_indexes()
    WHERE database_name = system.main.current_database() AND {NAMED}"""


@dataclass(frozen=True, slots=True)
class Layout:
    """database: where the table is. columns: names. key: columns of the primary key, in its order.

    constrained: whether a constraint of its own keeps an index.
    """

    database: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    constrained: bool


def read_layouts(connection: duckdb.DuckDBPyConnection, tables: Iterable[TableName]) -> dict[TableName, Layout]:
    """The layout of each of these that is a base table of the current database; sees what the open transaction did."""
    tables = tuple(tables)
    asked = [[table.sql for table in tables], list(range(len(tables)))]
    rows = connection.execute(_PLANNED, asked).fetchall()
    try:
        plans = {tables[number]: (name, json.loads(plan)) for name, number, plan in rows}
        return {
            table: _layout(name, plan["plans"][0]["table_info"])
            for table, (name, plan) in plans.items()
            if not _is_none(plan)
        }
    except (LookupError, TypeError, ValueError):
        return _listed(connection, tables)


def _is_none(plan: Mapping[str, Any]) -> bool:
    """Whether there is no such table, or it is a view; any other error is raised as one of form."""
    if plan["error"] and plan["error_type"] != "catalog" and "base table" not in plan["error_message"]:
        raise LookupError(plan["error_message"])
    return bool(plan["error"])


def _listed(connection: duckdb.DuckDBPyConnection, tables: tuple[TableName, ...]) -> dict[TableName, Layout]:
    found = connection.execute(_LISTED, {"names": [table.name for table in tables]}).fetchall()
    layouts = {
        TableName(schema, name): Layout(database, tuple(columns), tuple(key or ()), constrained)
        for database, schema, name, columns, key, constrained in found
    }
    return {table: layouts[table] for table in tables if table in layouts}


def _layout(database: str, facts: Mapping[str, Any]) -> Layout:
    keys = (one["columns"] for one in facts["constraints"] if one.get("is_primary_key"))
    return Layout(
        database,
        tuple(column["name"] for column in facts["columns"]["columns"]),
        tuple(next(keys, ())),
        any(one["type"] in ("UNIQUE", "FOREIGN_KEY") for one in facts["constraints"]),
    )


def read_tables(connection: duckdb.DuckDBPyConnection, tables: Iterable[TableName]) -> dict[TableName, Relation]:
    """Those of the tables that are there and no views, as the listing of the whole catalog has them."""
    layouts = read_layouts(connection, tables)
    if not layouts:
        return {}
    rows = connection.execute(_INDEXED, {"names": [table.name for table in layouts]}).fetchall()
    indexed = {TableName(schema, name) for schema, name in rows}
    return {table: _relation(connection, table, found, table in indexed) for table, found in layouts.items()}


def _relation(connection: duckdb.DuckDBPyConnection, table: TableName, found: Layout, indexed: bool) -> Relation:
    rows = connection.execute(f"DESCRIBE {quote(found.database)}.{table.sql}").fetchall()
    columns = tuple(ColumnFact(name, type_text, nullable == "YES") for name, type_text, nullable, *_ in rows)
    return Relation(table, TableKind.TABLE, columns, found.key, indexed or found.constrained)

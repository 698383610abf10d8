"""Making schemas, dropping relations."""

from __future__ import annotations

import duckdb

from provisioner.declare.values import DEFAULT_SCHEMA, TableName, fold, quote
from provisioner.errors import StepError
from provisioner.observe.layout import read_layouts
from provisioner.observe.verbatim import without_drawing

# What is wrong with memory, disk or file, and not with the statement.
GRAVE = (duckdb.InterruptException, duckdb.FatalException, duckdb.IOException, duckdb.OutOfMemoryException)
_VIEWS = """
    SELECT schema_name, view_name FROM system.main.duckdb_views()
    WHERE database_name = system.main.current_database() AND system.main.lower(view_name) = system.main.lower($1)
    AND NOT internal
"""


def ensure_schema(connection: duckdb.DuckDBPyConnection, table: TableName) -> None:
    """Make the table's schema where it is missing."""
    if fold(table.schema) != DEFAULT_SCHEMA:
        _execute(connection, table, f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")


def drop_relation(connection: duckdb.DuckDBPyConnection, table: TableName) -> None:
    """Drop the table or view of that name, if there is one. Raises StepError ddl_failed."""
    if read_layouts(connection, [table]):
        _execute(connection, table, f"DROP TABLE {table.sql}")
    elif table in (TableName(*view) for view in connection.execute(_VIEWS, [table.name]).fetchall()):
        _execute(connection, table, f"DROP VIEW {table.sql}")


def _execute(connection: duckdb.DuckDBPyConnection, table: TableName, sql: str) -> None:
    try:
        connection.execute(sql)
    except GRAVE:
        raise
    except (duckdb.Error, RuntimeError) as error:
        words = without_drawing(error)
        depended = any(word in words for word in ("depend", "foreign key", "main key table"))
        cure = "Drop what depends on it first." if depended else "Mend its declaration."
        raise StepError(f"{table}: {words}", code="ddl_failed", cure=cure) from error

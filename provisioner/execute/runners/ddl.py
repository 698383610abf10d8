"""Making and dropping relations."""

from __future__ import annotations

import duckdb

from provisioner.declare.values import DEFAULT_SCHEMA, Column, TableName, fold, quote
from provisioner.errors import StepError
from provisioner.observe.layout import read_layouts
from provisioner.observe.lexer import LexError, lex
from provisioner.observe.values import Want

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_VIEWS = """
    SELECT schema_name, view_name FROM duckdb_views()
    WHERE database_name = current_database() AND lower(view_name) = lower($1) AND NOT internal
"""


def create_declared(connection: duckdb.DuckDBPyConnection, want: Want) -> None:
    """Make the table that the manifest declares, empty. Raises StepError default_expression, ddl_failed."""
    ensure_schema(connection, want.table)
    parts = [_column(column, want.table) for column in want.columns]
    if want.primary_key:
        parts.append(f"PRIMARY KEY ({', '.join(map(quote, want.primary_key))})")
    _execute(connection, want.table, f"CREATE TABLE {want.table.sql} ({', '.join(parts)})")
    for column in want.columns:
        if column.comment is not None:
            target = f"{want.table.sql}.{quote(column.name)}"
            _execute(connection, want.table, f"COMMENT ON COLUMN {target} IS {literal(column.comment)}")


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


def literal(text: str) -> str:
    """The text as a SQL string literal, for the few statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _column(column: Column, table: TableName) -> str:
    parts = [quote(column.name), column.type]
    if not column.nullable:
        parts.append("NOT NULL")
    if column.default is not None:
        # The bracket on a line of its own, for the expression may end in a comment.
        parts.append(f"DEFAULT ({_one_expression(column, column.default, table)}\n)")
    return " ".join(parts)


def _one_expression(column: Column, text: str, table: TableName) -> str:
    """The text itself when it is exactly one SQL expression, so that it can add nothing else to the statement."""
    if not _holds_together(text) or not _parses(text):
        raise StepError(
            f"{table}.{column.name} ({column.place}) has the default `{text}`, expected one SQL expression.",
            code="default_expression",
            cure="Write for example `default: 0`, `default: \"'new'\"` or `default: now()`.",
        )
    return text


def _holds_together(text: str) -> bool:
    """Whether there is something, brackets match, and no comma or semicolon stands outside of them."""
    depth, seen = 0, False
    try:
        for token in lex(text):
            seen = True
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
            if depth < 0 or token.text == ";" or (token.text == "," and depth == 0):
                return False
    except LexError:
        return False
    return seen and depth == 0


def _parses(text: str) -> bool:
    try:
        return duckdb.SQLExpression(f"({text}\n)") is not None
    except (duckdb.Error, RuntimeError, ValueError):
        return False


def _execute(connection: duckdb.DuckDBPyConnection, table: TableName, sql: str) -> None:
    try:
        connection.execute(sql)
    except (duckdb.InterruptException, duckdb.FatalException, duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except (duckdb.Error, RuntimeError) as error:
        words = str(error).split("\n\nLINE")[0].strip()
        cure = (
            "Drop what depends on it first." if "depend" in words or "foreign key" in words else "Mend its declaration."
        )
        raise StepError(f"{table}: {words}", code="ddl_failed", cure=cure) from error

"""Whether rows and tables can still go. DuckDB may keep a reference to a table that is not there any more: reading and
writing work on, until somebody deletes a row that was once referred to.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from random_tables import quote

_TABLES = """
    SELECT schema_name, table_name FROM duckdb_tables()
    WHERE database_name = current_database() AND schema_name <> '_provisioner'"""
_REFERENCES = """
    SELECT schema_name, table_name, referenced_table FROM duckdb_constraints()
    WHERE constraint_type = 'FOREIGN KEY' AND table_name <> referenced_table"""


def let_go(database: Path) -> None:
    """Every row and every table of a copy, each after what refers to it. Raises duckdb.Error where one is held back."""
    with TemporaryDirectory() as text:
        copy = Path(text) / database.name
        shutil.copy(database, copy)
        with duckdb.connect(str(copy)) as connection:
            tables = {(schema, table) for schema, table in connection.execute(_TABLES).fetchall()}
            references = {
                ((schema, child), (schema, parent))
                for schema, child, parent in connection.execute(_REFERENCES).fetchall()
            }
            while tables:
                free = {
                    one for one in tables if not any(parent == one and child in tables for child, parent in references)
                }
                assert free, "tables refer to each other in a circle"
                for schema, table in sorted(free):
                    _empty(connection, f"{quote(schema)}.{quote(table)}")
                    connection.execute(f"DROP TABLE {quote(schema)}.{quote(table)}")
                tables -= free


def _empty(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    # Of rows that refer to each other the last ones go first.
    for _ in range(9):
        rows = connection.execute(f"SELECT rowid FROM {table}").fetchall()
        for (row,) in rows:
            with suppress(duckdb.ConstraintException):
                connection.execute(f"DELETE FROM {table} WHERE rowid = {row}")
    assert connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)], table

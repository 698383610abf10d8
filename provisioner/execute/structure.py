"""The structure of a table, keys, NOT NULL, checks, defaults, indexes and comments, as the SQL that makes it.

DuckDB's own text of them makes the same again, in every version that we know; a copy by `CREATE TABLE … AS` has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import duckdb

from provisioner.declare.values import TableName, quote
from provisioner.errors import ProvisionError
from provisioner.execute.runners.ddl import drop_relation, literal
from provisioner.observe.layout import NAMED
from provisioner.observe.values import Structure

Connection = duckdb.DuckDBPyConnection

_IN = f"database_name = current_database() AND {NAMED}"
_TOLD = f"""
    SELECT schema_name, table_name, 1 AS part, '' AS name, sql FROM duckdb_tables() WHERE {_IN}
    UNION ALL SELECT schema_name, table_name, 2, index_name, sql FROM duckdb_indexes() WHERE sql <> '' AND {_IN}
    UNION ALL SELECT schema_name, table_name, 3, '', comment FROM duckdb_tables() WHERE comment <> '' AND {_IN}
    UNION ALL SELECT schema_name, table_name, 4, column_name, comment FROM duckdb_columns()
        WHERE comment <> '' AND {_IN}
    UNION ALL SELECT schema_name, table_name, 5, index_name, comment FROM duckdb_indexes()
        WHERE comment <> '' AND {_IN}
    ORDER BY ALL"""
_REFERRED = """
    SELECT 1 FROM duckdb_constraints() WHERE database_name = current_database()
    AND constraint_type = 'FOREIGN KEY' AND lower(referenced_table) = lower($1)"""
_MAKES = ("CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "COMMENT ON ")


class StructureLostError(Exception):
    """DuckDB does not take what it told of the structure of `table`."""

    def __init__(self, table: TableName) -> None:
        super().__init__(str(table))
        self.table = table


def read_structures(connection: Connection, tables: Iterable[TableName]) -> dict[TableName, Structure]:
    """The statements that make each of these tables, empty, in their order; of views and what is absent none."""
    tables = frozenset(tables)
    if not tables:
        return {}
    found: dict[TableName, list[str]] = defaultdict(list)
    for schema, name, part, inner, text in connection.execute(_TOLD, {"names": [t.name for t in tables]}).fetchall():
        table = TableName(schema, name)
        if table in tables:
            found[table].append(_statement(table, part, inner, text))
    return {table: tuple(statements) for table, statements in found.items()}


def _statement(table: TableName, part: int, name: str, text: str) -> str:
    commented = {
        3: f"TABLE {table.sql}",
        4: f"COLUMN {table.sql}.{quote(name)}",
        5: f"INDEX {quote(table.schema)}.{quote(name)}",
    }
    return f"COMMENT ON {commented[part]} IS {literal(text)}" if part in commented else text


def put_rows_back(connection: Connection, table: TableName, structure: Structure, kept: TableName) -> None:
    """Make `table` what it was: that structure, the rows of `kept`, which then goes.

    It is made again even where its structure is still the same: DuckDB 1.5 may take a row of a unique index that went
    and comes back in one transaction for a duplicate. Only where other tables refer to it, it cannot be dropped.
    Raises StructureLostError, and the transaction is void, where DuckDB refuses.
    """
    try:
        if connection.execute(_REFERRED, [table.name]).fetchall():
            _mend_rows(connection, table, kept)
        else:
            _make_again(connection, table, structure, kept)
    except (duckdb.InterruptException, duckdb.FatalException, duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except (duckdb.Error, ProvisionError) as refused:
        raise StructureLostError(table) from refused
    drop_relation(connection, kept)


def _mend_rows(connection: Connection, table: TableName, kept: TableName) -> None:
    """A row that another table refers to cannot go, not even when it comes back: only what differs is touched."""
    connection.execute(
        f"DELETE FROM {table.sql} AS now WHERE NOT EXISTS "
        f"(SELECT 1 FROM {kept.sql} AS before WHERE before IS NOT DISTINCT FROM now)"
    )
    connection.execute(f"INSERT INTO {table.sql} (FROM {kept.sql} EXCEPT ALL FROM {table.sql})")


def _make_again(connection: Connection, table: TableName, structure: Structure, kept: TableName) -> None:
    """The indexes come after the rows: that is faster, and all are made from what is there."""
    making, *rest = structure
    drop_relation(connection, table)
    _execute(connection, making)
    connection.execute(f"INSERT INTO {table.sql} FROM {kept.sql}")
    for statement in rest:
        _execute(connection, statement)


def _execute(connection: Connection, statement: str) -> None:
    """It was on record in the database, where somebody may have changed it: it makes what it is to make, or nothing."""
    if not statement.startswith(_MAKES) or len(connection.extract_statements(statement)) != 1:
        raise duckdb.ParserException(f"no structure of a table: {statement}")
    connection.execute(statement)

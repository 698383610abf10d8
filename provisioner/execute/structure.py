"""Putting the rows of a table back into the structure that it had (see observe/structure.py)."""

from __future__ import annotations

import duckdb

from provisioner.declare.values import TableName
from provisioner.errors import ProvisionError
from provisioner.execute.runners.ddl import GRAVE, drop_relation
from provisioner.observe.change_values import Structure

Connection = duckdb.DuckDBPyConnection

_REFERRED = """
    SELECT 1 FROM system.main.duckdb_constraints() WHERE database_name = system.main.current_database()
    AND constraint_type = 'FOREIGN KEY' AND system.main.lower(referenced_table) = system.main.lower($1)"""
_MAKES = ("CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "COMMENT ON ")


class StructureLostError(Exception):
    """DuckDB does not take what it told of the structure of `table`."""

    def __init__(self, table: TableName) -> None:
        super().__init__(str(table))
        self.table = table


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
    except GRAVE:
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

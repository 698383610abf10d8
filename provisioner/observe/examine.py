"""Is a database sound? Everything in it is read; that is what DuckDB's checksums are for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from provisioner.declare.values import TableName
from provisioner.errors import DatabaseError
from provisioner.observe.database import FileCondition, inspect_file, opened

Watch = Callable[[Callable[[], object]], AbstractContextManager[None]]

# By their full names: a macro of the database may be called like them.
_TABLES = """
    SELECT schema_name, table_name FROM system.main.duckdb_tables()
    WHERE database_name = system.main.current_database() AND NOT temporary
    ORDER BY ALL
"""
# Column by column: an alias for the row is a column where the table has one of that name.
_READ = "SELECT system.main.bit_xor(system.main.hash(COLUMNS(*))) FROM {}"


def find_damage(path: Path, watch: Watch) -> DatabaseError | None:
    """What keeps a database from being read, None when all of it can be, or when there is none.

    watch: entered around the reading, with what interrupts it; it takes as long as reading the whole file. Raises
    BusyError when another process has it, StoppedError when it was interrupted.
    """
    try:
        if inspect_file(path) is FileCondition.PRESENT:
            with opened(path, read_only=True) as connection, watch(connection.interrupt):
                for schema, name in connection.execute(_TABLES).fetchall():
                    connection.execute(_READ.format(TableName(schema, name).sql)).fetchall()
    except DatabaseError as error:
        return error
    return None

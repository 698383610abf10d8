"""The structure of a table, keys, NOT NULL, checks, defaults, indexes and comments, as the SQL that makes it.

DuckDB's own text of them makes the same again, in every version that we know but for one case: of a table that refers
to itself 1.5 leaves the reference out. A copy by `CREATE TABLE … AS` has nothing of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from provisioner.declare.values import TableName, quote
from provisioner.observe.change_values import Structure
from provisioner.observe.ddl_text import create_table, literal
from provisioner.observe.layout import NAMED
from provisioner.observe.shape import read_shapes

if TYPE_CHECKING:
    import duckdb

_IN = f"database_name = system.main.current_database() AND {NAMED}"
_TOLD = f"""
    SELECT schema_name, table_name, 1 AS part, '' AS name, sql FROM system.main.duckdb_tables() WHERE {_IN}
    UNION ALL SELECT schema_name, table_name, 2, index_name, sql FROM system.main.duckdb_indexes() WHERE sql <> ''
    AND {_IN}
    UNION ALL SELECT schema_name, table_name, 3, '', comment FROM system.main.duckdb_tables() WHERE comment <> ''
    AND {_IN}
    UNION ALL SELECT schema_name, table_name, 4, column_name, comment FROM system.main.duckdb_columns()
        WHERE comment <> '' AND {_IN}
    UNION ALL SELECT schema_name, table_name, 5, index_name, comment FROM system.main.duckdb_indexes()
        WHERE comment <> '' AND {_IN}
    ORDER BY ALL"""
_REFER_TO_THEMSELVES = f"""
    SELECT schema_name, table_name FROM system.main.duckdb_constraints()
    WHERE constraint_type = 'FOREIGN KEY' AND system.main.lower(referenced_table) = system.main.lower(table_name)
    AND {_IN}"""


def read_structures(connection: duckdb.DuckDBPyConnection, tables: Iterable[TableName]) -> dict[TableName, Structure]:
    """The statements that make each of these tables, empty, in their order; of views and what is absent none."""
    tables = frozenset(tables)
    if not tables:
        return {}
    named = {"names": [table.name for table in tables]}
    found: dict[TableName, list[str]] = defaultdict(list)
    for schema, name, part, inner, text in connection.execute(_TOLD, named).fetchall():
        table = TableName(schema, name)
        if table in tables:
            found[table].append(_statement(table, part, inner, text))
    themselves = {TableName(*row) for row in connection.execute(_REFER_TO_THEMSELVES, named).fetchall()}
    for table, shape in read_shapes(connection, themselves & found.keys()).items():
        found[table][0] = create_table(shape)
    return {table: tuple(statements) for table, statements in found.items()}


def _statement(table: TableName, part: int, name: str, text: str) -> str:
    commented = {
        3: f"TABLE {table.sql}",
        4: f"COLUMN {table.sql}.{quote(name)}",
        5: f"INDEX {quote(table.schema)}.{quote(name)}",
    }
    return f"COMMENT ON {commented[part]} IS {literal(text)}" if part in commented else text

"""The statements that copy what a database holds, without its rows: what could matter to some of its tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.declare.values import TableName, fold, quote
from provisioner.observe.lexer import TokenKind
from provisioner.observe.spelling import name_of, tokens_of
from provisioner.observe.structure import read_structures

if TYPE_CHECKING:
    import duckdb

# So many relations are copied whole; of more, those that could matter.
MANY = 200
_HERE = "database_name = system.main.current_database() AND schema_name <> '_provisioner'"
_SCHEMAS = f"SELECT schema_name FROM system.main.duckdb_schemas() WHERE NOT internal AND {_HERE} ORDER BY ALL"
_TYPES = f"SELECT schema_name, type_name FROM system.main.duckdb_types() WHERE NOT internal AND {_HERE} ORDER BY ALL"
_SEQUENCES = f"""
    SELECT schema_name, sequence_name, start_value, increment_by, min_value, max_value, cycle
    FROM system.main.duckdb_sequences() WHERE NOT temporary AND {_HERE} ORDER BY ALL"""
_MACROS = f"""
    SELECT schema_name, function_name, function_type, parameters, macro_definition
    FROM system.main.duckdb_functions() WHERE NOT internal AND function_type IN ('macro', 'table_macro')
    AND {_HERE} ORDER BY ALL"""
_RELATIONS = f"""
    SELECT schema_name, table_name, NULL AS sql FROM system.main.duckdb_tables() WHERE NOT internal AND NOT temporary
    AND {_HERE}
    UNION ALL SELECT schema_name, view_name, sql FROM system.main.duckdb_views() WHERE NOT internal AND NOT temporary
    AND {_HERE}
    ORDER BY ALL"""
_REFERENCES = f"""
    SELECT schema_name, table_name, referenced_table FROM system.main.duckdb_constraints()
    WHERE constraint_type = 'FOREIGN KEY' AND {_HERE}"""


@dataclass(frozen=True, slots=True)
class Copied:
    """database: its name. statements: in no order that would always work. views: those among them."""

    database: str
    statements: tuple[str, ...]
    views: tuple[TableName, ...]


def read_parts(connection: duckdb.DuckDBPyConnection, tables: Iterable[TableName]) -> Copied:
    """All schemas, types, sequences and macros; of tables and views all, or what these tables are joined to.

    That is what foreign keys join them to, either way, the views that read any of it, and all that those read.
    """
    ((database,),) = connection.execute("SELECT system.main.current_database()").fetchall()
    relations = {TableName(*row[:2]): row[2] for row in connection.execute(_RELATIONS).fetchall()}
    if len(relations) > MANY:
        near = _near(connection, frozenset(tables), relations)
        relations = {table: sql for table, sql in relations.items() if table in near}
    made = read_structures(connection, [table for table, sql in relations.items() if sql is None])
    views = {table: sql for table, sql in relations.items() if sql is not None}
    statements = (
        *_surroundings(connection),
        *(statement for structure in made.values() for statement in structure),
        *views.values(),
    )
    return Copied(database, statements, tuple(views))


def _surroundings(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for (schema,) in connection.execute(_SCHEMAS).fetchall():
        yield f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"
    for name in [TableName(*row) for row in connection.execute(_TYPES).fetchall()]:
        ((whole,),) = connection.execute(f"SELECT system.main.typeof(CAST(NULL AS {name.sql}))").fetchall()
        yield f"CREATE TYPE {name.sql} AS {whole}"
    for schema, name, start, step, least, most, cycle in connection.execute(_SEQUENCES).fetchall():
        yield (
            f"CREATE SEQUENCE {TableName(schema, name).sql} INCREMENT BY {step} MINVALUE {least} MAXVALUE {most} "
            f"START {start} {'CYCLE' if cycle else 'NO CYCLE'}"
        )
    for schema, name, kind, parameters, definition in connection.execute(_MACROS).fetchall():
        named = ", ".join(map(quote, parameters))
        table = "TABLE " if kind == "table_macro" else ""
        yield f"CREATE MACRO {TableName(schema, name).sql}({named}) AS {table}{definition}"


def _near(
    connection: duckdb.DuckDBPyConnection, tables: frozenset[TableName], relations: Mapping[TableName, str | None]
) -> set[TableName]:
    """Names in the text of a view are taken for relations of any schema: too many do no harm."""
    joined: dict[TableName, set[TableName]] = defaultdict(set)
    for schema, name, referenced in connection.execute(_REFERENCES).fetchall():
        one, other = TableName(schema, name), TableName(schema, referenced)
        joined[one].add(other)
        joined[other].add(one)
    named: dict[str, set[TableName]] = defaultdict(set)
    for table in relations:
        named[fold(table.name)].add(table)
    reads = {
        view: {table for word in _words(sql) for table in named.get(word, ())}
        for view, sql in relations.items() if sql is not None
    }  # fmt: skip
    read_by: dict[TableName, set[TableName]] = defaultdict(set)
    for view, read in reads.items():
        for table in read - {view}:
            read_by[table].add(view)
    readers = _closure(_closure(set(tables), joined), read_by)
    return _closure(_closure(readers, reads), joined)


def _closure(start: set[TableName], edges: Mapping[TableName, set[TableName]]) -> set[TableName]:
    seen, waiting = set(start), list(start)
    while waiting:
        new = edges.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def _words(sql: str) -> set[str]:
    return {fold(name_of(token)) for token in tokens_of(sql) if token.kind in (TokenKind.WORD, TokenKind.QUOTED)}

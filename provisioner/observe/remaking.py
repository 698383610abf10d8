"""Whether tables could be made in another database than their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.declare.values import DEFAULT_SCHEMA, Sequence, TableName, fold, quote
from provisioner.observe.change_values import Shape
from provisioner.observe.ddl_text import create_indexes, create_sequence, create_table
from provisioner.observe.in_memory import open_in_memory
from provisioner.observe.prove import words_of

if TYPE_CHECKING:
    import duckdb


def find_unmakeable(shapes: Iterable[Shape], sequences: Iterable[Sequence]) -> dict[TableName, str]:
    """Tables that an empty database refuses, with DuckDB's words: they need macros or types that no manifest has.

    Of these shapes alone: neither views, which need what they read, nor what foreign keys refer to, is looked at.
    """
    refused = {}
    with open_in_memory() as connection:
        for one in sequences:
            _ensure_schema(connection, one.name)
            connection.execute(create_sequence(one))
        for shape in shapes:
            if shape.view is None and (words := _refusal(connection, replace(shape, foreign_keys=()))):
                refused[shape.table] = words
    return refused


def _refusal(connection: duckdb.DuckDBPyConnection, shape: Shape) -> str:
    import duckdb

    _ensure_schema(connection, shape.table)
    connection.execute("BEGIN")
    try:
        for statement in (create_table(shape), *create_indexes(shape)):
            connection.execute(statement)
    except duckdb.Error as error:
        return words_of(error)
    finally:
        connection.execute("ROLLBACK")
    return ""


def _ensure_schema(connection: duckdb.DuckDBPyConnection, name: TableName) -> None:
    if fold(name.schema) != DEFAULT_SCHEMA:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(name.schema)}")

"""Wants, units and files for the tests of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from provisioner.declare.values import Column, Place, TableKind, TableName
from provisioner.observe.values import Unit, UnitKind, Want

PLACE = Place("m.yaml", 1, 1)


def want(table: str = "t", kind: TableKind = TableKind.TABLE, /, **columns: str) -> Want:
    """A wanted relation; its columns as name=type."""
    declared = tuple(Column(column, type_, PLACE) for column, type_ in columns.items())
    return Want(TableName.parse(table), kind, declared)


def sql_unit(*wants: Want) -> Unit:
    return Unit("step", UnitKind.SQL, 0, wants, (), "f.sql", "step")


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def rows(connection: duckdb.DuckDBPyConnection, table: str = "t") -> list[tuple[Any, ...]]:
    return connection.execute(f"FROM {table}").fetchall()


def types(connection: duckdb.DuckDBPyConnection, table: str = "t") -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {table}").fetchall()}

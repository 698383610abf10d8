"""Real files and a real database in memory."""

import duckdb
import pytest

from provisioner.declare.values import Column, Place, TableKind, TableName
from provisioner.observe.values import Unit, UnitKind, Want

PLACE = Place("m.yaml", 1, 1)


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        connection.execute("BEGIN")
        yield connection


def want(table="t", kind=TableKind.TABLE, /, **columns):
    """A wanted relation; its columns as name=type."""
    declared = tuple(Column(column, type_, PLACE) for column, type_ in columns.items())
    return Want(TableName.parse(table), kind, declared)


def sql_unit(*wants):
    return Unit("step", UnitKind.SQL, 0, wants, (), "f.sql", "step")


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def rows(connection, table="t"):
    return connection.execute(f"FROM {table}").fetchall()


def types(connection, table="t"):
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {table}").fetchall()}

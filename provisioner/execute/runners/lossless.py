"""Casts that bend no value: DuckDB rounds 1.5 to 2 in silence wherever an integer is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb

from provisioner.declare.values import quote
from provisioner.observe.ddl_text import literal

INTEGERS = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]
)
Change = tuple[str, str, str]
"""A column, its type in the file and its declared type."""


def whole(name: str, type_: str) -> str:
    """SQL that casts a text column to an integer type, with an error where there is a fraction to lose."""
    column = quote(name)
    place = literal(f'" to {type_} in column {quote(name)}: it has a fraction')
    said = f"'Could not convert string \"' || {column} || {place}"
    return f"CASE WHEN {fraction(column)} THEN error({said}) ELSE CAST({column} AS {type_}) END"


def fraction(column: str) -> str:
    """SQL that is true where a text holds a number that is not whole. column: quoted."""
    number = f"TRY_CAST({column} AS DOUBLE)"
    return f"(contains({column}, '.') AND {number} <> trunc({number}))"


def find_bent(
    connection: duckdb.DuckDBPyConnection, source: str, values: list[Any], changes: Iterable[Change]
) -> tuple[Change, str] | None:
    """The first change that would lose something of a value, with such a value; None when all fit.

    source: SQL with parameters.
    """
    asked = [change for change in changes if change[2] != "VARCHAR"]
    if not asked:
        return None
    wanted = ", ".join(
        f"system.main.any_value(CAST({quote(change[0])} AS VARCHAR)) FILTER (WHERE {_bends(*change)})"
        for change in asked
    )
    row = connection.execute(f"SELECT {wanted} FROM {source}", values).fetchone()
    return next(((change, value) for change, value in zip(asked, row or (), strict=True) if value is not None), None)


def _bends(name: str, old: str, new: str) -> str:
    column = quote(name)
    if old != "VARCHAR":
        return f"TRY_CAST(TRY_CAST({column} AS {new}) AS {old}) IS DISTINCT FROM {column}"
    unreadable = f"({column} IS NOT NULL AND TRY_CAST({column} AS {new}) IS NULL)"
    return f"{unreadable} OR {fraction(column)}" if new in INTEGERS else unreadable

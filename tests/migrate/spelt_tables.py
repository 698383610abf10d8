"""The table of spellings as declared tables: one for each spelling, or all of a kind in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import duckdb
from spellings import (
    CHECKED,
    CHECKS,
    COLLATIONS,
    COMMENTS,
    DEFAULTS,
    GENERATED,
    INDEXES,
    NEED_MORE,
    NEW,
    OLD_FILES_LACK,
    OTHER_IN_2,
    TWO,
    TYPES,
    VIEWS,
)

from provisioner.declare.values import Column, Index, Place, Sequence, Table, TableName

PLACE = Place("shop.yaml", 1, 1)
SEQUENCES = tuple(Sequence(TableName.parse(name)) for name in ("ids", "Odd", "other.far", 'other."Far x"'))
Spelling = tuple[str, str]


def spelt() -> Iterator[tuple[Spelling, Table]]:
    """Each spelling by its kind and text, with a table of it alone, named `s` and a number."""
    told = (one for one in _all() if TWO or one[0] not in NEW)
    for number, (spelling, table) in enumerate(told):
        yield spelling, replace(table, name=TableName("main", f"s{number}"))


def together() -> tuple[Table, ...]:
    """A table for each kind but views, of all that a file of any format holds and no version reads otherwise."""
    found: dict[str, list[Table]] = {}
    for (kind, text), table in spelt():
        if table.sql is None and (kind, text) not in OLD_FILES_LACK + OTHER_IN_2:
            found.setdefault(kind, []).append(table)
    return tuple(_joined(kind, tables) for kind, tables in found.items())


def _joined(kind: str, tables: list[Table]) -> Table:
    base = tables[0].columns if kind in ("check", "index") else tables[0].columns[:-1]
    own = () if kind in ("check", "index") else tuple(table.columns[-1] for table in tables)
    return _table(
        *base,
        *(replace(column, name=f"x{number}") for number, column in enumerate(own)),
        name=TableName("main", f"{kind}s"),
        checks=tuple(check for table in tables for check in table.checks),
        indexes=tuple(index for table in tables for index in table.indexes),
        comment=tables[-1].comment,
    )


def _table(*columns: Column, **facts: Any) -> Table:
    return replace(Table(TableName("main", "t"), "one", PLACE, columns=columns), **facts)


def _column(name: str, kind: str, **facts: Any) -> Column:
    return replace(Column(name, kind, PLACE), **facts)


def _all() -> Iterator[tuple[Spelling, Table]]:
    for text in dict.fromkeys((*type_names(), *map(_odd_case, type_names()), *TYPES)):
        yield ("type", text), _table(_column("x", text))
    for kind, texts in DEFAULTS.items():
        for text in texts:
            yield ("default", f"{kind}: {text}"), _table(_column("x", kind, default=text))
    for text in CHECKS:
        yield ("check", text), _table(*checked(), checks=(text,))
    for text in GENERATED:
        own = _type_of(text)
        for kind in dict.fromkeys((own, "VARCHAR", *(["BIGINT"] if own == "INTEGER" else []))):
            yield ("generated", f"{kind}: {text}"), _table(*checked(), _column("x", kind, generated=text))
    for text in COLLATIONS:
        made = _column("x", "VARCHAR", collation=text, default="'x'", nullable=False)
        yield ("collation", text), _table(made)
    for text in COMMENTS:
        yield ("comment", text[:20]), _table(_column("x", "INT", comment=text), comment=text)
    for name, on in INDEXES.items():
        yield ("index", name), _table(*checked(), indexes=(Index(f"i {name}", tuple(on)),))
    for text in VIEWS:
        yield ("view", text), _table(sql=text)


@cache
def type_names() -> tuple[str, ...]:
    """Every name and alias of a type that this DuckDB tells of and that can stand alone."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT DISTINCT lower(type_name) FROM duckdb_types() ORDER BY 1").fetchall()
    return tuple(name for (name,) in found if name not in NEED_MORE)


def _odd_case(text: str) -> str:
    return "".join(letter.upper() if number % 2 else letter for number, letter in enumerate(text))


@cache
def checked() -> tuple[Column, ...]:
    """The columns that expressions are over."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({CHECKED})")
        return tuple(_column(name, kind) for name, kind, *_ in connection.execute("DESCRIBE t").fetchall())


@cache
def _type_of(text: str) -> str:
    """Of an expression over those columns."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({CHECKED})")
        found = connection.execute(f"SELECT typeof(({text}\n)) FROM (SELECT 1) LEFT JOIN t ON true").fetchall()
    return str(found[0][0])

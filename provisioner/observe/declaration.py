"""A declared table as the shape that it asks for, in its own words, and what DuckDB says against it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import duckdb

from provisioner.declare.values import Column, ForeignKey, Place, Table, TableKind, quote
from provisioner.errors import ManifestError, Problem
from provisioner.observe.change_values import ColumnShape, IndexShape, Shape
from provisioner.observe.expression import is_one_expression
from provisioner.observe.verbatim import as_sentence

CODE = "ddl_refused"
_CURES = {
    "default": "Write for example `default: 0`, `default: \"'new'\"` or `default: now()`.",
    "generated": "Write an expression over the table's other columns, for example `generated: price * amount`.",
    "check": "Write a condition over the row, for example `check: price > 0`.",
    "index": "Write the name of a column, or an expression in brackets, for example `(lower(name))`.",
    "sql": "Write one query, for example `sql: SELECT id, name FROM people`.",
}
_CURE = "Mend its declaration."
# In a check DuckDB takes it for a column of a table.
_DOTTED = re.compile(r"[^\W\d]\w*\.[^\W\d]")
_FIELD = "Write a condition over the row; a field of a struct in brackets, for example `check: size['width'] > 0`."
Attempt = Callable[[Shape], duckdb.Error | None]


def shape_of(table: Table, tables: Sequence[Table]) -> Shape:
    """As written. tables: all that are declared, for the keys that references leave to them."""
    if table.kind is TableKind.VIEW or table.sql is not None:
        return Shape(table.name, comment=table.comment or None, view=table.sql or "")
    keys = {one.name: one.primary_key for one in tables} if table.foreign_keys else {}
    return Shape(
        table.name,
        tuple(_column(column) for column in table.columns),
        table.primary_key,
        tuple(sorted(set(table.unique))),
        tuple(sorted({*table.checks, *(column.check for column in table.columns if column.check is not None)})),
        tuple(_foreign_key(key, keys.get(key.table, ())) for key in table.foreign_keys),
        tuple(IndexShape(one.name, tuple(map(_indexed, one.on)), one.unique) for one in table.indexes),
        table.comment or None,
    )


def find_faults(table: Table) -> Iterator[Problem]:
    """What is not exactly one SQL expression, or not exactly one query."""
    for place, name, kind, text in _expressions(table):
        if not is_one_expression(text):
            words = f"{name} has the {kind} `{text}`, expected one SQL expression."
            yield Problem(str(place), CODE, words, _CURES[kind])
    if table.sql is not None and (words := _fault_of_query(table.sql)):
        yield Problem(str(table.place), CODE, f"{table.name} cannot be a view: {words}", _CURES["sql"])


def refused(table: Table, shape: Shape, error: duckdb.Error, attempt: Attempt | None = None) -> Iterator[Problem]:
    """One problem for each part that DuckDB does not take by itself; one for the table where it takes each."""
    found = list(_refused_parts(table, shape, attempt)) if attempt else []
    yield from found or [Problem(str(table.place), CODE, f"{table.name} cannot be made: {as_sentence(error)}", _CURE)]


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raises ManifestError where there is any."""
    if found := tuple(problems):
        raise ManifestError(found)


def _refused_parts(table: Table, shape: Shape, attempt: Attempt) -> Iterator[Problem]:
    types = list(_refused_types(table, attempt))
    yield from types
    # What is over columns of unknown types cannot be judged.
    if not types:
        bare = tuple(replace(one, default=None, generated=None, collation="") for one in shape.columns)
        yield from _refused_columns(table, shape, bare, attempt)
        yield from _refused_expressions(table, shape, bare, attempt)


def _refused_types(table: Table, attempt: Attempt) -> Iterator[Problem]:
    for column in table.columns:
        if error := attempt(Shape(table.name, (ColumnShape(column.name, column.type),))):
            yield _problem(table, column, "type", column.type, error)


def _refused_columns(table: Table, shape: Shape, bare: tuple[ColumnShape, ...], attempt: Attempt) -> Iterator[Problem]:
    """Each with all that is its own, among others that have nothing of theirs."""
    for number, (column, made) in enumerate(zip(table.columns, shape.columns, strict=True)):
        if error := attempt(Shape(table.name, (*bare[:number], made, *bare[number + 1 :]))):
            told = (("generated", made.generated), ("default", made.default), ("collation", made.collation))
            kind, text = next(((kind, text) for kind, text in told if text), ("type", made.type))
            yield _problem(table, column, kind, text, error)


def _refused_expressions(
    table: Table, shape: Shape, bare: tuple[ColumnShape, ...], attempt: Attempt
) -> Iterator[Problem]:
    alone = Shape(table.name, bare)
    for column in table.columns:
        if column.check is not None and (error := attempt(replace(alone, checks=(column.check,)))):
            yield _problem(table, column, "check", column.check, error)
    for text in table.checks:
        if error := attempt(replace(alone, checks=(text,))):
            yield _problem(table, None, "check", text, error)
    for index in shape.indexes:
        if error := attempt(replace(alone, indexes=(index,))):
            yield _problem(table, None, "index", index.name, error)


def _problem(table: Table, column: Column | None, kind: str, text: str, error: duckdb.Error) -> Problem:
    place, name = (column.place, f"{table.name}.{column.name}") if column else (table.place, str(table.name))
    message = f"{name} has the {kind} `{text}`, which DuckDB refuses: {as_sentence(error)}"
    cure = _FIELD if kind == "check" and _DOTTED.search(text) else _CURES.get(kind, _CURE)
    return Problem(str(place), CODE, message, cure)


def _expressions(table: Table) -> Iterator[tuple[Place, str, str, str]]:
    """The place, whose it is, what it is, and the text."""
    for column in table.columns:
        for kind, text in (("default", column.default), ("generated", column.generated), ("check", column.check)):
            if text is not None:
                yield column.place, f"{table.name}.{column.name}", kind, text
    for text in table.checks:
        yield table.place, str(table.name), "check", text
    for index in table.indexes:
        for text in index.on:
            if text.startswith("("):
                yield table.place, f"{table.name}'s index {index.name}", "index", text


def _fault_of_query(sql: str) -> str:
    """As the view's own statement: that takes a query and nothing else, and another one behind it is seen."""
    try:
        statements = duckdb.extract_statements(f"CREATE VIEW v AS {sql}\n")
    except (duckdb.Error, RuntimeError) as error:
        return as_sentence(error)
    return "" if len(statements) == 1 else f"its sql is {len(statements)} statements, expected one query."


def _column(column: Column) -> ColumnShape:
    return ColumnShape(
        column.name,
        column.type,
        column.nullable,
        column.default,
        column.generated,
        column.collation or "",
        column.comment or None,
    )


def _foreign_key(key: ForeignKey, primary: tuple[str, ...]) -> ForeignKey:
    return key if key.references else replace(key, references=primary)


def _indexed(text: str) -> str:
    return text if text.startswith("(") else quote(text)

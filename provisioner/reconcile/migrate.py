"""Changes of a declared relation -> the ways of carrying them out, the cheapest first. Pure: SQL text, nothing run.

In place: ALTER, where a version of DuckDB does it in one transaction and can replay it after a crash. Else the table is
made anew (see rebuild.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from provisioner.declare.values import DEFAULT_SCHEMA, Sequence, Table, fold, quote
from provisioner.observe.change_values import Shape, Shapes
from provisioner.observe.ddl_text import (
    column_ddl,
    comment_on_column,
    comment_on_table,
    comments,
    create_indexes,
    create_sequence,
    create_statements,
    drop_index,
)
from provisioner.reconcile.change import Change, ChangeKind
from provisioner.reconcile.rebuild import find_loosened, rebuild
from provisioner.reconcile.values import Migration

# Behind these an ALTER leaves nothing that DuckDB could not replay, and several of them go in one transaction.
_TOGETHER = frozenset(
    {
        ChangeKind.RENAME_TABLE, ChangeKind.RENAME_COLUMN, ChangeKind.ADD_COLUMN, ChangeKind.DROP_COLUMN,
        ChangeKind.DEFAULT, ChangeKind.COMMENT,
    }
)  # fmt: skip
_ALONE = frozenset({ChangeKind.TYPE, ChangeKind.NOT_NULL})
_BESIDE = frozenset({ChangeKind.INDEX, ChangeKind.COMMENT})
_LITERAL = re.compile(r"""[+-]?\d+(?:\.\d+)?|'(?:[^']|'')*'|true|false|NULL""", re.IGNORECASE)


def create(want: Shape, sequences: Iterable[Sequence]) -> Migration:
    """What makes a relation that is not there."""
    return Migration(want, (*_prepare(want, sequences), *create_statements(want)))


def find_ways(
    declared: Table, shapes: Shapes, changes: tuple[Change, ...], sequences: Iterable[Sequence], *, lossy: bool
) -> tuple[Migration, ...]:
    """Ways of making the changes, the one that costs least first. lossy: whether a value does not fit its new type."""
    have = shapes.have
    assert have is not None
    before = tuple(_prepare(shapes.want, sequences))
    if shapes.want.view is not None or have.view is not None:
        return (Migration(shapes.want, (*before, *_replace_view(shapes)), old=shapes.old),)
    ways = list[Migration]()
    if _fits_in_place(declared, shapes, changes) and not lossy:
        rewrites = any(change.kind is ChangeKind.TYPE for change in changes)
        ways.append(Migration(shapes.want, (*before, *_alter(shapes, changes)), rewrites, old=shapes.old))
    statements, again = rebuild(declared, shapes)
    carried, loosened = tuple(child.have.table for child in shapes.children), find_loosened(declared, shapes)
    ways.append(Migration(shapes.want, (*before, *statements), True, carried, loosened, shapes.old, again))
    return tuple(ways)


def _prepare(want: Shape, sequences: Iterable[Sequence]) -> Iterator[str]:
    if fold(want.table.schema) != DEFAULT_SCHEMA:
        yield f"CREATE SCHEMA IF NOT EXISTS {quote(want.table.schema)}"
    if any("nextval" in fold(text or "") for text in (want.view, *(column.default for column in want.columns))):
        for one in sequences:
            if fold(one.name.schema) != DEFAULT_SCHEMA:
                yield f"CREATE SCHEMA IF NOT EXISTS {quote(one.name.schema)}"
            yield create_sequence(one)


def _replace_view(shapes: Shapes) -> Iterator[str]:
    assert shapes.have is not None
    # One that cannot be read, as after a death between it and what it shows, is not in the copy for rehearsals.
    yield f"DROP VIEW IF EXISTS {shapes.have.table.sql}"
    yield from create_statements(shapes.want)


def _fits_in_place(declared: Table, shapes: Shapes, changes: tuple[Change, ...]) -> bool:
    have, kinds = shapes.have, {change.kind for change in changes}
    assert have is not None
    if kinds <= _BESIDE:
        return True
    # DuckDB alters no table with an index, not even when the index goes first in the same transaction. And the tables
    # that a renamed one refers to would go on looking for it under its old name.
    if have.indexes or shapes.want.indexes or shapes.children:
        return False
    if shapes.old is not None and (have.foreign_keys or fold(shapes.old.schema) != fold(shapes.want.table.schema)):
        return False
    filled = {fold(column.name) for column in declared.columns if column.backfill is not None}
    if any(fold(change.column) in filled for change in changes):
        return False
    alone = len(changes) == 1 and kinds <= _ALONE
    return (alone or kinds <= _TOGETHER) and all(map(_is_plain, changes))


def _is_plain(change: Change) -> bool:
    """Whether DuckDB can replay it: what calls a function is evaluated when it is, and finds none there."""
    has = change.has
    if change.kind is ChangeKind.ADD_COLUMN:
        assert has is not None
        return has.generated is None and has.nullable and _is_literal(has.default)
    if change.kind is ChangeKind.DEFAULT:
        assert has is not None
        return _is_literal(has.default)
    return True


def _is_literal(text: str | None) -> bool:
    return text is None or _LITERAL.fullmatch(text) is not None


def _alter(shapes: Shapes, changes: tuple[Change, ...]) -> Iterator[str]:
    """The new name first, for all that follow; then columns, indexes and comments."""
    want, have = shapes.want, shapes.have
    assert have is not None
    if shapes.old is not None:
        yield f"ALTER TABLE {shapes.old.sql} RENAME TO {quote(want.table.name)}"
    for change in sorted(changes, key=lambda one: _ORDER.index(one.kind) if one.kind in _ORDER else len(_ORDER)):
        if statement := _alter_column(f"ALTER TABLE {want.table.sql}", change):
            yield statement
    yield from _index_again(want, have)
    yield from _comment_again(want, have, changes)


# A name may be free only once another column has left it.
_ORDER = (ChangeKind.DROP_COLUMN, ChangeKind.RENAME_COLUMN, ChangeKind.ADD_COLUMN)


def _alter_column(table: str, change: Change) -> str:
    had, has, column = change.had, change.has, quote(change.column)
    if change.kind is ChangeKind.DROP_COLUMN:
        return f"{table} DROP COLUMN {column}"
    if change.kind is ChangeKind.RENAME_COLUMN and had:
        return f"{table} RENAME COLUMN {quote(had.name)} TO {column}"
    if has is None:
        return ""
    return {
        ChangeKind.ADD_COLUMN: f"{table} ADD COLUMN {column_ddl(has)}",
        ChangeKind.TYPE: f"{table} ALTER COLUMN {column} SET DATA TYPE {has.type}",
        ChangeKind.NOT_NULL: f"{table} ALTER COLUMN {column} {'DROP' if has.nullable else 'SET'} NOT NULL",
        ChangeKind.DEFAULT: f"{table} ALTER COLUMN {column} "
        + ("DROP DEFAULT" if has.default is None else f"SET DEFAULT {has.default}"),
    }.get(change.kind, "")


def _index_again(want: Shape, have: Shape) -> Iterator[str]:
    wanted, found = set(want.indexes), set(have.indexes)
    for index in sorted(found - wanted, key=lambda one: one.name):
        yield drop_index(index, have.table)
    yield from create_indexes(replace(want, indexes=tuple(sorted(wanted - found, key=lambda one: one.name))))


def _comment_again(want: Shape, have: Shape, changes: tuple[Change, ...]) -> Iterator[str]:
    """Where a comment differs, the ones there are to be are all written, and the ones that are not are taken away."""
    if not any(change.kind in (ChangeKind.COMMENT, ChangeKind.ADD_COLUMN) for change in changes):
        return
    yield from comments(want)
    if have.comment and not want.comment:
        yield comment_on_table(want.table, None)
    for change in changes:
        if change.kind is ChangeKind.COMMENT and change.has and not change.has.comment:
            yield comment_on_column(want.table, change.has.name, None)

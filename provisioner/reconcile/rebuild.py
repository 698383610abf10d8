"""A table made anew with its rows, where ALTER does not do: SQL text, nothing run. Pure.

It is made beside the old one, filled from it, counted, and takes its place. Where foreign keys lead to it or away
from it its rows are laid aside, with those of its children, and all are made anew under their own names: DuckDB neither
drops nor renames a table that others refer to, and where it renames one that refers to others, these can lose no row
any more, since they go on looking for it under its old name.

A key of a child that no longer fits, since a column that it refers to has another type or is no key any more, is left
out where the manifest has another one: the child's own change, which comes after, makes that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from provisioner.declare.values import ForeignKey, Table, TableName, fold, quote
from provisioner.observe.change_values import Child, ColumnShape, Shape, Shapes, Structure
from provisioner.observe.ddl_text import bracketed, comments, create_indexes, create_table, literal
from provisioner.reconcile.pairing import pair_columns

_NEW, _KEPT, _WAITING = "__provision_new", "__provision_kept", "__provision_waiting"


def rebuild(declared: Table, shapes: Shapes) -> tuple[Structure, frozenset[str]]:
    """The statements, and those of them that are carried out again (see `Migration.again`)."""
    assert shapes.have is not None
    if shapes.children or shapes.want.foreign_keys or shapes.have.foreign_keys:
        statements = tuple(_under_own_names(declared, shapes))
        return statements, frozenset(one for one in statements if one.startswith("DELETE "))
    return tuple(_beside(declared, shapes)), frozenset()


def find_loosened(declared: Table, shapes: Shapes) -> tuple[TableName, ...]:
    """The children that come back with fewer foreign keys."""
    children = ((child.have, _follow(child, declared, shapes)) for child in shapes.children)
    return tuple(had.table for had, has in children if len(has.foreign_keys) < len(had.foreign_keys))


def values_of(declared: Table, shapes: Shapes) -> dict[str, str]:
    """What each column takes from a row as it is, by its declared name, as SQL; what takes its default is absent.

    A value that its new type cannot hold becomes NULL: that is lossy_type, and asked about.
    """
    paired, found = pair_columns(declared, shapes), {}
    backfills = {fold(column.name): column.backfill for column in declared.columns}
    for column in shapes.want.columns:
        if column.generated is not None:
            continue
        had, backfill = paired.get(fold(column.name)), backfills.get(fold(column.name))
        if had is not None:
            found[column.name] = _filled(_converted(had, column), backfill)
        elif backfill is not None:
            found[column.name] = bracketed(backfill)
    return found


def _converted(had: ColumnShape, has: ColumnShape) -> str:
    return quote(had.name) if had.type == has.type else f"TRY_CAST({quote(had.name)} AS {has.type})"


def _filled(value: str, backfill: str | None) -> str:
    return value if backfill is None else f"coalesce({value}, {bracketed(backfill)})"


def _beside(declared: Table, shapes: Shapes) -> Iterator[str]:
    """The new table beside the old one, which goes when the new one holds its rows."""
    want, old = shapes.want, shapes.have
    assert old is not None
    new = _beside_it(want.table, _NEW)
    yield create_table(want, new)
    yield _fill(new, old.table, old.table.sql, values_of(declared, shapes))
    yield _compare(old.table, new)
    yield f"DROP TABLE {old.table.sql}"
    yield f"ALTER TABLE {new.sql} RENAME TO {quote(want.table.name)}"
    yield from create_indexes(want)
    yield from comments(want)


def _under_own_names(declared: Table, shapes: Shapes) -> Iterator[str]:
    """All rows aside, all tables gone, and back in the order of their references."""
    want, have = shapes.want, shapes.have
    assert have is not None
    children = [_follow(child, declared, shapes) for child in shapes.children]
    for table in (*(child.table for child in reversed(children)), have.table):
        yield f"CREATE TABLE {_kept(table).sql} AS FROM {table.sql}"
        yield f"DROP TABLE {table.sql}"
    yield from _put_back(want, have.table, values_of(declared, shapes))
    for child in children:
        values = {column.name: quote(column.name) for column in child.columns if column.generated is None}
        yield from _put_back(child, child.table, values)


def _put_back(shape: Shape, old: TableName, values: dict[str, str]) -> Iterator[str]:
    kept = _kept(old)
    rows = f"{kept.sql} AS {quote(old.name)}"  # a backfill may name the table
    yield create_table(shape)
    if _refers_to_itself(shape):
        yield from _fill_in_order(shape, old, rows, values)
    else:
        yield _fill(shape.table, old, rows, values)
    yield _compare(kept, shape.table)
    yield f"DROP TABLE {kept.sql}"
    yield from create_indexes(shape)
    yield from comments(shape)


def _kept(table: TableName) -> TableName:
    return _beside_it(table, _KEPT)


def _beside_it(table: TableName, ending: str) -> TableName:
    return TableName(table.schema, table.name + ending)


def _follow(child: Child, declared: Table, shapes: Shapes) -> Shape:
    """The child with its references under the new names, and without those that its own change puts right."""
    assert shapes.have is not None
    here, names = shapes.have.table, {fold(old.name): new for new, old in pair_columns(declared, shapes).items()}

    def follow(key: ForeignKey) -> ForeignKey:
        if key.table != here:
            return key
        references = tuple(names.get(fold(name), name) for name in key.references)
        return replace(key, table=shapes.want.table, references=references)

    followed = map(follow, child.have.foreign_keys)
    return replace(
        child.have, foreign_keys=tuple(k for k in followed if child.want is None or _fits(k, child.have, shapes.want))
    )


def _fits(key: ForeignKey, child: Shape, parent: Shape) -> bool:
    """Whether DuckDB would take it: what it refers to is a key, and the types are the same."""
    if key.table != parent.table:
        return True
    theirs, ours = ({fold(one.name): one.type for one in shape.columns} for shape in (parent, child))
    references = tuple(map(fold, key.references))
    keys = (tuple(map(fold, one)) for one in (parent.key, *parent.unique))
    return references in keys and all(
        theirs[there] == ours[fold(here)] for there, here in zip(references, key.columns, strict=True)
    )


def _refers_to_itself(shape: Shape) -> bool:
    return any(key.table == shape.table for key in shape.foreign_keys)


def _fill(new: TableName, old: TableName, rows: str, values: dict[str, str]) -> str:
    """A row of which nothing would be left is not made. rows: what stands behind FROM for those of the old table."""
    if not values:
        words = literal(f"nothing of a row of {old.name} is left in {new.name}")
        return f"SELECT CASE WHEN EXISTS (FROM {rows}) THEN system.main.error({words}) ELSE true END"
    columns, selected = ", ".join(map(quote, values)), ", ".join(values.values())
    return f"INSERT INTO {new.sql} ({columns}) SELECT {selected} FROM {rows}"


def _fill_in_order(shape: Shape, old: TableName, rows: str, values: dict[str, str]) -> Iterator[str]:
    """DuckDB takes no row that refers to one of the same statement: so a row waits while its parent waits."""
    own = [key for key in shape.foreign_keys if key.table == shape.table]
    if not all(name in values for key in own for name in (*key.columns, *key.references)):
        yield _fill(shape.table, old, rows, values)
        return
    waiting, columns = _beside_it(shape.table, _WAITING), ", ".join(map(quote, values))
    types = {column.name: column.type for column in shape.columns}
    selected = ", ".join(f"CAST({value} AS {types[name]}) AS {quote(name)}" for name, value in values.items())
    blocked = " OR ".join(f"({refers(key)})" for key in own)
    ready = f"FROM {waiting.sql} AS child WHERE NOT EXISTS (FROM {waiting.sql} AS parent WHERE {blocked})"
    yield f"CREATE TABLE {waiting.sql} AS SELECT {selected} FROM {rows}"
    yield f"INSERT INTO {shape.table.sql} ({columns}) SELECT {columns} {ready}"
    yield f"DELETE {ready}"
    words = literal(f"rows of {shape.table.name} refer to themselves, or to each other in a circle")
    yield f"SELECT CASE WHEN EXISTS (FROM {waiting.sql}) THEN system.main.error({words}) ELSE true END"
    yield f"DROP TABLE {waiting.sql}"


def refers(key: ForeignKey) -> str:
    """The condition under which a row `child` refers to a row `parent` by that key."""
    pairs = zip(key.references, key.columns, strict=True)
    return " AND ".join(f"parent.{quote(theirs)} = child.{quote(ours)}" for theirs, ours in pairs)


def _compare(old: TableName, new: TableName) -> str:
    words = literal(f"{new.name} does not hold as many rows as {old.name} did")
    counted = "(SELECT system.main.count_star() FROM {})"
    return (
        f"SELECT CASE WHEN {counted.format(old.sql)} = {counted.format(new.sql)} "
        f"THEN true ELSE system.main.error({words}) END"
    )

"""Two shapes of a declared relation -> what differs between them. Pure; the shapes are spelt by one engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioner.declare.values import ForeignKey, Table, fold
from provisioner.observe.change_values import ColumnShape, IndexShape, Shape, Shapes
from provisioner.reconcile.change import Change, ChangeKind
from provisioner.reconcile.pairing import pair_columns, rename_in, under_new_names
from provisioner.reconcile.wording import in_brackets


def find_changes(declared: Table, shapes: Shapes) -> tuple[Change, ...]:
    """Every difference, table first, then column by column, then constraints; none where it is to be made anew."""
    want, have = shapes.want, shapes.have
    if have is None or have == want:
        return ()
    if want.view is not None or have.view is not None:
        return tuple(_of_view(want, have, shapes))
    paired = pair_columns(declared, shapes)
    return (
        *_of_name(shapes),
        *_of_columns(want, have, paired),
        *_of_order(declared, want, have, paired),
        *_of_constraints(want, under_new_names(have, paired)),
        *_of_indexes(want, under_new_names(have, paired)),
        *_of_comment(want, have),
    )


def _of_view(want: Shape, have: Shape, shapes: Shapes) -> Iterator[Change]:
    yield from _of_name(shapes)
    if want.view != have.view:
        yield Change(ChangeKind.QUERY, "its query is another one")
    yield from _of_comment(want, have)


def _of_name(shapes: Shapes) -> Iterator[Change]:
    if shapes.old is not None:
        yield Change(ChangeKind.RENAME_TABLE, f"is still called {shapes.old}")


def _of_columns(want: Shape, have: Shape, paired: Mapping[str, ColumnShape]) -> Iterator[Change]:
    own = {fold(column.name): fold(column.name) for column in want.columns}
    names = own | {fold(old.name): new for new, old in paired.items()}
    kept = {fold(column.name) for column in paired.values()}
    lost = [column for column in have.columns if fold(column.name) not in kept]
    for column in want.columns:
        had = paired.get(fold(column.name))
        if had is None:
            hint = _hint(column, lost)
            yield Change(ChangeKind.ADD_COLUMN, f"has no column {column.name}{hint}", column.name, None, column)
        else:
            differs = _plainly(column.generated, own) != _plainly(had.generated, names)
            yield from _of_column(column, had, generated_differs=differs)
    for column in lost:
        fact = f"has a column {column.name} that is not declared"
        yield Change(ChangeKind.DROP_COLUMN, fact, column.name, column)


def _hint(column: ColumnShape, lost: Iterable[ColumnShape]) -> str:
    """One that goes and one that comes, alike but for the name: was it renamed?"""
    alike = [
        one.name for one in lost if one.type == column.type and (one.generated is None) == (column.generated is None)
    ]
    return f" (if {alike[0]} is meant, say `renamed_from: {alike[0]}`)" if alike else ""


def _plainly(text: str | None, names: Mapping[str, str]) -> str | None:
    return None if text is None else rename_in(text, names)


def _of_column(want: ColumnShape, have: ColumnShape, *, generated_differs: bool) -> Iterator[Change]:
    def change(kind: ChangeKind, fact: str) -> Change:
        return Change(kind, fact, want.name, have, want)

    if fold(want.name) != fold(have.name):
        yield change(ChangeKind.RENAME_COLUMN, f"{want.name} is still called {have.name}")
    if want.type != have.type:
        yield change(ChangeKind.TYPE, f"{want.name} is {have.type}, wanted is {want.type}")
    if want.collation != have.collation:
        words = f"{have.collation or 'none'}, wanted is {want.collation or 'none'}"
        yield change(ChangeKind.COLLATION, f"the collation of {want.name} is {words}")
    if generated_differs:
        words = f"{_sql(have.generated)}, wanted is {_sql(want.generated)}"
        yield change(ChangeKind.GENERATED, f"{want.name} is generated from {words}")
    if want.nullable != have.nullable:
        words = "nullable, wanted is not null" if have.nullable else "not null, wanted is nullable"
        yield change(ChangeKind.NOT_NULL, f"{want.name} is {words}")
    if want.default != have.default:
        words = f"{_sql(have.default)}, wanted is {_sql(want.default)}"
        yield change(ChangeKind.DEFAULT, f"the default of {want.name} is {words}")
    if (want.comment or None) != (have.comment or None):
        yield change(ChangeKind.COMMENT, f"{want.name} has another comment")


def _sql(text: str | None) -> str:
    return "none" if text is None else text


def _of_order(declared: Table, want: Shape, have: Shape, paired: Mapping[str, ColumnShape]) -> Iterator[Change]:
    if not declared.strict_order:
        return
    names = {fold(old.name): new for new, old in paired.items()}
    now = [names[fold(column.name)] for column in have.columns if fold(column.name) in names]
    new = [fold(column.name) for column in want.columns if fold(column.name) not in paired]
    # What is added without a rebuild stands last.
    if [*now, *new] != [fold(column.name) for column in want.columns]:
        order = ", ".join(column.name for column in want.columns)
        yield Change(ChangeKind.ORDER, f"its columns stand in another order than {order}")


def _of_constraints(want: Shape, have: Shape) -> Iterator[Change]:
    if _folded(want.key) != _folded(have.key):
        words = f"{in_brackets(have.key)}, wanted is {in_brackets(want.key)}"
        yield Change(ChangeKind.KEY, f"primary key is {words}")
    yield from _of_sets(ChangeKind.UNIQUE, "unique", dict.fromkeys(_keys(want)), _keys(have))
    yield from _of_checks(want, have)
    referring = {say_reference(key): key for key in want.foreign_keys}
    yield from _of_sets(ChangeKind.FOREIGN_KEY, "foreign key", referring, set(map(say_reference, have.foreign_keys)))


def _of_sets(
    kind: ChangeKind, word: str, wanted: Mapping[str, str | ForeignKey | None], found: set[str]
) -> Iterator[Change]:
    """wanted: what is declared, by its words. found: the words of what is there."""
    for one in sorted(wanted.keys() - found):
        yield Change(kind, f"has no {word} {one}", missing=wanted[one])
    yield from (Change(kind, f"has a {word} {one} that is not declared") for one in sorted(found - wanted.keys()))


def _of_checks(want: Shape, have: Shape) -> Iterator[Change]:
    """Compared with every column in quotes, and told as they are written."""
    own = {fold(column.name): fold(column.name) for column in want.columns}
    wanted = {rename_in(check, own): check for check in want.checks}
    found = {rename_in(check, own): check for check in have.checks}
    yield from _of_sets(
        ChangeKind.CHECK,
        "check",
        {check: check for key, check in wanted.items() if key not in found},
        {check for key, check in found.items() if key not in wanted},
    )


def _keys(shape: Shape) -> set[str]:
    return {in_brackets(_folded(key)) for key in shape.unique}


def _folded(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(fold, names))


def say_reference(key: ForeignKey) -> str:
    """As a person reads it; two that mean the same read the same."""
    return f"({', '.join(_folded(key.columns))}) references {key.table} ({', '.join(_folded(key.references))})"


def _of_indexes(want: Shape, have: Shape) -> Iterator[Change]:
    own = {fold(column.name): fold(column.name) for column in want.columns}
    wanted, found = ({fold(one.name): one for one in shape.indexes} for shape in (want, have))
    for name in sorted({*wanted, *found}):
        if name not in found:
            yield Change(ChangeKind.INDEX, f"has no index {wanted[name].name}", wanted[name].name)
        elif name not in wanted:
            yield Change(ChangeKind.INDEX, f"has an index {found[name].name} that is not declared", found[name].name)
        elif _of_index(wanted[name], own) != _of_index(found[name], own):
            yield Change(ChangeKind.INDEX, f"its index {found[name].name} is on something else", found[name].name)


def _of_index(index: IndexShape, own: Mapping[str, str]) -> tuple[tuple[str, ...], bool]:
    return tuple(rename_in(one, own) for one in index.on), index.unique


def _of_comment(want: Shape, have: Shape) -> Iterator[Change]:
    if (want.comment or None) != (have.comment or None):
        yield Change(ChangeKind.COMMENT, "has another comment")

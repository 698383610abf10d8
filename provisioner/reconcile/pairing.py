"""Which column there is becomes which declared one, and what a shape reads like under the new names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from provisioner.declare.values import Table, fold, quote
from provisioner.observe.change_values import ColumnShape, Shape, Shapes

# Texts, quoted names and bare words of an SQL expression.
_WORDS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+""")


def pair_columns(declared: Table, shapes: Shapes) -> dict[str, ColumnShape]:
    """Which column there is becomes which declared one, by its folded name; declared ones that are new are absent."""
    have = {fold(column.name): column for column in (shapes.have.columns if shapes.have else ())}
    wanted = {fold(column.name) for column in declared.columns}
    paired = {name: have[name] for name in wanted if name in have}
    for column in declared.columns:
        earlier = (have[fold(name)] for name in column.renamed_from if fold(name) in have and fold(name) not in wanted)
        if fold(column.name) not in paired and (found := next(earlier, None)):
            paired[fold(column.name)] = found
    return paired


def find_ambiguous(declared: Table, shapes: Shapes) -> tuple[str, ...]:
    """Where a new name and an earlier one are both there, in words: which one holds the rows is not ours to guess."""
    facts = [f"has a relation {shapes.both} beside it, which is its earlier name"] if shapes.both else []
    renamed = [column for column in declared.columns if column.renamed_from]
    have = {fold(column.name) for column in shapes.have.columns} if renamed and shapes.have else set()
    for column in renamed:
        names = [name for name in (column.name, *column.renamed_from) if fold(name) in have]
        if len(names) > 1:
            facts.append(f"has both {' and '.join(names)}, which are names of one column")
    return tuple(facts)


def under_new_names(have: Shape, paired: Mapping[str, ColumnShape]) -> Shape:
    """The constraints and indexes as they will be called once the columns have their new names."""
    names = {fold(old.name): new for new, old in paired.items()}

    def column(name: str) -> str:
        return names.get(fold(name), fold(name))

    def expression(text: str) -> str:
        return rename_in(text, names)

    return replace(
        have,
        key=tuple(map(column, have.key)),
        unique=tuple(tuple(map(column, key)) for key in have.unique),
        checks=tuple(map(expression, have.checks)),
        foreign_keys=tuple(replace(key, columns=tuple(map(column, key.columns))) for key in have.foreign_keys),
        indexes=tuple(replace(index, on=tuple(map(expression, index.on))) for index in have.indexes),
    )


def rename_in(expression: str, names: Mapping[str, str]) -> str:
    """The expression with its columns, in quotes, under other names. names: folded, old to new."""

    def name(found: re.Match[str]) -> str:
        word = found[0]
        plain = word[1:-1].replace('""', '"') if word.startswith('"') else word
        new = names.get(fold(plain)) if not word.startswith("'") else None
        return word if new is None else quote(new)

    return _WORDS.sub(name, expression)

"""What of a database a manifest has words for; the rest is told of by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from provisioner.declare.bounds import LIMIT_ENTRIES, LIMIT_KEY, LIMIT_TEXT
from provisioner.declare.values import Sequence, TableName
from provisioner.declare.visible import first_hidden
from provisioner.observe.change_values import Shape
from provisioner.observe.inventory import Inventory, LeftOut
from provisioner.reconcile.drift import LEFTOVERS
from provisioner.report.manifest_text import name_text

# As the manifest's schema has it of every name and type.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FARTHEST = 9_000_000_000_000_000_000


def keep_expressible(inventory: Inventory) -> Inventory:
    """The inventory without names and numbers that a manifest cannot hold."""
    far = [one for one in inventory.sequences if _is_out_of_reach(one)]
    told = (LeftOut(f"sequence {one.name}", "its name or numbers are none of a manifest's") for one in far)
    sequences = tuple(one for one in inventory.sequences if one not in far)
    rest = replace(inventory, sequences=sequences, left_out=(*told, *inventory.left_out))
    return leave_out(rest, {shape.table: why for shape in inventory.shapes if (why := next(_faults(shape), ""))})


def leave_out(inventory: Inventory, refused: Mapping[TableName, str]) -> Inventory:
    """The inventory without these, nor what refers to them. refused: why each cannot be declared."""
    refused = dict(refused)
    while more := _that_refer_to(refused, inventory.shapes):
        refused |= more
    kinds = {shape.table: "table" if shape.view is None else "view" for shape in inventory.shapes}
    told = (LeftOut(f"{kinds[table]} {table}", why) for table, why in sorted(refused.items()))
    shapes = tuple(shape for shape in inventory.shapes if shape.table not in refused)
    return replace(inventory, shapes=shapes, left_out=(*told, *inventory.left_out))


def _that_refer_to(refused: Mapping[TableName, str], shapes: tuple[Shape, ...]) -> dict[TableName, str]:
    return {
        shape.table: f"it refers to {key.table}, which is left out"
        for shape in shapes
        for key in shape.foreign_keys
        if key.table in refused and shape.table not in refused
    }


def _faults(shape: Shape) -> Iterator[str]:
    if shape.table.name.endswith(LEFTOVERS):
        yield "a run of dbt that died left it"
    names = [name_text(shape.table), *(one.name for one in shape.columns), *(one.name for one in shape.indexes)]
    if any(map(_CONTROL.search, names)):
        yield "a name in it holds control characters"
    if any(map(first_hidden, names)):
        yield "a name in it holds characters that nobody sees"
    if any(len(name) > LIMIT_KEY for name in names):
        yield f"a name in it has more than {LIMIT_KEY:,} characters"
    for column in shape.columns:
        if _CONTROL.search(column.type):
            yield f"the type of {column.name} holds control characters"
    for index in shape.indexes:
        if any(map(_CONTROL.search, index.on)):
            yield f"index {index.name} holds control characters"
        if len(set(index.on)) < len(index.on):
            yield f"index {index.name} names something twice"
    if any(len(text) > LIMIT_TEXT for text in _texts(shape)):
        yield f"a text in it has more than {LIMIT_TEXT:,} characters"
    if len(shape.columns) > LIMIT_ENTRIES:
        yield f"it has more than {LIMIT_ENTRIES:,} columns"


def _texts(shape: Shape) -> Iterator[str]:
    yield from (shape.view or "", shape.comment or "", *shape.checks)
    for column in shape.columns:
        yield from (column.type, column.default or "", column.generated or "", column.comment or "")
    yield from (part for index in shape.indexes for part in index.on)


def _is_out_of_reach(one: Sequence) -> bool:
    far, name = max(abs(one.start), abs(one.increment)) > _FARTHEST, name_text(one.name)
    return far or bool(_CONTROL.search(name) or first_hidden(name)) or len(name) > LIMIT_KEY

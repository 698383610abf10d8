"""What of a database a manifest has words for; the rest is told of by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from provisioner.declare.values import Sequence, TableName
from provisioner.observe.change_values import Shape
from provisioner.observe.inventory import Inventory, LeftOut
from provisioner.reconcile.drift import LEFTOVERS

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
    names = [*shape.table.key, *(column.name for column in shape.columns), *(index.name for index in shape.indexes)]
    if any(map(_CONTROL.search, names)):
        yield "a name in it holds control characters"
    for column in shape.columns:
        if _CONTROL.search(column.type):
            yield f"the type of {column.name} holds control characters"
    for index in shape.indexes:
        if any(map(_CONTROL.search, index.on)):
            yield f"index {index.name} holds control characters"
        if len(set(index.on)) < len(index.on):
            yield f"index {index.name} names something twice"


def _is_out_of_reach(one: Sequence) -> bool:
    far = max(abs(one.start), abs(one.increment)) > _FARTHEST
    return far or any(map(_CONTROL.search, one.name.key))

"""Declared relations, as they are and as they are to be, spelt by one engine so that they can be compared.

What was stamped and has not changed since, on either side, is not compared at all: no other spelling, by another
version or after a reopening, makes a difference of it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.declare.values import TableName
from provisioner.observe.change_values import Child, Shape, Shapes
from provisioner.observe.scratch import Scratch
from provisioner.observe.shape import digest_of_shape, read_family, read_shapes
from provisioner.observe.values import Catalog, Graph, Unit, UnitKind, Want

if TYPE_CHECKING:
    import duckdb

# The earlier names under which a relation is there.
Earlier = Mapping[TableName, tuple[TableName, ...]]


def declared_units(graph: Graph) -> list[Unit]:
    return [unit for unit in graph.units.values() if unit.kind is UnitKind.DECLARED]


def find_shapes(
    connection: duckdb.DuckDBPyConnection | None, graph: Graph, catalog: Catalog
) -> dict[TableName, Shapes]:
    """Of every declared relation that may not be as it was when it was stamped. connection: None without a database.

    Raises ManifestError for a declaration that DuckDB refuses.
    """
    units = declared_units(graph)
    if not units:
        return {}
    wanted = graph.makers().keys()
    named = {unit.wants[0].table: tuple(_earlier(unit.wants[0], catalog, wanted)) for unit in units}
    there = [table for table in named if table in catalog.relations]
    raw = read_shapes(connection, [*there, *(old for olds in named.values() for old in olds)]) if connection else {}
    doubtful = [unit for unit in units if named[unit.wants[0].table] or not _is_as_stamped(unit, catalog, raw)]
    if not doubtful:
        return {}
    with Scratch() as scratch:
        tables = [unit.wants[0].declaration for unit in doubtful]
        spelt = scratch.spell_declared([table for table in tables if table], graph.sequences)
        asked = {table for unit in doubtful for table in (unit.wants[0].table, *named[unit.wants[0].table])}
        live = {table: shape for table, shape in raw.items() if table in asked}
        # What is spelt alike already is spelt by the same engine.
        have = live | scratch.respell_all(shape for table, shape in live.items() if shape != spelt.get(table))
    found = {unit.wants[0].table: _shapes(unit.wants[0].table, spelt, have, named) for unit in doubtful}
    return _with_children(connection, found)


def _earlier(want: Want, catalog: Catalog, wanted: Container[TableName]) -> Iterator[TableName]:
    """Relations under names that it had; one that the manifest declares by itself is not meant."""
    assert want.declaration is not None
    for old in want.declaration.renamed_from:
        if old in catalog.relations and old not in wanted:
            yield old


def _is_as_stamped(unit: Unit, catalog: Catalog, raw: Mapping[TableName, Shape]) -> bool:
    table = unit.wants[0].table
    stamp, shape = catalog.stamps.get(table), raw.get(table)
    if stamp is None or shape is None or not stamp.shape:
        return False
    return stamp.parts.definition == unit.definition and stamp.shape == digest_of_shape(shape)


def _shapes(
    table: TableName, spelt: Mapping[TableName, Shape], have: Mapping[TableName, Shape], named: Earlier
) -> Shapes:
    here = have.get(table)
    old = next(iter(named[table]), None)
    if here is not None or old is None:
        return Shapes(spelt[table], here, both=old)
    return Shapes(spelt[table], have.get(old), old)


def _with_children(
    connection: duckdb.DuckDBPyConnection | None, found: dict[TableName, Shapes]
) -> dict[TableName, Shapes]:
    tables = {shapes.have.table: table for table, shapes in found.items() if shapes.have and shapes.have.view is None}
    if connection is None or not tables:
        return found
    families = read_family(connection, tables)
    wants = {old: found[table].want for old, table in tables.items()}
    return found | {
        tables[old]: replace(found[tables[old]], children=tuple(Child(one, wants.get(one.table)) for one in family))
        for old, family in families.items()
    }

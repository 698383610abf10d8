"""One look at the live database: what there is, and of declared relations all that a plan must know before it may
change them: how they differ, what their rows say to it, and how a rehearsal on an empty copy went.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb

from provisioner.declare.values import TableName
from provisioner.observe.declared import declared_units, find_shapes
from provisioner.observe.introspect import introspect
from provisioner.observe.prove import prove
from provisioner.observe.rehearse import Stage, staged
from provisioner.observe.values import Catalog, Graph
from provisioner.reconcile.draft import Draft, draw_up, is_refused


def look(connection: duckdb.DuckDBPyConnection, graph: Graph) -> Catalog:
    """The catalog with everything that the plan will ask. Raises as introspect does, and ManifestError."""
    catalog = introspect(connection, graph.wants())
    catalog = replace(catalog, shapes=find_shapes(connection, graph, catalog))
    questions = [question for draft in _drafts(graph, catalog) for question in draft.questions]
    if questions:
        catalog = replace(catalog, answers=prove(connection, questions))
    return _rehearsed(connection, graph, catalog)


def look_at_nothing(graph: Graph) -> Catalog:
    """Of a database that is not there: what is declared is looked at all the same, by the engine."""
    return Catalog(shapes=find_shapes(None, graph, Catalog()))


def _drafts(graph: Graph, catalog: Catalog) -> Iterator[Draft]:
    for unit in declared_units(graph):
        if draft := draw_up(unit.wants[0], catalog, graph):
            yield draft


def _rehearsed(connection: duckdb.DuckDBPyConnection, graph: Graph, catalog: Catalog) -> Catalog:
    """Of each relation that changes one way after the other, until one leads there."""
    drafts = [draft for draft in _drafts(graph, catalog) if draft.shapes.have is not None and draft.ways]
    if not drafts:
        return catalog
    with staged(connection, (table for draft in drafts for table in _touched(draft))) as stage:
        for draft in drafts:
            catalog = _tried(stage, draft, catalog)
    return catalog


def _touched(draft: Draft) -> Iterator[TableName]:
    assert draft.shapes.have is not None
    yield from (draft.shapes.want.table, draft.shapes.have.table)
    yield from (table for way in draft.ways for table in way.also)


def _tried(stage: Stage, draft: Draft, catalog: Catalog) -> Catalog:
    table = draft.shapes.want.table
    for way in draft.ways:
        found = stage.rehearse(draft.shapes.want, way.statements)
        catalog = replace(catalog, rehearsals={**catalog.rehearsals, (table, way.statements): found})
        if not is_refused(draft, way, catalog):
            break
    return catalog

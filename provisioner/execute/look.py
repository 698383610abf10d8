"""One look at the live database: what there is, and of declared relations all that a plan must know before it may
change them: how they differ, what their rows say to it, and how a rehearsal on an empty copy went.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb

from provisioner.declare.values import Manifest, TableName
from provisioner.observe.change_values import Structure
from provisioner.observe.declared import declared_units, find_shapes
from provisioner.observe.fence import fence_of_look
from provisioner.observe.fenced_view import unreadable_views
from provisioner.observe.introspect import NONE, introspect
from provisioner.observe.mentions import find_mentions
from provisioner.observe.prove import prove
from provisioner.observe.rehearse import Stage, staged
from provisioner.observe.values import Catalog, Graph, Unit
from provisioner.reconcile.draft import Draft, choose, draw_up, is_refused
from provisioner.reconcile.drift import find_orphans
from provisioner.reconcile.values import Mend


def see(connection: duckdb.DuckDBPyConnection, graph: Graph, manifest: Manifest) -> Catalog:
    """The catalog with all that tells drift, and no more. Raises as introspect does, and ManifestError."""
    fence = fence_of_look(manifest)
    catalog = introspect(connection, graph.wants(), unreadable_views(connection, fence) if fence else NONE)
    return replace(catalog, shapes=find_shapes(connection, graph, catalog))


def look(connection: duckdb.DuckDBPyConnection, graph: Graph, manifest: Manifest, *, prune: bool) -> Catalog:
    """The catalog with everything that a plan will ask. prune: whether it will drop orphans. Raises as `see`."""
    catalog = see(connection, graph, manifest)
    questions = [question for _, draft in _drafts(graph, catalog) for question in draft.questions]
    if questions:
        catalog = replace(catalog, answers=prove(connection, questions))
    found = {
        draft.shapes.want.table: find_mentions(manifest, graph, unit, draft.gone)
        for unit, draft in _drafts(graph, catalog)
        if draft.gone
    }
    return _rehearsed(connection, graph, replace(catalog, mentions=found), prune=prune)


def look_at_nothing(graph: Graph) -> Catalog:
    """Of a database that is not there: what is declared is looked at all the same, by the engine."""
    return Catalog(shapes=find_shapes(None, graph, Catalog()))


def _drafts(graph: Graph, catalog: Catalog) -> Iterator[tuple[Unit, Draft]]:
    for unit in declared_units(graph):
        if draft := draw_up(unit.wants[0], catalog, graph):
            yield unit, draft


def _rehearsed(connection: duckdb.DuckDBPyConnection, graph: Graph, catalog: Catalog, *, prune: bool) -> Catalog:
    """Of each relation that changes one way after the other, until one leads there; after what it rests on.

    Then of those that are to be dropped, what their going breaks.
    """
    drafts = [(unit, draft) for unit, draft in _drafts(graph, catalog) if draft.ways]
    dropped = [one.table for one in find_orphans(graph, catalog) if prune and one.mend is Mend.DROP]
    orphans = {table: catalog.relations[table].kind for table in dropped}
    if all(draft.shapes.have is None for _, draft in drafts) and not orphans:
        return catalog
    ways = dict[str, Structure]()
    with staged(connection, {*orphans, *(table for _, draft in drafts for table in _touched(draft))}) as stage:
        for unit, draft in drafts:
            before = tuple(statement for id in graph.behind(unit.id) if id in ways for statement in ways[id])
            if draft.shapes.have is not None:
                catalog = _tried(stage, draft, before, catalog)
            if way := choose(draft, catalog):
                ways[unit.id] = way.statements
        return replace(catalog, drops=stage.drop(orphans))


def _touched(draft: Draft) -> Iterator[TableName]:
    yield draft.shapes.want.table
    if draft.shapes.have is not None:
        yield draft.shapes.have.table
    yield from (table for way in draft.ways for table in way.also)


def _tried(stage: Stage, draft: Draft, before: Structure, catalog: Catalog) -> Catalog:
    table = draft.shapes.want.table
    for way in draft.ways:
        found = stage.rehearse(draft.shapes.want, way.statements, before)
        catalog = replace(catalog, rehearsals={**catalog.rehearsals, (table, way.statements): found})
        if not is_refused(draft, way, catalog):
            break
    return catalog

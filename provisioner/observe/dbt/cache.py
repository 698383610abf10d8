"""dbt's graph, kept in a file outside the database; the file may be deleted at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner.declare.values import DbtProject, Selection, TableKind, TableName
from provisioner.errors import InputError
from provisioner.observe.dbt.project import package_vars, project_key, read_project, versions
from provisioner.observe.digest import digest
from provisioner.observe.keep import write_whole
from provisioner.observe.notes import Notes
from provisioner.observe.own import read_own
from provisioner.observe.values import DbtGraph, DbtGraphNode, DbtNode, Selected

# Raised with every change of what a graph holds or how it is made.
_FORMAT = 5

Selections = tuple[Selection, ...]
Select = Callable[[Selections], Mapping[Selection, Selected]]


def load_graph(
    project: DbtProject,
    database: Path,
    *,
    cache_dir: Path,
    variables: Mapping[str, str],
    parse: Callable[[], Mapping[str, Any]],
    notes: Notes,
    selections: Selections = (),
    select: Select = lambda selections: {},
) -> DbtGraph:
    """The graph of the project as its files are now. `parse` gives dbt's manifest; called only when they changed.

    selections: what dbt is asked to select. `select` asks it; called when the files changed, or a selection is new.
    A damaged cache is an absent one; one that cannot be written costs a parse the next time. Raises what `parse`
    raises, and InputError when the project is not sound.
    """
    key = project_key(project, database, variables, notes)
    path = cache_dir / f"dbt-graph-{digest([str(project.project_dir), project.target, str(database)])}.json"
    kept = _read(path, key)
    if kept is not None and kept.selections.keys() >= set(selections):
        return kept
    graph = kept or _build(project, database, variables, parse)
    if selections:
        graph = replace(graph, selections=select(tuple(dict.fromkeys(selections))))
    # A file that was edited while dbt read it would be kept under the key of its old text.
    if project_key(project, database, variables, Notes()) != key:
        return graph
    with suppress(OSError):
        write_whole(path, json.dumps({"format": _FORMAT, "key": key, **_to_json(graph)}))
    return graph


def _build(
    project: DbtProject, database: Path, variables: Mapping[str, str], parse: Callable[[], Mapping[str, Any]]
) -> DbtGraph:
    # Imported late: a project that did not change is not looked into.
    from provisioner.observe.catalog_name import catalog_name
    from provisioner.observe.dbt.graph import Surroundings, build_graph
    from provisioner.observe.dbt.profile import read_target
    from provisioner.observe.dbt.profile_output import Target
    from provisioner.observe.dbt.variables import Variables

    manifest, said, target = parse(), read_project(project), Target(project.target)
    with suppress(InputError):  # dbt has its own say about a profile
        target = read_target(project, variables)
    around = Surroundings(
        project.project_dir,
        Variables(project.vars, said.vars, package_vars(said), variables),
        catalog_name(database),
        target,
        versions(),
    )
    return build_graph(manifest, around)


def _read(path: Path, key: str) -> DbtGraph | None:
    try:
        said = json.loads(read_own(path))
        return _from_json(said) if (said["format"], said["key"]) == (_FORMAT, key) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _to_json(graph: DbtGraph) -> dict[str, Any]:
    nodes = [
        {
            "node": [node.node.unique_id, node.node.command, node.node.memory, node.node.path],
            "relation": _name_to_json(node.relation),
            "kind": node.kind,
            "parents": list(node.parents),
            "definition": dict(node.definition),
            "files": list(node.files),
        }
        for node in graph.nodes.values()
    ]
    return {
        "nodes": nodes,
        "sources": {name: _name_to_json(relation) for name, relation in graph.sources.items()},
        "selections": [
            [one.select, one.exclude, one.selector, found.nodes, found.refused, found.known]
            for one, found in graph.selections.items()
        ],
    }


def _from_json(said: Mapping[str, Any]) -> DbtGraph:
    nodes = [
        DbtGraphNode(
            node=DbtNode(*node["node"]),
            relation=_name_from_json(node["relation"]),
            kind=None if node["kind"] is None else TableKind(node["kind"]),
            parents=tuple(node["parents"]),
            definition=dict(node["definition"]),
            files=tuple(node["files"]),
        )
        for node in said["nodes"]
    ]
    sources = {name: _name_from_json(relation) for name, relation in said["sources"].items()}
    selections = {
        Selection(tuple(select), tuple(exclude), selector): Selected(tuple(found), refused, tuple(known))
        for select, exclude, selector, found, refused, known in said["selections"]
    }
    return DbtGraph({node.node.unique_id: node for node in nodes}, sources, selections)


def _name_to_json(name: TableName | None) -> list[str] | None:
    return None if name is None else [name.schema, name.name]


def _name_from_json(said: list[str] | None) -> TableName | None:
    return None if said is None else TableName(*said)

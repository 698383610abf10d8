"""dbt's graph, kept in a file outside the database; the file may be deleted at any time."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from provisioner.declare.values import DbtProject, TableKind, TableName
from provisioner.observe.dbt.graph import Surroundings, build_graph, catalog_name
from provisioner.observe.dbt.project import package_vars, project_key, read_project, versions
from provisioner.observe.dbt.variables import Variables
from provisioner.observe.digest import digest
from provisioner.observe.values import DbtGraph, DbtGraphNode, DbtNode

# Raised with every change of what a graph holds or how it is made.
_FORMAT = 1


def load_graph(
    project: DbtProject,
    database: Path,
    *,
    cache_dir: Path,
    variables: Mapping[str, str],
    parse: Callable[[], Mapping[str, Any]],
    use_cache: bool = True,
) -> DbtGraph:
    """The graph of the project as its files are now. `parse` gives dbt's manifest; called only when they changed.

    A damaged cache is an absent one; one that cannot be written costs a parse the next time. Raises what `parse`
    raises, and InputError when the project is not sound.
    """
    key = project_key(project, database, variables)
    path = cache_dir / f"dbt-graph-{digest([str(project.project_dir), project.target, str(database)])}.json"
    kept = _read(path, key) if use_cache else None
    if kept is not None:
        return kept
    said = read_project(project)
    around = Surroundings(
        project.project_dir,
        Variables(project.vars, said.vars, package_vars(said), variables),
        catalog_name(database),
        project.target,
        versions(),
    )
    graph = build_graph(parse(), around)
    # A file that was edited while dbt parsed would be kept under the key of its old text.
    if project_key(project, database, variables) != key:
        return graph
    with suppress(OSError):
        _write(path, {"format": _FORMAT, "key": key, **_to_json(graph)})
    return graph


def _read(path: Path, key: str) -> DbtGraph | None:
    try:
        said = json.loads(path.read_bytes())
        return _from_json(said) if (said["format"], said["key"]) == (_FORMAT, key) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write(path: Path, said: Mapping[str, Any]) -> None:
    """Whole or not at all, and for the owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".dbt-graph-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(said, file)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _to_json(graph: DbtGraph) -> dict[str, Any]:
    nodes = [
        {
            "node": [node.node.unique_id, node.node.command, node.node.selector, node.node.memory, node.node.path],
            "relation": _name_to_json(node.relation),
            "kind": node.kind,
            "parents": list(node.parents),
            "definition": dict(node.definition),
            "files": list(node.files),
        }
        for node in graph.nodes.values()
    ]
    return {"nodes": nodes, "sources": {name: _name_to_json(relation) for name, relation in graph.sources.items()}}


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
    return DbtGraph({node.node.unique_id: node for node in nodes}, sources)


def _name_to_json(name: TableName | None) -> list[str] | None:
    return None if name is None else [name.schema, name.name]


def _name_from_json(said: list[str] | None) -> TableName | None:
    return None if said is None else TableName(*said)

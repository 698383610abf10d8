"""What dbt's manifest says -> DbtGraph: each node's relation, parents, what defines it and how to run it alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from provisioner.declare.values import TableKind, TableName
from provisioner.observe.dbt.definition import Macros, Texts, define
from provisioner.observe.dbt.files import read_files, source_files, source_parts, source_settings
from provisioner.observe.dbt.jinja import in_jinja
from provisioner.observe.dbt.memory import has_memory
from provisioner.observe.dbt.profile_output import Target
from provisioner.observe.dbt.variables import Variables
from provisioner.observe.digest import digest
from provisioner.observe.values import DbtGraph, DbtGraphNode, DbtNode

COMMANDS = {"seed": "seed", "model": "run", "snapshot": "snapshot"}
_KINDS = {"view": TableKind.VIEW, "external": TableKind.VIEW, "ephemeral": None}

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node's result depends on beside dbt's manifest.

    catalog: DuckDB's name of the database, None for any. target: of the profile.
    versions: of dbt and its adapter, for they define the macros that come with them.
    """

    project_dir: Path
    variables: Variables = field(default_factory=Variables)
    catalog: str | None = None
    target: Target = field(default_factory=Target)
    versions: Mapping[str, str] = field(default_factory=dict)


def build_graph(manifest: Mapping[str, Any], around: Surroundings) -> DbtGraph:
    """The graph of dbt's seeds, models and snapshots that are enabled, sorted by id."""
    nodes = {name: node for name, node in sorted(manifest["nodes"].items()) if node["resource_type"] in COMMANDS}
    sources: Mapping[str, Node] = manifest.get("sources", {})
    macros = Macros(manifest.get("macros", {}))
    everything = cache(lambda: digest([_shape(one) for one in (*nodes.values(), *sources.values())]))
    built = {}
    for name, node in nodes.items():
        texts = macros.texts(node)
        parents = tuple(sorted({*_parents(node, nodes, sources)}))
        files = read_files(node, texts, around.variables, around.project_dir)
        files |= {file for parent in parents if parent in sources for file in source_files(sources[parent])}
        built[name] = DbtGraphNode(
            node=_how_to_run(node, texts),
            relation=relation_of(node, around.catalog),
            kind=kind_of(node) if relation_of(node, around.catalog) else None,
            parents=parents,
            definition=_definition(
                node, texts, {parent: sources[parent] for parent in parents if parent in sources}, around, everything
            ),
            files=tuple(sorted(files)),
        )
    return DbtGraph(built, {name: _source_relation(source, around.catalog) for name, source in sorted(sources.items())})


def kind_of(node: Node) -> TableKind | None:
    """What dbt leaves behind; a materialization of the project's own is taken to make a table."""
    return _KINDS.get(node["config"].get("materialized", "table"), TableKind.TABLE)


def relation_of(node: Node, catalog: str | None) -> TableName | None:
    """The relation a node makes in our database; None when it makes none there."""
    if kind_of(node) is None or not _is_ours(node, catalog):
        return None
    return TableName(node["schema"], node.get("alias") or node["name"])


def _definition(
    node: Node, texts: Texts, sources: Mapping[str, Node], around: Surroundings, everything: Callable[[], str]
) -> dict[str, str]:
    """everything: a digest of the whole project, for code that looks around in it through `graph`."""
    parts = define(node, texts, around.variables, around.target, around.versions)
    if any(in_jinja("graph", text) for text in texts.all):
        parts["graph"] = everything()
    for name, source in sources.items():
        read = source_parts(source) or _named(source, around.catalog)
        parts[f"source {name.split('.', 2)[-1]}"] = digest(read)
    return dict(sorted(parts.items()))


def _shape(node: Node) -> dict[str, Any]:
    """What may be found out about a node or a source in `graph`, as far as it is likely to be asked for."""
    named = (
        *("unique_id", "name", "schema", "alias", "columns", "config", "description", "depends_on"),
        *("source_name", "identifier"),
    )
    return {name: node.get(name) or None for name in named}


def _named(source: Node, catalog: str | None) -> list[str | None]:
    """Our own database's name is left out: tables stay good in a copy under another name."""
    database = None if _is_ours(source, catalog) else source.get("database")
    return [database, source["schema"], source.get("identifier") or source["name"]]


def _how_to_run(node: Node, texts: Texts) -> DbtNode:
    command = COMMANDS[node["resource_type"]]
    return DbtNode(node["unique_id"], command, has_memory(node, texts), node["original_file_path"])


def _parents(node: Node, nodes: Mapping[str, Node], sources: Mapping[str, Node]) -> list[str]:
    return [name for name in node["depends_on"].get("nodes", ()) if name in nodes or name in sources]


def _source_relation(source: Node, catalog: str | None) -> TableName | None:
    settings = source_settings(source)
    if "external_location" in settings or "plugin" in settings or not _is_ours(source, catalog):
        return None
    return TableName(source["schema"], source.get("identifier") or source["name"])


def _is_ours(node: Node, catalog: str | None) -> bool:
    database = node.get("database")
    return catalog is None or not database or str(database).lower() == catalog.lower()

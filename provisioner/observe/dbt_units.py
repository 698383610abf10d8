"""dbt's graph -> units: the nodes behind the manifest's tables, and every node that those read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from provisioner.declare.suggest import nearest
from provisioner.declare.values import Manifest, Step, StepKind, Table, TableKind, TableName
from provisioner.errors import Problem
from provisioner.observe.notes import Notes
from provisioner.observe.values import DbtGraph, DbtGraphNode, Unit, UnitKind, Want

COMMANDS = {"seed": ("seed",), "run": ("run",), "snapshot": ("snapshot",), "build": ("seed", "run", "snapshot")}
Reads = dict[str, tuple[TableName | str, ...]]


def make_dbt_units(
    manifest: Manifest, dbt: DbtGraph, wants: Mapping[TableName, Want], also: Iterable[TableName], notes: Notes
) -> tuple[list[Unit], Reads]:
    """The units, and what each reads: other nodes by id, sources by relation.

    also: relations that other steps read; those that dbt makes are wanted too. The tier of a node whose relation the
    manifest does not name is not known here: it is -1.
    """
    by_relation = nodes_by_relation(manifest, dbt)
    steps = {step.name: step for step in manifest.steps if step.kind is StepKind.DBT}
    asked = [table.name for table in manifest.tables if table.step in steps] + [
        name for name in also if name not in wants
    ]
    needed: dict[str, DbtGraphNode] = {}
    for name in asked:
        if name in by_relation:
            _add(by_relation[name], dbt, by_relation, needed)
    tiers = {table.name: manifest.level(table.tier) for table in manifest.tables}
    named = {table.name: steps[table.step] for table in manifest.tables if table.step in steps}
    units = [_unit(node, _step(node, named, steps), wants, tiers, manifest, notes) for node in needed.values()]
    return units, {node.node.unique_id: _reads(node, dbt) for node in needed.values()}


def nodes_by_relation(manifest: Manifest, dbt: DbtGraph) -> dict[TableName, DbtGraphNode]:
    """The node behind each relation, but for those that the manifest gives to another step or to its users."""
    steps = {step.name for step in manifest.steps if step.kind is StepKind.DBT}
    others = {table.name for table in manifest.tables if table.step not in steps}
    nodes = {node.relation: node for node in dbt.nodes.values() if node.relation is not None}
    return {name: node for name, node in nodes.items() if name not in others} if others else nodes


def unmade_tables(manifest: Manifest, dbt: DbtGraph) -> Iterator[Problem]:
    """The tables that a dbt step is to make and that no node of its command makes."""
    nodes = nodes_by_relation(manifest, dbt)
    steps = {step.name: step for step in manifest.steps if step.kind is StepKind.DBT}
    for table in manifest.tables:
        if table.step in steps:
            node = nodes.get(table.name)
            step = steps[table.step]
            if node is None or node.node.command not in COMMANDS[step.source]:
                yield _unmade(table, step, node, nodes.values())


def _unmade(table: Table, step: Step, node: DbtGraphNode | None, nodes: Iterable[DbtGraphNode]) -> Problem:
    if node is not None:
        fact = (
            f"dbt makes {table.name} with `dbt {node.node.command}`, and its step {step.name} is `dbt {step.source}`."
        )
        return Problem(str(table.place), "unmade", fact, f"Name a step with `dbt: {node.node.command}`.")
    made = [str(node.relation) for node in nodes if node.node.command in COMMANDS[step.source]]
    near = nearest(str(table.name), made)
    fact = f"dbt has no node that makes {table.name} with `dbt {step.source}`."
    hint = f"Did you mean {near}? Else: " if near else ""
    return Problem(
        str(table.place), "unmade", fact, f"{hint}Add it to the dbt project, or take the table out of the manifest."
    )


def _add(
    node: DbtGraphNode, dbt: DbtGraph, nodes: Mapping[TableName, DbtGraphNode], needed: dict[str, DbtGraphNode]
) -> None:
    """The node and all that it reads. Seeds may be read through `source()`, which is no edge in dbt's own graph."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.node.unique_id in needed:
            continue
        needed[one.node.unique_id] = one
        for read in _reads(one, dbt):
            source = nodes.get(read) if isinstance(read, TableName) else dbt.nodes.get(read)
            if source is not None:
                waiting.append(source)


def _reads(node: DbtGraphNode, dbt: DbtGraph) -> tuple[TableName | str, ...]:
    found: list[TableName | str] = []
    for parent in node.parents:
        if parent in dbt.nodes:
            found.append(parent)
        elif (relation := dbt.sources.get(parent)) is not None:
            found.append(relation)
    return tuple(found)


def _step(node: DbtGraphNode, named: Mapping[TableName, Step], steps: Mapping[str, Step]) -> Step | None:
    """The step of the node's table; for a node that only dbt knows, the one that has its command."""
    if node.relation is not None and node.relation in named:
        return named[node.relation]
    return next((step for step in steps.values() if node.node.command in COMMANDS[step.source]), None)


def _label(file: str, node: DbtGraphNode) -> str:
    """A seed's file may lie in any folder: its name is the seed's, and no two seeds of a package share one."""
    return PurePosixPath(file).name if node.node.command == "seed" and file.endswith(node.node.path) else file


def _unit(
    node: DbtGraphNode,
    step: Step | None,
    wants: Mapping[TableName, Want],
    tiers: Mapping[TableName, int],
    manifest: Manifest,
    notes: Notes,
) -> Unit:
    assert manifest.dbt is not None
    made: tuple[Want, ...] = ()
    if node.relation is not None:
        silent = Want(node.relation, node.kind or TableKind.TABLE, required=False)
        made = (replace(wants.get(node.relation, silent), remembers=node.node.memory),)
    digests = notes.digests(node.files, manifest.dbt.project_dir)
    inputs = {_label(text, node): digest for text, digest in digests.items()}
    unit = Unit(
        node.node.unique_id,
        UnitKind.DBT,
        tiers.get(node.relation, -1) if node.relation else -1,
        made,
        (),
        node.node.path,
        definition=node.definition,
        inputs=inputs,
        dbt=node.node,
    )
    if step is None:
        return unit
    more = notes.digests(step.inputs, manifest.folder)
    return replace(
        unit,
        step=step.name,
        inputs={**inputs, **more},
        deterministic=step.deterministic,
        timeout=step.timeout,
        retries=step.retries,
    )

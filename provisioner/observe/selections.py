"""`tables_from` and what dbt selects -> tables, as if each had a line of its own in the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from provisioner.declare.suggest import nearest
from provisioner.declare.values import Manifest, Selection, Table, TableName, TablesFrom
from provisioner.errors import Problem
from provisioner.observe.dbt_units import COMMANDS
from provisioner.observe.values import DbtGraph, DbtGraphNode, Selected

_MEND = "`dbt ls --select ...` shows what dbt selects."
_GRAPH = re.compile(r"^@?(\d*\+)?|(\+\d*)?$")


def add_selected(manifest: Manifest, dbt: DbtGraph) -> tuple[Manifest, list[Problem]]:
    """The manifest with every table that its `tables_from` names, and what is wrong with them.

    A table that is written out is left as it is: it says more than a selection can.
    """
    problems: list[Problem] = []
    written = {table.name for table in manifest.tables}
    found: dict[TableName, Table] = {}
    for entry in sorted(manifest.tables_from, key=lambda one: one.place):
        tables = _tables(entry, manifest, dbt, problems)
        new = [table for table in tables if table.name not in written]
        problems += _in_two_tiers(entry, [(found[table.name], table) for table in new if table.name in found])
        found = {table.name: table for table in new} | found
    tables = sorted((*manifest.tables, *found.values()), key=lambda table: table.name)
    return replace(manifest, tables=tuple(tables)), problems


def _tables(entry: TablesFrom, manifest: Manifest, dbt: DbtGraph, problems: list[Problem]) -> list[Table]:
    selected, command = dbt.selections.get(entry.selection, Selected()), manifest.step(entry.step).source
    nodes = [dbt.nodes[name] for name in selected.nodes if name in dbt.nodes]
    made = [node for node in nodes if node.node.command in COMMANDS[command]]
    tables = [Table(node.relation, entry.tier, entry.place, entry.step) for node in made if node.relation is not None]
    if not tables:
        problems.append(_nothing(entry, command, selected, nodes, made))
    return tables


def _nothing(
    entry: TablesFrom, command: str, selected: Selected, nodes: list[DbtGraphNode], made: list[DbtGraphNode]
) -> Problem:
    if selected.refused:
        words = " ".join(selected.refused.split())
        point = "" if words.endswith(".") else "."
        return _problem(entry, f"dbt cannot read the selection {entry.selection}: {words}{point}", _MEND)
    if not nodes:
        near = " ".join(dict.fromkeys(_near(entry.selection, selected.known)))
        return _problem(entry, f"dbt selects nothing by {entry.selection}.", f"Did you mean {near}?" if near else _MEND)
    if not made:
        fact = f"of what dbt selects by {entry.selection}, `dbt {command}` makes nothing"
        first = f"such as {nodes[0].node.unique_id}, which `dbt {nodes[0].node.command}` makes"
        return _problem(
            entry, f"{fact}: there are {len(nodes)}, {first}.", f"Name a step with `dbt: {nodes[0].node.command}`."
        )
    fact = f"what dbt selects by {entry.selection} leaves no relation in this database"
    return _problem(entry, f"{fact}: there are {len(made)}, such as {made[0].node.unique_id}.", _MEND)


def _near(selection: Selection, known: tuple[str, ...]) -> Iterator[str]:
    """For each term that is unknown the known one that is like it."""
    for term in selection.select:
        for part in term.split(","):
            bare = _GRAPH.sub("", part)
            if bare not in known and (near := nearest(bare, known)) is not None:
                yield part.replace(bare, near)


def _in_two_tiers(entry: TablesFrom, pairs: list[tuple[Table, Table]]) -> Iterator[Problem]:
    """One problem for each other entry that puts the same relations elsewhere."""
    others = {one.place: one for one, table in reversed(pairs) if one.tier != table.tier}
    for place, one in others.items():
        count = sum(other.place == place for other, _ in pairs)
        more = f" and {count - 1} more" if count > 1 else ""
        fact = f"{one.name}{more} would be in tier {entry.tier} here, and in tier {one.tier} by {place}."
        yield _problem(entry, fact, f"Exclude it from one of the two, or write {one.name} out under `tables:`.")


def _problem(entry: TablesFrom, message: str, cure: str) -> Problem:
    return Problem(str(entry.place), "selection", message, cure)

"""The units of a manifest as text."""

from __future__ import annotations

from provisioner.declare.values import Manifest
from provisioner.observe.values import Graph, Unit
from provisioner.reconcile.order import sort_units
from provisioner.report.words import lines_of, short


def graph_text(graph: Graph, manifest: Manifest) -> str:
    """One line a unit: its tier, what it makes, its kind, what it reads."""
    return "\n".join(lines_of((_unit_row(unit, manifest) for unit in sort_units(graph.units.values(), graph)), "  "))


def _unit_row(unit: Unit, manifest: Manifest) -> tuple[str, ...]:
    made = ", ".join(map(str, unit.tables)) or short(unit.id)
    reads = "reads " + ", ".join(map(short, unit.reads)) if unit.reads else ""
    return manifest.tiers[unit.tier], made, str(unit.kind), reads

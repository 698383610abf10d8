"""The one place where order is decided. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.observe.values import Graph, Unit, UnitKind

# Within one level the dbt units come last and together: fewer invocations, and dbt's import overlaps with the others.
_KINDS = {kind: number for number, kind in enumerate(UnitKind)}


def sort_units(units: Iterable[Unit], graph: Graph) -> list[Unit]:
    """By tier, then by dependency, then kind by kind, then by name."""
    levels = _levels(graph)
    return sorted(units, key=lambda unit: (unit.tier, levels[unit.id], _KINDS[unit.kind], unit.id))


def _levels(graph: Graph) -> dict[str, int]:
    """How many units stand below each one, on the longest way down."""
    levels: dict[str, int] = {}
    for unit in graph.units.values():
        levels[unit.id] = 1 + max((levels[read] for read in unit.reads), default=-1)
    return levels

"""The one place where order is decided. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from provisioner.observe.values import Graph, Unit, UnitKind

# Within one level the dbt units come last and together: fewer invocations, and dbt's import overlaps with the others.
_KINDS = {kind: number for number, kind in enumerate(UnitKind)}


def sort_units(units: Iterable[Unit], graph: Graph, after: Mapping[str, Collection[str]] = {}) -> list[Unit]:
    """By tier, then by dependency, then kind by kind, then by name.

    after: by unit those that it comes after besides what it reads, as far as that leads round in no circle.
    """
    levels = _levels(graph)
    for _ in graph.units if after else ():
        if not (higher := _raised(levels, graph, after)):
            break
        levels |= higher
    return sorted(units, key=lambda unit: (unit.tier, levels[unit.id], _KINDS[unit.kind], unit.id))


def _raised(levels: Mapping[str, int], graph: Graph, after: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Units that do not stand above all that they come after, and where they would."""
    found = {
        unit.id: 1 + max((levels[one] for one in (*unit.reads, *after.get(unit.id, ()))), default=-1)
        for unit in graph.units.values()
    }
    return {name: level for name, level in found.items() if level > levels[name]}


def _levels(graph: Graph) -> dict[str, int]:
    """How many units stand below each one, on the longest way down."""
    levels: dict[str, int] = {}
    for unit in graph.units.values():
        levels[unit.id] = 1 + max((levels[read] for read in unit.reads), default=-1)
    return levels

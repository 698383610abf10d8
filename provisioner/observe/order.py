"""Is the graph of units sound: no cycle, no table that reads from a later tier? And its order by dependency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from provisioner.declare.values import Manifest
from provisioner.errors import Problem
from provisioner.observe.values import Unit

# Of a circle: so many are named, half of them where it begins and half where it ends.
_TOLD = 20


def find_cycle(units: Mapping[str, Unit]) -> tuple[str, ...]:
    """The ids on one cycle, each before the one that reads it; empty when there is none."""
    try:
        TopologicalSorter({name: units[name].reads for name in sorted(units)}).prepare()
    except CycleError as error:
        return tuple(error.args[1][:-1])
    return ()


def sort_by_reads(units: Mapping[str, Unit]) -> dict[str, Unit]:
    """Each unit after what it reads; among equals by id, however they came in. There must be no cycle."""
    sorter = TopologicalSorter({name: unit.reads for name, unit in units.items()})
    sorter.prepare()
    done: dict[str, Unit] = {}
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        done |= {name: units[name] for name in ready}
        sorter.done(*ready)
    return done


def settle_tiers(units: Mapping[str, Unit]) -> dict[str, Unit]:
    """A relation that only dbt knows belongs to the earliest tier that reads from it. units: sorted by reads."""
    tiers = {name: unit.tier for name, unit in units.items()}
    for unit in reversed(tuple(units.values())):
        for read in unit.reads:
            if units[read].tier < 0:
                tiers[read] = min(tier for tier in (tiers[read], tiers[unit.id]) if tier >= 0)
    return {name: unit if unit.tier == tiers[name] else replace(unit, tier=tiers[name]) for name, unit in units.items()}


def cycle_problem(cycle: tuple[str, ...], units: Mapping[str, Unit], manifest: Manifest) -> Problem:
    """What is wrong, told at the first of them that the manifest speaks of."""
    first = min(cycle)
    place = place_of(units[first], manifest)
    if len(cycle) == 1:
        return Problem(place, "cycle", f"{first} reads what it makes.", "Let it read from another table.")
    turn = cycle.index(first)
    turned = (*cycle[turn:], *cycle[:turn], first)
    way = " -> ".join(turned if len(cycle) <= _TOLD else (*turned[: _TOLD // 2], "…", *turned[-_TOLD // 2 :]))
    count = f" of {len(cycle):,}" if len(cycle) > _TOLD else ""
    return Problem(
        place, "cycle", f"these read from each other in a circle{count}: {way}.", "Break the circle at one of them."
    )


def tier_problems(units: Mapping[str, Unit], manifest: Manifest) -> Iterator[Problem]:
    """A table may read only its own and earlier tiers."""
    for unit in units.values():
        for read in unit.reads:
            source = units[read]
            if source.required and source.tier > unit.tier:
                yield Problem(
                    place_of(unit, manifest),
                    "tier",
                    f"{unit.tables[0] if unit.tables else unit.id} (tier {manifest.tiers[unit.tier]}) reads "
                    f"{source.tables[0]} (tier {manifest.tiers[source.tier]}), which comes later.",
                    "Move one of them to the other's tier.",
                )


def place_of(unit: Unit, manifest: Manifest) -> str:
    """Where the manifest speaks of the unit: its table, else its step, else the file of dbt that defines it."""
    for want in unit.wants:
        if want.place:
            return str(want.place)
    return str(manifest.step(unit.step).place) if unit.step else unit.source

"""Is the graph of units sound: no cycle, no table that reads from a later tier? And its order by dependency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from provisioner.declare.values import Manifest
from provisioner.errors import Problem
from provisioner.observe.values import Unit


def find_cycle(units: Mapping[str, Unit]) -> tuple[str, ...]:
    """The ids on one cycle, in order; empty when there is none."""
    settled: set[str] = set()
    for start in sorted(units):
        trail: dict[str, Iterator[str]] = {}
        waiting = start
        while True:
            if waiting not in settled and waiting not in trail:
                trail[waiting] = iter(units[waiting].reads)
            last = next(reversed(trail), None)
            if last is None:
                break
            following = next((read for read in trail[last] if read not in settled), None)
            if following is None:
                settled.add(last)
                del trail[last]
                waiting = start
            elif following in trail:
                names = list(trail)
                return tuple(names[names.index(following) :])
            else:
                waiting = following
            if waiting in settled and not trail:
                break
    return ()


def sort_by_reads(units: Mapping[str, Unit]) -> dict[str, Unit]:
    """Each unit after what it reads; among equals by id. There must be no cycle."""
    done: dict[str, Unit] = {}
    for start in sorted(units):
        waiting = [start]
        while waiting:
            unit = units[waiting[-1]]
            if missing := [read for read in reversed(unit.reads) if read not in done]:
                waiting += missing
            else:
                done.setdefault(waiting.pop(), unit)
    return done


def settle_tiers(units: Mapping[str, Unit]) -> dict[str, Unit]:
    """A relation that only dbt knows belongs to the earliest tier that reads from it. units: sorted by reads."""
    tiers = {name: unit.tier for name, unit in units.items()}
    for unit in reversed(units.values()):
        for read in unit.reads:
            if units[read].tier < 0:
                tiers[read] = min(tier for tier in (tiers[read], tiers[unit.id]) if tier >= 0)
    return {name: replace(unit, tier=tiers[name]) for name, unit in units.items()}


def cycle_problem(cycle: tuple[str, ...], units: Mapping[str, Unit], manifest: Manifest) -> Problem:
    way = " -> ".join((*cycle, cycle[0]))
    if len(cycle) == 1:
        return Problem(
            place_of(units[cycle[0]], manifest), "cycle", f"{cycle[0]} reads what it makes.", "Read from another table."
        )
    return Problem(
        place_of(units[cycle[0]], manifest), "cycle", f"these read from each other: {way}.", "Break the circle at one of them."
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
    for step in manifest.steps:
        if step.name == unit.step:
            return str(step.place)
    return unit.source

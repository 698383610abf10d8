"""Is the plan made now the saved one, or what is left of it? Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.observe.values import Catalog
from provisioner.reconcile.facts import NONE, describe_stamp, short
from provisioner.reconcile.saved import Facts, Saved, SavedAction, parse_known
from provisioner.reconcile.values import Mend


@dataclass(frozen=True, slots=True)
class Moved:
    """A fact that is not what it was. name: the table and which of its facts."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.name} was {self.old}, is {self.new}"


def compare(saved: Saved, now: Saved, promises: Mapping[str, str]) -> tuple[Moved, ...]:
    """Everything for which the plan made now is not the saved one or what is left of it; empty when it is.

    now: with the facts of all tables of the saved one. promises: of every unit, by what is there now.
    """
    known = {action.key: action for action in saved.actions}
    units = {action.unit for action in saved.actions if action.unit}
    left = {action.key for action in now.actions}
    carried = {name for was in saved.actions if was.key not in left for name in was.touches}
    moved: list[Moved] = []
    for action in now.actions:
        if (was := known.get(action.key)) is not None:
            names = dict.fromkeys((*was.touches, *action.touches))
            moved += [*_differences(was, action), *_moved_facts(names, saved.facts, now.facts, carried)]
        elif not (action.mend == Mend.SWEEP and action.unit in units):  # what the dead run of this very plan left
            moved.append(Moved(f"{action.name}: action", _planned(action, saved), _described(action)))
    for was in saved.actions:
        if was.key not in left and was.promise != promises.get(was.unit, was.promise):
            moved.append(Moved(f"{was.name}: fingerprint", was.promise, promises[was.unit]))
    moved += [Moved(f"{name}: to mend by hand", "no", "yes") for name in now.by_hand if name not in saved.by_hand]
    for name in saved.by_hand:
        moved += _moved(name, saved.facts.get(name, {}), now.facts.get(name, {}))
    return tuple(sorted(set(moved), key=lambda one: (one.name, one.old, one.new)))


def _planned(action: SavedAction, saved: Saved) -> str:
    others = (was for was in saved.actions if set(was.tables) & set(action.tables))
    return "; ".join(was.mend for was in others) or NONE


def _described(action: SavedAction) -> str:
    return f"{action.mend} ({'; '.join(map(str, action.reasons))})" if action.reasons else action.mend


def _differences(was: SavedAction, action: SavedAction) -> Iterator[Moved]:
    known = {(hazard.kind, hazard.table) for hazard in was.hazards}
    for hazard in action.hazards:
        if (hazard.kind, hazard.table) not in known:
            yield Moved(f"{action.name}: hazard for {hazard.table}", NONE, f"{hazard.kind}, {hazard.fact}")
    if action.promise != was.promise:
        yield Moved(f"{action.name}: fingerprint", was.promise, action.promise)
    if action.statements != was.statements:
        old, new = (short("; ".join(one.statements)) or NONE for one in (was, action))
        yield Moved(f"{action.name}: statements", old, new)


def _moved_facts(names: Iterable[str], old: Facts, new: Facts, carried: Container[str]) -> Iterator[Moved]:
    """carried: tables whose foreign keys another action of the plan, that is done, has changed along with its own."""
    for name in names:
        before, after = (
            {fact: value for fact, value in facts.get(name, {}).items() if fact != "references" or name not in carried}
            for facts in (old, new)
        )
        yield from _moved(name, before, after)


def _moved(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Moved]:
    """Of a table that a run died in, only what it carried before counts: the rest is that run's, and is put right."""
    died = new.get("mark", NONE) != NONE
    for fact in ("stamp",) if died else dict.fromkeys((*old, *new)):
        before, after = old.get(fact, NONE), new.get(fact, NONE)
        if before != after:
            yield Moved(f"{name}: {fact}", before, after)


def still_to_rebuild(rebuild: Iterable[str], saved: Saved, catalog: Catalog) -> tuple[str, ...]:
    """The tables of a `--rebuild` that this plan has not made again yet, by the stamps that they carry now."""
    return tuple(name for name in rebuild if not _is_rebuilt(name, saved, catalog))


def _is_rebuilt(name: str, saved: Saved, catalog: Catalog) -> bool:
    table = parse_known(name)
    stamp = catalog.stamps.get(table) if table is not None else None
    before = saved.facts.get(str(table), {}).get("stamp")
    return stamp is not None and before is not None and describe_stamp(stamp) != before

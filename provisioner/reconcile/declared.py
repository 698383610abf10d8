"""Drift of one declared relation, whose structure is the manifest's and whose rows are its users'. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.observe.values import Catalog, Graph, Parts, Unit, Want
from provisioner.reconcile.change import reason_of
from provisioner.reconcile.draft import Draft, choose, draw_up, refusals
from provisioner.reconcile.faults import find_faults
from provisioner.reconcile.values import Mend, Reason
from provisioner.reconcile.wording import another_maker

Found = tuple[Reason, Mend, str]


def find_declared(unit: Unit, want: Want, catalog: Catalog, graph: Graph, parts: Parts, base: str) -> Iterator[Found]:
    """Every reason for which it is not as declared, with what mends it and the fact in words."""
    relation, stamp, mark = (
        catalog.relations.get(want.table),
        catalog.stamps.get(want.table),
        catalog.marks.get(want.table),
    )
    if mark:
        yield Reason.INTERRUPTED, Mend.ADOPT, f"run {mark.run} died before it was verified"
    draft = draw_up(want, catalog, graph)
    is_there = draft.shapes.have is not None if draft else relation is not None
    if not is_there:
        yield Reason.MISSING, Mend.CREATE, "is not in the database"
        return
    if relation is not None and (faults := find_faults(want, relation, catalog.measures.get(want.table))):
        yield from ((reason, Mend.BY_HAND, fact) for reason, fact in faults)
        return
    if draft is not None and (draft.stuck or draft.changes):
        yield from _of_draft(draft, catalog)
    elif stamp is None and not mark:
        yield Reason.UNSTAMPED, Mend.ADOPT, "is as declared, made by someone else"
    elif stamp is not None and stamp.base != base and stamp.unit != unit.id:
        yield Reason.DEFINITION_CHANGED, Mend.ADOPT, another_maker(stamp.unit, unit.id)
    elif stamp is not None and stamp.base != base:
        yield from _renewed(unit, stamp.parts, parts)


def _of_draft(draft: Draft, catalog: Catalog) -> Iterator[Found]:
    if draft.stuck:
        yield from ((Reason.DEFINITION_CHANGED, Mend.BY_HAND, fact) for fact in draft.stuck)
        return
    way = choose(draft, catalog)
    for change in draft.changes:
        yield reason_of(change), Mend.ALTER if way else Mend.BY_HAND, change.fact
    if way is None:
        yield from ((Reason.DEFINITION_CHANGED, Mend.BY_HAND, words) for words in refusals(draft, catalog))


def _renewed(unit: Unit, old: Parts, new: Parts) -> Iterator[Found]:
    """Declared in other words, and the same table: only the record is renewed."""
    for part in ("definition", "upstream"):
        before, after = getattr(old, part), getattr(new, part)
        labels = sorted(label for label in {*before, *after} if before.get(label) != after.get(label))
        reason = Reason.DEFINITION_CHANGED if part == "definition" else Reason.UPSTREAM_CHANGED
        for label in labels:
            fact = f"{unit.source}: {label} declared in other words" if part == "definition" else f"{label} changed"
            yield reason, Mend.ADOPT, fact

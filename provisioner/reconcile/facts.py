"""What a plan rests on, told in a few words for each table, so that a person sees what moved. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from provisioner.declare.shorten import shorten
from provisioner.declare.values import HazardKind, TableName
from provisioner.observe.values import Catalog, Relation, Stamp
from provisioner.reconcile.changes import say_reference
from provisioner.reconcile.values import Drift, Plan, Reason
from provisioner.reconcile.wording import many

# A longer fact is told by its beginning and its digest.
LONGEST = 400
NONE = "none"
# Of these the number of rows is part of what a person agrees to.
_LOSES_ROWS = (HazardKind.DROPS_TABLE, HazardKind.LOSES_HISTORY)


def read_facts(table: TableName, plan: Plan, catalog: Catalog) -> dict[str, str]:
    """Each fact by its name; those of rows only where the plan depends on them."""
    stamp, mark = catalog.stamps.get(table), catalog.marks.get(table)
    relation = catalog.relations.get(table)
    facts = {
        "relation": short(_relation(relation)),
        # A mark holds the stamp in safe keeping until its unit is verified.
        "stamp": describe_stamp(stamp or (mark.stamp if mark else None)),
        "mark": f"run {mark.run} died in it" if mark else NONE,
    }
    if relation is not None and any(one.table == table and one.kind in _LOSES_ROWS for one in plan.hazards):
        facts["rows"] = NONE if relation.rows is None else str(relation.rows)
    shapes = catalog.shapes.get(table)
    if shapes is not None and shapes.have is not None:
        facts["shape"] = digest_of(repr(replace(shapes.have, foreign_keys=())))
        facts["references"] = short("; ".join(map(say_reference, shapes.have.foreign_keys)) or NONE)
    if answers := _answers(table, catalog):
        facts["answers"] = short("; ".join(answers))
    unmet = sorted(one.fact for one in _drift(plan) if one.table == table and one.reason is Reason.EXPECTATION_FAILED)
    if unmet:
        facts["expectations"] = short("; ".join(unmet))
    return facts


def _answers(table: TableName, catalog: Catalog) -> list[str]:
    """What the rows have against it. How many there are in all is nothing of that, and users go on writing."""
    return sorted(
        f"{many(answer.count, 'row')} with {question.condition}" + (f" ({answer.error})" if answer.error else "")
        for question, answer in catalog.answers.items()
        if question.table == table
        and (answer.count or answer.error)
        and (question.condition != "true" or question.source.startswith("("))
    )


def _drift(plan: Plan) -> Iterator[Drift]:
    yield from (one for action in plan.actions for one in action.reasons)
    yield from plan.by_hand


def _relation(relation: Relation | None) -> str:
    if relation is None:
        return NONE
    columns = ", ".join(f"{one.name} {one.type}{'' if one.nullable else ' NOT NULL'}" for one in relation.columns)
    return f"{relation.kind} ({columns})" + (f" with key ({', '.join(relation.key)})" if relation.key else "")


def describe_stamp(stamp: Stamp | None) -> str:
    """The fingerprint and the run, so that the same table made again is told from it."""
    if stamp is None:
        return NONE
    return f"{stamp.fingerprint} of run {stamp.run}" + (", protected" if stamp.protect else "")


def short(text: str) -> str:
    """The text, or what tells it from every other."""
    return text if len(text) <= LONGEST else f"{shorten(text, LONGEST + 1)} ({digest_of(text)})"


def digest_of(text: str) -> str:
    """Hex."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()

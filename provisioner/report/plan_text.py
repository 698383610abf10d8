"""A plan as text: aligned, and coloured by whoever is handed a `Paint`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from provisioner.declare.escape import one_line
from provisioner.declare.values import VIOLATIONS, Manifest
from provisioner.reconcile.values import Action, Drift, Mend, Plan, Reason, Rehearsed
from provisioner.reconcile.wording import many
from provisioner.report.converged import NOTHING_TO_DO, Paint, heading, plain
from provisioner.report.words import about, columns, lines_of, short

SIGNS = {
    **{Mend.CREATE: "+", Mend.RUN: "~", Mend.ALTER: "~"},
    **{Mend.ADOPT: "=", Mend.FORGET: "=", Mend.SWEEP: "-", Mend.DROP: "-"},
}
COLOURS = {"+": "green", "~": "yellow", "=": "cyan", "-": "red", "!": "red"}


def plan_text(plan: Plan, manifest: Manifest, paint: Paint = plain, *, statements: bool = False) -> str:
    """The whole plan: tier by tier what is done and why, and what nobody can do here.

    statements: also the SQL that changes declared tables.
    """
    lines = [heading(manifest, paint)]
    rows = [(action, row, one.place) for action in plan.actions for one, row in _action_rows(action)]
    cells = columns(row for _, row, _ in rows)
    for title, group in groupby(zip(rows, cells, strict=True), key=lambda item: _title(item[0][0], manifest)):
        lines += ["", paint(title, "bold")]
        lines += [_painted(cell, place, paint) for (_, _, place), cell in group]
    lines += _statement_lines(plan, paint) if statements else []
    lines += _hazard_lines(plan, paint)
    lines += _rehearsed_lines(plan, paint)
    lines += _remark_lines("by hand", plan.by_hand, paint)
    lines += _remark_lines("left alone", plan.orphans, paint)
    return "\n".join(lines)


def _title(action: Action, manifest: Manifest) -> str:
    return manifest.tiers[action.tier] if action.unit else "orphans"


def _action_rows(action: Action) -> Iterable[tuple[Drift, tuple[str, ...]]]:
    """For each reason its row, without the place."""
    sign = _sign(action)
    first: tuple[str, str, str] = (f"  {sign}", _names(action), _how(action))
    for one in action.reasons:
        fact = short(one.fact) if one.reason is Reason.UPSTREAM_CHANGED else one.fact
        fact = fact if len(action.tables) == 1 else f"{one.table} {fact}"
        yield one, (*first, str(one.reason), fact)
        first = ("   ", "", "")


def _sign(action: Action) -> str:
    new = action.mend is Mend.RUN and all(one.reason is Reason.MISSING for one in action.reasons)
    return "+" if new else SIGNS[action.mend]


def _names(action: Action) -> str:
    return ", ".join(map(str, action.tables)) if action.tables else short(action.unit)


def _how(action: Action) -> str:
    how = str(action.kind) if action.mend is Mend.RUN else str(action.mend)
    return f"{how} --full-refresh" if action.full_refresh else how


def _painted(cells: list[str], place: str, paint: Paint) -> str:
    sign = cells[0].strip()
    head = paint(cells[0], COLOURS[sign]) + " " + cells[1] if sign else cells[0] + " " + cells[1]
    told = f"{head}  {paint(cells[2], 'dim')}  {cells[3]}  {cells[4]}"
    return told + paint(f"  ({one_line(place)})", "dim") if place else told


def _statement_lines(plan: Plan, paint: Paint) -> list[str]:
    """In the order in which they are carried out; those of one table in one transaction."""
    found = [one for action in plan.actions if action.migration for one in action.migration.statements]
    return ["", paint("statements", "bold"), *(f"    {one_line(one)};" for one in found)] if found else []


def _hazard_lines(plan: Plan, paint: Paint) -> list[str]:
    if not plan.hazards:
        return []
    rows = lines_of((str(hazard.kind), str(hazard.table), hazard.fact) for hazard in plan.hazards)
    return ["", paint("hazards", "bold"), *(paint("  ! ", "red") + row for row in rows)]


def _rehearsed_lines(plan: Plan, paint: Paint) -> list[str]:
    if not plan.rehearsed:
        return []
    rows = lines_of((str(one.table), _how_it_went(one), one.error) for one in plan.rehearsed)
    signs = (paint("  ! ", "red") if one.error else "    " for one in plan.rehearsed)
    title = paint("rehearsed with its rows, and undone", "bold")
    return ["", title, *(sign + row for sign, row in zip(signs, rows, strict=True))]


def _how_it_went(one: Rehearsed) -> str:
    if one.error:
        return "fails"
    counted = f", {many(one.rows, 'row')}" if one.rows is not None else ""
    return f"works{counted}, {one.seconds:.2f} s"


def _remark_lines(title: str, drift: tuple[Drift, ...], paint: Paint) -> list[str]:
    if not drift:
        return []
    rows = ((str(one.table), str(one.reason), _placed(one.fact, one)) for one in drift)
    return ["", paint(title, "bold"), *lines_of(rows, "    ")]


def _placed(fact: str, one: Drift) -> str:
    return f"{fact}  ({one.place})" if one.place else fact


def plan_summary(plan: Plan) -> str:
    """The last line: what to expect, and what to do next."""
    if failed := sum(bool(one.error) for one in plan.rehearsed):
        return f"{many(failed, 'change')} would fail, and apply would undo it. Nothing was changed, and no plan saved."
    if not plan.actions:
        if plan.by_hand:
            return f"{many(len(plan.by_hand), 'difference')} to mend by hand; nothing here can."
        return NOTHING_TO_DO + _orphan_hint(plan)
    counts = {mend: sum(action.mend is mend for action in plan.actions) for mend in Mend}
    parts = [f"{count} to {mend}" for mend, count in counts.items() if count]
    estimate = f", {about(plan.estimate)}" if plan.estimate is not None else ""
    if any(hazard.kind in VIOLATIONS for hazard in plan.hazards):
        return f"{', '.join(parts)}, but rows are in the way: apply does nothing until they are mended."
    return f"{', '.join(parts)}{estimate}. Carry it out with: provision apply{_orphan_hint(plan)}"


def _orphan_hint(plan: Plan) -> str:
    loose = sum(one.mend is Mend.DROP for one in plan.orphans)
    return f"\n{many(loose, 'orphan')} left alone; to drop: provision apply --prune; to keep: `forget`" if loose else ""

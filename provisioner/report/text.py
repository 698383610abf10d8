"""Plans, results and histories as text: aligned, and coloured by whoever is handed a `Paint`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from provisioner.declare.values import Manifest
from provisioner.errors import ManifestError, ProvisionError
from provisioner.execute.events import Outcome
from provisioner.execute.history import History, RunRecord
from provisioner.execute.values import Run
from provisioner.observe.values import Graph, Unit
from provisioner.reconcile.order import sort_units
from provisioner.reconcile.values import Action, Drift, Mend, Plan, Reason
from provisioner.reconcile.wording import many
from provisioner.report.words import columns, lines_of, seconds, short

Paint = Callable[[str, str], str]
SIGNS = {Mend.RUN: "~", Mend.CREATE: "+", Mend.ADOPT: "=", Mend.SWEEP: "-", Mend.DROP: "-"}
COLOURS = {"+": "green", "~": "yellow", "=": "cyan", "-": "red", "!": "red"}


def plain(text: str, colour: str) -> str:
    """For a pipe."""
    return text


def plan_text(plan: Plan, manifest: Manifest, paint: Paint = plain) -> str:
    """The whole plan: tier by tier what is done and why, and what nobody can do here."""
    lines = [paint(f"{manifest.name}", "bold") + paint(f"  {manifest.database}", "dim")]
    rows = [(action, row) for action in plan.actions for row in _action_rows(action)]
    cells = columns(row for _, row in rows)
    for title, group in groupby(zip(rows, cells, strict=True), key=lambda item: _title(item[0][0], manifest)):
        lines += ["", paint(title, "bold")]
        lines += [_painted(cell, paint) for _, cell in group]
    lines += _hazard_lines(plan, paint)
    lines += _remark_lines("by hand", plan.by_hand, paint)
    lines += _remark_lines("left alone", plan.orphans, paint)
    return "\n".join(lines)


def _title(action: Action, manifest: Manifest) -> str:
    return manifest.tiers[action.tier] if action.unit else "orphans"


def _action_rows(action: Action) -> Iterable[tuple[str, ...]]:
    sign = _sign(action)
    first: tuple[str, str, str] = (f"  {sign}", _names(action), _how(action))
    for one in action.reasons:
        fact = short(one.fact) if one.reason is Reason.UPSTREAM_CHANGED else one.fact
        fact = fact if len(action.tables) == 1 else f"{one.table} {fact}"
        yield (*first, str(one.reason), _placed(fact, one))
        first = ("   ", "", "")


def _sign(action: Action) -> str:
    new = action.mend is Mend.RUN and all(one.reason is Reason.MISSING for one in action.reasons)
    return "+" if new else SIGNS[action.mend]


def _names(action: Action) -> str:
    return ", ".join(map(str, action.tables)) if action.tables else short(action.unit)


def _how(action: Action) -> str:
    how = str(action.kind) if action.mend is Mend.RUN else str(action.mend)
    return f"{how} --full-refresh" if action.full_refresh else how


def _painted(cells: list[str], paint: Paint) -> str:
    sign = cells[0].strip()
    head = paint(cells[0], COLOURS[sign]) + " " + cells[1] if sign else cells[0] + " " + cells[1]
    fact, bracket, place = cells[4].partition("  (")
    return f"{head}  {paint(cells[2], 'dim')}  {cells[3]}  {fact}" + paint(bracket + place, "dim")


def _hazard_lines(plan: Plan, paint: Paint) -> list[str]:
    if not plan.hazards:
        return []
    rows = lines_of((str(hazard.kind), str(hazard.table), hazard.fact) for hazard in plan.hazards)
    return ["", paint("hazards", "bold"), *(paint("  ! ", "red") + row for row in rows)]


def _remark_lines(title: str, drift: tuple[Drift, ...], paint: Paint) -> list[str]:
    if not drift:
        return []
    rows = ((str(one.table), str(one.reason), _placed(one.fact, one)) for one in drift)
    return ["", paint(title, "bold"), *lines_of(rows, "    ")]


def _placed(fact: str, one: Drift) -> str:
    return f"{fact}  ({one.place})" if one.place else fact


def plan_summary(plan: Plan) -> str:
    """The last line: what to expect, and what to do next."""
    if not plan.actions:
        if plan.by_hand:
            return f"{many(len(plan.by_hand), 'difference')} to mend by hand; nothing here can."
        return "Nothing to do: the database is as declared." + _orphan_hint(plan)
    counts = {mend: sum(action.mend is mend for action in plan.actions) for mend in Mend}
    parts = [f"{count} to {mend}" for mend, count in counts.items() if count]
    about = f", about {seconds(plan.estimate)}" if plan.estimate is not None else ""
    return f"{', '.join(parts)}{about}. Carry it out with: provision apply{_orphan_hint(plan)}"


def _orphan_hint(plan: Plan) -> str:
    loose = sum(one.mend is Mend.DROP for one in plan.orphans)
    return f"\n{many(loose, 'orphan')} left alone; to drop: provision apply --prune" if loose else ""


def run_text(run: Run, manifest: Manifest, paint: Paint = plain) -> str:
    """How a run ended, in a line; what failed is told by its error."""
    if not run.id:
        return plan_summary(run.plan)
    counts = {outcome: sum(result.outcome is outcome for result in run.units) for outcome in Outcome}
    parts = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    if run.error is None:
        return paint(f"{manifest.name} is as declared", "green") + f": {parts} in {seconds(run.seconds)}."
    return paint(f"{manifest.name} is not as declared", "red") + f": {parts} in {seconds(run.seconds)}."


def error_text(error: ProvisionError, paint: Paint = plain) -> str:
    """The error and its cure, each at the start of its own line."""
    if isinstance(error, ManifestError):
        count = many(len(error.problems), "problem")
        lines = [f"{one.place}: {paint(one.message, 'bold')}" + _cure_line(one.cure, paint) for one in error.problems]
        return "\n".join([paint("error: ", "red") + f"the manifest has {count}", *lines])
    return paint("error: ", "red") + error.message + _cure_line(error.cure, paint)


def _cure_line(cure: str, paint: Paint) -> str:
    return "\n" + paint("  cure: ", "green") + cure if cure else ""


def graph_text(graph: Graph, manifest: Manifest) -> str:
    """One line a unit: its tier, what it makes, its kind, what it reads."""
    return "\n".join(lines_of((_unit_row(unit, manifest) for unit in sort_units(graph.units.values(), graph)), "  "))


def _unit_row(unit: Unit, manifest: Manifest) -> tuple[str, ...]:
    made = ", ".join(map(str, unit.tables)) or short(unit.id)
    reads = "reads " + ", ".join(map(short, unit.reads)) if unit.reads else ""
    return manifest.tiers[unit.tier], made, str(unit.kind), reads


def history_text(history: History, paint: Paint = plain) -> str:
    """One line a run, the newest last."""
    if not history.runs:
        return "No run is on record."
    head = ("run", "begun (UTC)", "outcome", "took", "units", "who", "commit")
    first, *rest = lines_of([head, *(_run_row(run) for run in history.runs)])
    return "\n".join([paint(first, "bold"), *rest])


def _run_row(run: RunRecord) -> tuple[str, ...]:
    done = sum(unit.outcome in (Outcome.DONE, Outcome.ADOPTED) for unit in run.units)
    commit = (run.commit or "-")[:10] + ("" if run.clean in (True, None) else " + changes")
    took = seconds(run.seconds) if run.seconds is not None else "-"
    begun = run.begun[:19].replace("T", " ")
    return run.run, begun, run.outcome or "never ended", took, f"{done} of {len(run.planned)}", run.who, commit


def run_record_text(run: RunRecord, paint: Paint = plain) -> str:
    """One run with its units."""
    head = [
        ("run", run.run), ("command", run.command), ("manifest", f"{run.manifest} {run.digest[:12]}"), ("who", run.who),
        ("begun", run.begun), ("outcome", run.outcome or "never ended"),
        ("versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())),
    ]  # fmt: skip
    rows = lines_of(
        (
            short(unit.unit),
            unit.kind,
            unit.outcome or "never ended",
            seconds(unit.seconds) if unit.seconds is not None else "-",
            many(unit.rows, "row") if unit.rows is not None else unit.error,
        )
        for unit in run.units
    )  # fmt: skip
    lines = ["  ".join((paint(name.ljust(8), "dim"), value)) for name, value in head]
    return "\n".join([*lines, "", *("  " + row for row in rows), *([f"\n{run.error}"] if run.error else [])])

"""What is on record, as text."""

from __future__ import annotations

from provisioner.execute.events import Outcome
from provisioner.execute.history import History, RunRecord
from provisioner.reconcile.wording import many
from provisioner.report.converged import Paint, plain
from provisioner.report.words import lines_of, seconds, short


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

"""How a run ended, and what went wrong, as text."""

from __future__ import annotations

from provisioner.declare.values import Manifest
from provisioner.errors import MOST_PROBLEMS, ManifestError, Problem, ProvisionError
from provisioner.execute.events import Outcome
from provisioner.execute.values import Run
from provisioner.reconcile.wording import many
from provisioner.report.converged import Paint, plain
from provisioner.report.plan_text import plan_summary
from provisioner.report.words import LONGEST_MESSAGE, LONGEST_PROBLEM, cut, seconds


def run_text(run: Run, manifest: Manifest, paint: Paint = plain) -> str:
    """How a run ended, in a line; what failed is told by its error."""
    if not run.id:
        return plan_summary(run.plan)
    counts = {outcome: sum(result.outcome is outcome for result in run.units) for outcome in Outcome}
    parts = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) or "nothing was begun"
    if run.error is None:
        return paint(f"{manifest.name} is as declared", "green") + f": {parts} in {seconds(run.seconds)}."
    return paint(f"{manifest.name} is not as declared", "red") + f": {parts} in {seconds(run.seconds)}."


def error_text(error: ProvisionError, paint: Paint = plain) -> str:
    """The error and its cure, each at the start of its own line; of a manifest its first problems, each likewise."""
    if isinstance(error, ManifestError):
        count = many(len(error.problems), "problem") + (" or more" if len(error.problems) == MOST_PROBLEMS else "")
        lines = [_problem_text(one, paint) for one in error.told]
        return "\n".join([paint("error: ", "red") + f"the manifest has {count}", *lines, *error.untold])
    return paint("error: ", "red") + cut(error.message, LONGEST_MESSAGE) + _cure_line(error.cure, paint)


def _problem_text(one: Problem, paint: Paint) -> str:
    return f"{one.place}: {paint(cut(one.message, LONGEST_PROBLEM), 'bold')}" + _cure_line(one.cure, paint)


def _cure_line(cure: str, paint: Paint) -> str:
    return "\n" + paint("  cure: ", "green") + cut(cure, LONGEST_PROBLEM) if cure else ""

"""Results -> the error that a whole run ends with, or none. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Container, Sequence

from provisioner.declare.values import Allowance
from provisioner.errors import BusyError, HazardError, NotConvergedError, ProvisionError, StepError, StoppedError
from provisioner.execute.events import Outcome
from provisioner.execute.values import UnitResult
from provisioner.reconcile.values import Drift, Hazard, Plan


def judge(
    results: Sequence[UnitResult], plan: Plan, stopped_by: str, hook: ProvisionError | None = None
) -> ProvisionError | None:
    """What went wrong, None when every action did what it was to do. stopped_by: who ended the run, empty when
    nobody did. hook: of dbt's, that failed; it may be why nodes were skipped.
    """
    failed = [result for result in results if result.outcome is Outcome.FAILED and result.error]
    done = sum(result.outcome in (Outcome.DONE, Outcome.ADOPTED) for result in results)
    if stopped_by and done < len(plan.actions):
        return StoppedError(
            f"The run was ended by {stopped_by}; {done} of {len(plan.actions)} actions are done and stay done.",
            cure="Go on from here: provision apply",
        )
    if not failed or (hook and all(result.error and result.error.code == "skipped" for result in failed)):
        return hook or unmended(plan)
    first = failed[0].error
    assert first is not None
    if len(failed) == 1:
        return first
    names = ", ".join(result.unit for result in failed)
    # Whoever runs it by the clock knows by the exit code that the same will do a little later.
    kind = BusyError if isinstance(first, BusyError) else StepError
    return kind(f"{len(failed)} units failed: {names}. The first: {first.message}", code=first.code, cure=first.cure)


def unmended(plan: Plan) -> ProvisionError | None:
    """Drift of declared tables that no action removes."""
    if not plan.by_hand:
        return None
    facts = "; ".join(f"{one.table}: {one.reason}, {one.fact} ({one.place})" for one in plan.by_hand)
    return NotConvergedError(
        f"Declared tables that provision cannot change by itself: {facts}.",
        code="by_hand",
        cure="Change them with SQL of your own so that they match, or change what the manifest declares.",
    )


def not_converged(remaining: Sequence[Drift]) -> ProvisionError | None:
    """Every action did its work, and this is what is left."""
    if not remaining:
        return None
    facts = "; ".join(f"{one.table}: {one.reason}, {one.fact}" for one in remaining)
    return NotConvergedError(
        f"Every unit ran, and this is still not as declared: {facts}.",
        cure="Look at what the steps make against what the manifest wants: provision plan",
    )


def is_allowed(hazard: Hazard, allowed: Container[Allowance]) -> bool:
    """Whether somebody allowed its kind, for all tables or for this one."""
    return Allowance(hazard.kind) in allowed or Allowance(hazard.kind, hazard.table) in allowed


def endangered(hazards: Sequence[Hazard]) -> HazardError:
    """The plan is refused; nobody allowed these hazards."""
    named = dict.fromkeys(shlex.quote(f"{hazard.kind}:{hazard.table}") for hazard in hazards)
    facts = "; ".join(f"{hazard.table}: {hazard.kind}, {hazard.fact}" for hazard in hazards)
    return HazardError(
        f"The plan endangers data: {facts}. Nothing was done.",
        cure="If that is meant: provision apply " + " ".join(f"--allow {one}" for one in sorted(named)),
    )


def violated(hazards: Sequence[Hazard]) -> HazardError:
    """The plan is refused; nobody can allow it, since the change cannot be made with these rows."""
    facts = "; ".join(f"{hazard.table}: {hazard.kind}, {hazard.fact}" for hazard in hazards)
    return HazardError(
        f"Rows stand in the way of the plan: {facts}. Nothing was done.",
        code="rows_in_the_way",
        cure="Change or delete these rows, or change what the manifest declares. Then: provision plan",
    )


def protected(hazards: Sequence[Hazard]) -> HazardError:
    """The plan is refused; nobody can allow it as long as the tables are protected."""
    facts = "; ".join(f"{hazard.table}: {hazard.kind}, {hazard.fact}" for hazard in hazards if hazard.protected)
    return HazardError(
        f"The plan endangers protected tables: {facts}. Nothing was done.",
        code="protected",
        cure="If that is meant, write `protect: false` for them in the manifest first.",
    )

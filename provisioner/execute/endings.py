"""The errors with which a unit ends when something other than itself ended it."""

from __future__ import annotations

from provisioner.errors import ProvisionError, StepError, StoppedError
from provisioner.execute.events import Outcome
from provisioner.execute.interrupt import Stop
from provisioner.observe.values import Unit


def timed_out(unit: Unit) -> StepError:
    """For a unit whose time was over."""
    return StepError(
        f"{unit.id} took longer than its timeout of {unit.timeout:g} s.",
        code="timeout",
        cure=f"Give the step {unit.step} more time with `timeout:`, or find out what holds it up.",
    )


def stopped(stop: Stop) -> StoppedError:
    """For a unit that a signal or the caller ended."""
    return StoppedError(f"it was ended by {stop.reason}.", cure="Run `provision apply` again to go on from here.")


def not_started(stop: Stop) -> StoppedError:
    """For what a stop kept from beginning."""
    return StoppedError(f"it was not started: {stop.reason} came first.", cure="Go on from here: provision apply")


def skipped(source: str) -> StepError:
    """For what reads a unit that is broken."""
    return StepError(
        f"it reads {source}, which is not as it should be.",
        code="skipped",
        cure=f"Mend {source}, then run `provision apply` again.",
    )


def hook_failed(message: str) -> StepError:
    """For a run in which an on-run-start or on-run-end hook failed. message: dbt's own words."""
    return StepError(
        f"dbt: {' '.join(message.split())}",
        code="dbt_hook_failed",
        cure="Mend the hook in dbt_project.yml. What was built and verified is trusted; "
        "dbt runs its hooks again when it has something to build.",
    )


def after_the_disk_failed() -> StepError:
    """For what would have written to a disk that has failed."""
    return StepError(
        "it was not started: the disk failed before.", code="skipped", cure="Look at the disk, then run it again."
    )


def outcome_of(error: ProvisionError) -> Outcome:
    """How a unit with that error ended."""
    if isinstance(error, StoppedError):
        return Outcome.STOPPED
    return Outcome.SKIPPED if error.code == "skipped" else Outcome.FAILED

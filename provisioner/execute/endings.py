"""The errors with which a unit ends when something other than itself ended it."""

from __future__ import annotations

from provisioner.errors import StepError, StoppedError
from provisioner.execute.interrupt import Stop
from provisioner.observe.values import Unit


def timed_out(unit: Unit) -> StepError:
    return StepError(
        f"{unit.id} took longer than its timeout of {unit.timeout:g} s.",
        code="timeout",
        cure=f"Give the step {unit.step} more time with `timeout:`, or find out what holds it up.",
    )


def stopped(stop: Stop) -> StoppedError:
    return StoppedError(f"it was ended by {stop.reason}.", cure="Run `provision apply` again to go on from here.")


def skipped(source: str) -> StepError:
    return StepError(f"it reads {source}, which is not as it should be.", code="skipped")

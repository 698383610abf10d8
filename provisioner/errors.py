"""Every error a user can meet: one hierarchy, each with a stable code, the thing, the cause and the cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

EXIT_DONE, EXIT_FAILED, EXIT_DRIFT, EXIT_BUSY, EXIT_USAGE = 0, 1, 2, 3, 64
# As shells say that SIGINT ended a process.
EXIT_INTERRUPTED = 130
# Of what is wrong with a manifest: nothing more is looked for after so many problems, and the first so many are told.
MOST_PROBLEMS, TOLD_PROBLEMS = 100, 20


class ProvisionError(Exception):
    """Something that stops the work.

    message: names the thing and what was expected of it. cure: what to do about it, a command where there is one.
    code: stable, for programs; the same word for the same error in every version.
    """

    code = "failed"
    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, cure: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        if code:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message}\n{self.cure}" if self.cure else self.message


class UsageError(ProvisionError):
    """The command line or a call of the library asks for something that does not exist."""

    code = "usage"
    exit_code = EXIT_USAGE


class BusyError(ProvisionError):
    """Someone else holds the lock or the database."""

    code = "busy"
    exit_code = EXIT_BUSY


class DatabaseError(ProvisionError):
    """The database file cannot be used; it was left as it is."""

    code = "database"


class InputError(ProvisionError):
    """Something that the steps need is not there: files, a dbt project, room on the disk, permission to write."""

    code = "input"


class DbtError(ProvisionError):
    """dbt could not read its project, or its worker died."""

    code = "dbt"


class StepError(ProvisionError):
    """A unit failed; what it would have replaced is still there."""

    code = "step_failed"


class HazardError(ProvisionError):
    """The plan would endanger data and nobody allowed it."""

    code = "hazard"


class PlanError(ProvisionError):
    """A saved plan cannot be carried out: it is outdated, another's, or damaged. Nothing was done."""

    code = "plan_outdated"


class NotConvergedError(ProvisionError):
    """Every unit was carried out, or tried, and drift remains."""

    code = "not_converged"


class StoppedError(ProvisionError):
    """A signal, a timeout or the caller ended the run; what was done stays done."""

    code = "stopped"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a manifest. place: `file:line:column`."""

    place: str
    code: str
    message: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" {self.cure}" if self.cure else "")


class ManifestError(ProvisionError):
    """The manifest is not sound. problems: what was found, in the order of the file, at most MOST_PROBLEMS.

    message: the first of them, and how many there are besides.
    """

    code = "manifest"

    def __init__(self, problems: Iterable[Problem], *, cure: str = "") -> None:
        self.problems = tuple(islice(problems, MOST_PROBLEMS))
        super().__init__("\n".join([*map(str, self.told), *self.untold]), cure=cure)

    @property
    def told(self) -> tuple[Problem, ...]:
        """Those that a person meets at once."""
        return self.problems[:TOLD_PROBLEMS]

    @property
    def untold(self) -> tuple[str, ...]:
        """A line that says how many more there are; none where all are told."""
        more = len(self.problems) - len(self.told)
        least = "at least " if len(self.problems) == MOST_PROBLEMS else ""
        return (f"And {least}{more} more.",) if more else ()

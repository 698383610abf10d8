"""The files that a step's result depends on, watched while it works.

as the plan has seen them --begin--> watched --the step's effect--> the same: what it made may be trusted
     other ones: refused                                            changed: nobody knows which text it was made from
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.declare.signature import Signature, sign
from provisioner.declare.values import Step
from provisioner.errors import InputError
from provisioner.observe.files import resolve_input
from provisioner.observe.notes import Notes
from provisioner.observe.steps import read_step
from provisioner.observe.values import Unit


@dataclass(frozen=True, slots=True)
class Watch:
    """files: each with its signature from before it was read. patterns: (text, folder, the files that matched)."""

    files: Mapping[str, Signature | None]
    patterns: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def changed(self) -> tuple[str, ...]:
        """What is another now: files, and patterns that name other ones."""
        files = (path for path, signature in self.files.items() if sign(path) != signature)
        return (*files, *(text for text, folder, found in self.patterns if _matches(text, folder) != found))


def begin_watch(unit: Unit, step: Step, folder: Path, notes: Notes) -> Watch:
    """Watch what the unit's fingerprint was taken from, from now on. notes: new ones, for this unit alone.

    Raises InputError (changed_meanwhile) when it is not what the unit was planned by any more, and as `read_step`.
    """
    facts = read_step(step, unit.wants, folder, notes)
    others = [label for label in {**unit.inputs, **facts.inputs} if unit.inputs.get(label) != facts.inputs.get(label)]
    if facts.definition != unit.definition:
        others.insert(0, step.source)
    refuse_changes(others, f"before {unit.id} began")
    return Watch(notes.signatures(), notes.looked().wildcards)


def refuse_changes(files: Sequence[str], when: str) -> None:
    """Raises InputError (changed_meanwhile) where there are any. when: "while dbt ran", for instance."""
    if files:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        raise InputError(
            f"{files[0]}{more} changed {when}, after the plan was made: nobody would know from which text it was made.",
            code="changed_meanwhile",
            cure="Run `provision apply` again; the tables are what they were before.",
        )


def _matches(text: str, folder: str) -> tuple[str, ...]:
    return tuple(map(str, resolve_input(text, Path(folder))))

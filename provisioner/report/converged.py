"""What plan and apply say where there is nothing to do. Light to import, for it is what they say most."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

FORMAT = 1
NOTHING_TO_DO = "Nothing to do: the database is as declared."
Paint = Callable[[str, str], str]


class Subject(Protocol):
    """Whose plan or run it is: a manifest, or the proof that it is converged."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def environment(self) -> str | None: ...
    @property
    def database(self) -> Path: ...


def plain(text: str, colour: str) -> str:
    """For a pipe."""
    return text


def heading(subject: Subject, paint: Paint = plain) -> str:
    """The first line of a plan."""
    return paint(subject.name, "bold") + paint(f"  {subject.database}", "dim")


def empty_plan_text(subject: Subject, paint: Paint = plain) -> str:
    return f"{heading(subject, paint)}\n\n{NOTHING_TO_DO}"


def empty_plan_json(subject: Subject) -> dict[str, Any]:
    """Also the frame of any other plan."""
    return {
        "format": FORMAT,
        "manifest": {"name": subject.name, "digest": subject.digest, "environment": subject.environment},
        "database": str(subject.database),
        "converged": True,
        "estimate_seconds": None,
        "actions": [],
        "by_hand": [],
        "orphans": [],
        "rehearsed": [],
    }


def empty_run_json(subject: Subject, seconds: float) -> dict[str, Any]:
    """Also the frame of any other run. seconds: wall time."""
    return {
        "format": FORMAT,
        "run": None,
        "outcome": "done",
        "seconds": round(seconds, 3),
        "database": str(subject.database),
        "missing": [],
        "made": [],
        "units": [],
        "error": None,
    }


def dump(body: dict[str, Any]) -> str:
    """Two spaces, keys as they are written here."""
    import json

    return json.dumps(body, indent=2, ensure_ascii=False, default=str)

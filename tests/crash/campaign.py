"""What every row of the crash campaign takes and returns."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to try. folder: an empty one, for this row alone. short: a seeded sample instead of every point.

    jobs: so many processes at once.
    """

    folder: Path
    seed: int = 1
    short: bool = False
    jobs: int = 1

    def sample(self, points: Sequence[T], at_most: int) -> list[T]:
        """All points, or in the short form a seeded few, in their order."""
        if not self.short or len(points) <= at_most:
            return list(points)
        chosen = set(random.Random(self.seed).sample(range(len(points)), at_most))
        return [point for number, point in enumerate(points) if number in chosen]


@dataclass(frozen=True, slots=True)
class Result:
    """points: how many were tried. failures: one line each, enough to repeat it. note: what else to know."""

    points: int
    failures: tuple[str, ...] = ()
    note: str = ""


Row = Callable[[Scale], Result]

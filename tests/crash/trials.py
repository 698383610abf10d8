"""One death after another in a world, then the same command once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign import Scale
from ground import lay, own
from points import BEGINNINGS, Point
from side_by_side import Outcome, try_all
from strike import NotStruck, kill


@dataclass(frozen=True, slots=True)
class Trial:
    """points: where to die, one death a run."""

    world: str
    points: tuple[Point, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return self.points[0].words

    def __str__(self) -> str:
        return f"{self.world}: {', then '.join(point.name for point in self.points)}"


def undergo(folder: Path, trial: Trial) -> Outcome:
    """Die at the points in turn, then give the command once more. A point that is not reached ends the dying.

    folder: where the world is laid, or is already.
    """
    ground = lay(BEGINNINGS[trial.world], folder, trial.words)
    manifest, struck, why = ground.put(), 0, ""
    for point in trial.points:
        try:
            kill(manifest, point.strike, *trial.words)
        except NotStruck as missed:
            why = str(missed)
            break
        struck += 1
    complaints = ground.resume()
    return Outcome(struck, tuple(complaints if struck else (why, *complaints)))


def _undergo_here(folder: Path, trial: Trial) -> Outcome:
    return undergo(own(folder), trial)


def undergo_all(scale: Scale, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Outcome]]:
    """Each trial with its outcome, in turn; whoever has enough may stop listening."""
    return try_all(scale, _undergo_here, trials)

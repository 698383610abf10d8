"""One death after another in a world, then the same command once more; and many such trials, side by side."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from campaign import Scale
from points import BEGINNINGS, Point
from stage import Stage
from strike import NotStruck, kill

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """struck: so many of the deaths came. complaints: what is not as in an undisturbed run, a line each."""

    struck: int
    complaints: tuple[str, ...] = ()


def undergo(stage: Stage, trial: Trial) -> Outcome:
    """Die at the points in turn, then give the command once more. A point that is not reached ends the dying."""
    world = BEGINNINGS[trial.world]
    stage.undisturbed(world, trial.words)
    manifest, struck, why = stage.set_up(world), 0, ""
    for point in trial.points:
        try:
            kill(manifest, point.strike, *trial.words)
        except NotStruck as missed:
            why = str(missed)
            break
        struck += 1
    complaints = stage.judge(world, manifest, trial.words)
    return Outcome(struck, tuple(complaints if struck else (why, *complaints)))


@cache
def stage_of_this_process(folder: Path) -> Stage:
    return Stage(folder / f"stage-{os.getpid()}")


def _undergo_here(folder: Path, trial: Trial) -> Outcome:
    try:
        return undergo(stage_of_this_process(folder), trial)
    except Exception as problem:
        return Outcome(0, (f"{type(problem).__name__}: {problem}",))


def undergo_all(scale: Scale, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Outcome]]:
    """Each trial with its outcome, in turn; whoever has enough may stop listening."""
    return in_processes(scale, _undergo_here, trials)


def in_processes(scale: Scale, work: Callable[[Path, T], Outcome], things: Sequence[T]) -> Iterator[tuple[T, Outcome]]:
    """Do the work for each thing, so many at once as the scale says, and tell how it goes on stderr."""
    begun, done, rest = time.monotonic(), 0, iter(things)
    with ProcessPoolExecutor(scale.jobs, mp_context=get_context("fork")) as pool:
        while some := list(islice(rest, 4 * scale.jobs)):
            futures = [(thing, pool.submit(work, scale.folder, thing)) for thing in some]
            for thing, future in futures:
                outcome = future.result()
                done += 1
                for line in outcome.complaints:
                    print(f"  {thing}: {line}"[:1500], file=sys.stderr, flush=True)
                if done % 25 == 0:
                    print(f"  {done} of {len(things)}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
                yield thing, outcome


def failure(thing: object, outcome: Outcome) -> str:
    """The one line of a failure."""
    return f"{thing}: {' ; '.join(outcome.complaints)}"[:1500]

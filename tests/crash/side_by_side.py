"""Many trials at once, each in one of a few processes, and how they went."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from campaign import Scale

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """struck: so many of the deaths or faults came. complaints: what is not as in an undisturbed run, a line each."""

    struck: int
    complaints: tuple[str, ...] = ()

    @property
    def missed(self) -> bool:
        """Whether nothing came, and nothing is wrong either."""
        return not self.struck and not self.complaints


def in_processes(scale: Scale, work: Callable[[Path, T], R], things: Sequence[T]) -> Iterator[tuple[T, R]]:
    """Do the work for each thing, so many at once as the scale says, and tell how it goes on stderr.

    work: takes the row's folder and the thing. Whoever has enough may stop listening.
    """
    begun, done, rest = time.monotonic(), 0, iter(things)
    with ProcessPoolExecutor(scale.jobs, mp_context=get_context("fork")) as pool:
        while some := list(islice(rest, 4 * scale.jobs)):
            futures = [(thing, pool.submit(work, scale.folder, thing)) for thing in some]
            for thing, future in futures:
                result = future.result()
                done += 1
                if done % 25 == 0:
                    print(f"  {done} of {len(things)}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
                yield thing, result


def try_all(scale: Scale, trial: Callable[[Path, T], Outcome], things: Sequence[T]) -> Iterator[tuple[T, Outcome]]:
    """Each thing with the outcome of its trial, in turn; complaints are told on stderr at once."""
    for thing, outcome in in_processes(scale, partial(_try, trial), things):
        if outcome.complaints:
            print(f"  {failure(thing, outcome)}", file=sys.stderr, flush=True)
        yield thing, outcome


def _try(trial: Callable[[Path, T], Outcome], folder: Path, thing: T) -> Outcome:
    try:
        return trial(folder, thing)
    except Exception as problem:
        return Outcome(0, (f"{type(problem).__name__}: {problem}",))


def failure(thing: object, outcome: Outcome) -> str:
    """The one line of a failure."""
    return f"{thing}: {'; '.join(outcome.complaints)}"[:1500]


def failures_of(found: Iterable[tuple[object, Outcome]]) -> tuple[str, ...]:
    """One line for each thing with complaints."""
    return tuple(failure(thing, outcome) for thing, outcome in found if outcome.complaints)

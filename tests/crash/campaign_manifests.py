"""Manifests by mutation of sound ones and by hypothesis: no traceback, each under 2 s and 300 MB.

Those that load and need no dbt are planned too. A failure names seed and number: `attempt_of(seed, number, …)` in
tests/declare/mutations.py makes that manifest again; of hypothesis, its own words tell it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

from campaign import Result, Scale

sys.path.append(str(Path(__file__).resolve().parents[1] / "declare"))

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from mutations import TREES, Attempt, attempt_of, sound_texts, written
from trial import complaints, prepare

FULL, SHORT, CHUNK = 100_000, 2_000, 500
# Of every so many chunks, one is made by hypothesis.
EVERY = 5
HUNG_SECONDS = 60


def campaign(scale: Scale) -> Result:
    """One point is one manifest."""
    points = SHORT if scale.short else FULL
    failures: list[str] = []
    with ProcessPoolExecutor(scale.jobs, get_context("fork")) as workers:
        due = [workers.submit(_chunk, scale.seed, first, scale.folder) for first in range(0, points, CHUNK)]
        for number, one in enumerate(as_completed(due), 1):
            failures += one.result()
            if number % 10 == 0:
                told = f"manifests: {number * CHUNK:,} of {points:,}, {len(failures)} failures"
                print(told, file=sys.stderr, flush=True)
    return Result(points, tuple(sorted(failures)), f"1 in {EVERY} by hypothesis")


def _chunk(seed: int, first: int, folder: Path) -> list[str]:
    signal.signal(signal.SIGALRM, _hung)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    made = _made_by_hypothesis if (first // CHUNK) % EVERY == EVERY - 1 else _mutated
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = prepare(Path(name))
        return [f"{what}: {words}" for what, attempt in made(seed, first) for words in _tried(attempt, place)]


def _tried(attempt: Attempt, place: Path) -> Iterable[str]:
    signal.alarm(HUNG_SECONDS)
    try:
        return complaints(attempt, place)
    except TimeoutError:
        return [f"hung for {HUNG_SECONDS} s"]
    finally:
        signal.alarm(0)


def _hung(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def _mutated(seed: int, first: int) -> Iterator[tuple[str, Attempt]]:
    texts = sound_texts()
    for number in range(first, first + CHUNK):
        yield f"seed {seed} number {number}", attempt_of(seed, number, texts)


def _made_by_hypothesis(seed: int, first: int) -> Iterator[tuple[str, Attempt]]:
    found: list[Attempt] = []

    @seeded(seed + first)
    @settings(
        max_examples=CHUNK,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(TREES)
    def collect(tree: object) -> None:
        found.append(Attempt(written(tree)))

    collect()
    for attempt in found[:CHUNK]:
        yield f"hypothesis seed {seed + first} {attempt.manifest[:300]!r}", attempt

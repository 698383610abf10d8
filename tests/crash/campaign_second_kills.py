"""Killed at a failpoint, and killed again in what the next run does about it; then the same command once more."""

from __future__ import annotations

import random
from collections.abc import Sequence

from campaign import Result, Scale
from points import BEGINNINGS, DEAR, DEARER, POINTS, RECOVERY, Point
from side_by_side import failure
from trials import Trial, undergo_all

PAIRS, PAIRS_WITH_DBT, PAIRS_IN_SHORT = 210, 20, 10


def campaign(scale: Scale) -> Result:
    """Only pairs in which both deaths came are counted; the command after them is judged in every case."""
    if scale.short:
        counts = [_try(scale, _pairs(scale, dbt=False), PAIRS_IN_SHORT)]
    else:
        counts = [_try(scale, _pairs(scale, dbt=dbt), PAIRS_WITH_DBT if dbt else PAIRS) for dbt in (False, True)]
    failures = tuple(line for _, found in counts for line in found)
    return Result(sum(count for count, _ in counts), failures, f"{counts[-1][0]} of them with dbt" * (not scale.short))


def _try(scale: Scale, pairs: Sequence[Trial], enough: int) -> tuple[int, list[str]]:
    count, failures = 0, []
    for trial, outcome in undergo_all(scale, pairs):
        count += outcome.struck == 2
        if outcome.complaints:
            failures.append(failure(trial, outcome))
        if count >= enough:
            return count, failures
    return count, [*failures, f"only {count} of {enough} pairs came, of {len(pairs)} that were tried"]


def _pairs(scale: Scale, *, dbt: bool) -> list[Trial]:
    """Every pair that may come, in an order that the seed gives."""
    places = [(world, point) for point in POINTS for world in point.worlds if BEGINNINGS[world].dbt is dbt]
    pairs = [
        Trial(world, (first, second))
        for world, first in places
        for second in _after(first, world, dbt)
        if second.words == first.words
    ]
    random.Random(scale.seed).shuffle(pairs)
    return pairs


def _after(first: Point, world: str, dbt: bool) -> list[Point]:
    """What the next run may come to. With dbt every trial is dear: only where dbt itself or recovery is at work."""
    if dbt:
        return [*DEAR, *DEARER, *RECOVERY]
    return [point for point in POINTS if world in point.worlds]

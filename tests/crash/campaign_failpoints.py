"""Killed at every named failpoint, in every world where it is reached; then the same command once more."""

from __future__ import annotations

from campaign import Result, Scale
from points import POINTS
from trials import Trial, failure, undergo_all


def campaign(scale: Scale) -> Result:
    trials = [Trial(world, (point,)) for point in POINTS for world in point.worlds]
    tried = scale.sample(trials, 12)
    found = list(undergo_all(scale, tried))
    failures = tuple(failure(trial, outcome) for trial, outcome in found if outcome.complaints)
    struck = sum(outcome.struck for _, outcome in found)
    return Result(struck, failures, f"{len(POINTS)} failpoints in {len({trial.world for trial in trials})} worlds")

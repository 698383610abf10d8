"""Killed at every named failpoint, in every world where it is reached; then the same command once more."""

from __future__ import annotations

from campaign import Result, Scale
from points import POINTS
from side_by_side import failures_of
from trials import Trial, undergo_all


def campaign(scale: Scale) -> Result:
    trials = [Trial(world, (point,)) for point in POINTS for world in point.worlds]
    tried = scale.sample(trials, 12)
    found = list(undergo_all(scale, tried))
    struck = sum(outcome.struck for _, outcome in found)
    note = f"{len(POINTS)} failpoints in {len({trial.world for trial in trials})} worlds"
    return Result(struck, failures_of(found), note)

"""SIGKILL at random moments, a few: the campaign tries hundreds (`campaign_kills.py`)."""

from __future__ import annotations

from pathlib import Path

from campaign_kills import kill_and_resume, moments
from ground import lay
from worlds import WORLDS

SEED, KILLS = 4, 6


def test_killed_at_any_moment_the_next_apply_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    ground = lay(WORLDS["fresh"], tmp_path)
    found = {str(at): kill_and_resume(ground, at.point) for at in moments(SEED, {"fresh": KILLS})}
    # Some may come too late: then nothing was interrupted.
    in_time = {moment: complaints for moment, complaints in found.items() if complaints is not None}
    assert len(in_time) >= KILLS / 2
    assert not any(in_time.values()), in_time

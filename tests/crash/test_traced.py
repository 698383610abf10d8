"""Killed before a system call, some of them: the campaign tries all (`campaign_syscalls.py`)."""

from __future__ import annotations

import pytest
from campaign_syscalls import kill_and_resume
from ground import Ground, lay
from traced import STRACE, Point
from worlds import WORLDS

POINTS = (
    Point("apply", "rename", 2),  # the new database gets its name
    Point("apply", "pwrite64", 5),
    Point("apply", "fdatasync", 6),
    Point("apply", "unlink", 4),
    Point("worker", "fdatasync", 2),
    Point("worker", "pwrite64", 2),
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return lay(WORLDS["fresh"], tmp_path_factory.mktemp("traced"))


@pytest.mark.skipif(STRACE is None, reason="needs strace")
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_killed_before_a_call_the_next_apply_ends_as_if_nothing_had_been(ground: Ground, point: Point) -> None:
    assert kill_and_resume(ground, point) == []

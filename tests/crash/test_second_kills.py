"""Killed, and killed again in the recovery: one more of the same command ends as if nobody had disturbed it."""

from __future__ import annotations

from pathlib import Path

import pytest
from points import POINTS
from side_by_side import Outcome
from trials import Trial, undergo

NAMED = {point.name: point for point in POINTS}
PAIRS = (
    ("interrupted", "in the middle of putting back", "before recovery commits"),
    ("interrupted", "after recovery", "when trust is withdrawn, before the effect"),
    ("fresh", "when the new file is synced", "before the new file gets its name"),
    ("repair", "the same, of a script", "after the commit, before it is read back"),
    ("damaged", "when a damaged journal is set aside", "between write and sync of run_begun"),
    ("died", "when a restart has withdrawn", "when a restart has made again"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each world is laid in it once."""
    return tmp_path_factory.mktemp("grounds")


@pytest.mark.parametrize(("world", "first", "second"), PAIRS)
def test_after_two_deaths_the_same_command_ends_as_if_nobody_had_disturbed_it(
    folder: Path, world: str, first: str, second: str
) -> None:
    trial = Trial(world, (NAMED[first], NAMED[second]))
    assert undergo(folder, trial) == Outcome(struck=2), str(trial)

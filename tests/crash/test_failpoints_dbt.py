"""Killed while dbt is at work, or its worker killed alone: what is not idempotent has happened once in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from points import DEAR, Point
from side_by_side import Outcome
from trials import Trial, undergo

pytestmark = pytest.mark.usefixtures("dbt_is_imported")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each world is laid in it once."""
    return tmp_path_factory.mktemp("grounds")


@pytest.mark.parametrize("point", DEAR, ids=lambda point: point.name)
def test_after_a_kill_around_dbt_the_same_command_ends_as_if_nobody_had_disturbed_it(
    folder: Path, point: Point
) -> None:
    assert undergo(folder, Trial(point.worlds[0], (point,))) == Outcome(struck=1)

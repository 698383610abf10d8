"""Killed while dbt is at work, or its worker killed alone: what is not idempotent has happened once in the end."""

from __future__ import annotations

import pytest
from points import BEGINNINGS, DEAR, Point
from stage import Stage
from strike import kill


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.mark.parametrize("point", DEAR, ids=lambda point: point.name)
def test_after_a_kill_around_dbt_the_same_command_ends_as_if_nobody_had_disturbed_it(
    stage: Stage, point: Point
) -> None:
    world = BEGINNINGS[point.worlds[0]]
    stage.undisturbed(world, point.words)
    manifest = stage.set_up(world)
    kill(manifest, point.strike, *point.words)
    assert stage.judge(world, manifest, point.words) == []

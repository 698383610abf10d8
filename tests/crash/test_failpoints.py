"""Killed at any named point, one more of the same command ends with what an undisturbed run makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from ground import lay
from points import BEGINNINGS, POINTS, Point
from side_by_side import Outcome
from strike import NotStruck, Strike, kill
from trials import Trial, undergo
from worlds import database_of

QUICK = [point for point in POINTS if not BEGINNINGS[point.worlds[0]].dbt]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each world is laid in it once."""
    return tmp_path_factory.mktemp("grounds")


@pytest.mark.parametrize("point", QUICK, ids=lambda point: point.name)
def test_after_a_kill_the_same_command_ends_as_if_nobody_had_disturbed_it(folder: Path, point: Point) -> None:
    assert undergo(folder, Trial(point.worlds[0], (point,))) == Outcome(struck=1)


def test_a_new_database_has_another_name_until_it_is_whole(folder: Path) -> None:
    manifest = lay(BEGINNINGS["bare"], folder).put()
    kill(manifest, Strike("observe.database:sync"), "apply")
    assert not database_of(manifest).exists()


def test_there_are_points_enough_and_each_has_its_own_name() -> None:
    assert len({point.name for point in POINTS}) == len(POINTS) >= 45


def test_a_point_that_is_never_reached_is_an_error_not_a_success(folder: Path) -> None:
    manifest = lay(BEGINNINGS["repair"], folder).put()
    with pytest.raises(NotStruck, match="never came to"):
        kill(manifest, Strike("execute.locked:create"), "apply")
    with pytest.raises(NotStruck, match="has no attribute 'no_such_function'"):
        kill(manifest, Strike("execute.locked:no_such_function"), "apply")


def test_nothing_of_it_is_in_provision() -> None:
    source = Path(__import__("provisioner").__file__).parent
    words = ("CRASH_TRAP", "failpoint", "sitecustomize")
    assert not [path for path in source.rglob("*.py") if any(word in path.read_text("utf-8") for word in words)]

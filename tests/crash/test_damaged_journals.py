"""A damaged journal after a death: nothing that was done is done again, nothing that was not is hidden."""

from __future__ import annotations

import pytest
from journals import Damage, complaints
from stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


RESUMED = (Damage("deleted"), Damage("folder"), Damage("fifo"), Damage("ends in zeros"), Damage("bit flipped", 9000))


@pytest.mark.parametrize("damage", RESUMED, ids=str)
def test_the_next_apply_goes_on_as_if_the_journal_were_sound(stage: Stage, damage: Damage) -> None:
    assert complaints(stage, damage, restart=False) == []


@pytest.mark.parametrize("damage", [Damage("cut at byte", 700), Damage("foreign")], ids=str)
def test_a_restart_ends_well_whatever_the_journal_says(stage: Stage, damage: Damage) -> None:
    assert complaints(stage, damage, restart=True) == []

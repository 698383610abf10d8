"""A damaged journal after a death: nothing that was done is done again, nothing that was not is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from journals import Damage, complaints, ground_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each world is laid in it once."""
    return tmp_path_factory.mktemp("grounds")


RESUMED = (Damage("deleted"), Damage("folder"), Damage("fifo"), Damage("ends in zeros"), Damage("bit flipped", 9000))


@pytest.mark.parametrize("damage", RESUMED, ids=str)
def test_the_next_apply_goes_on_as_if_the_journal_were_sound(folder: Path, damage: Damage) -> None:
    assert complaints(ground_of(folder, restart=False), damage) == []


@pytest.mark.parametrize("damage", [Damage("cut at byte", 700), Damage("foreign")], ids=str)
def test_a_restart_ends_well_whatever_the_journal_says(folder: Path, damage: Damage) -> None:
    assert complaints(ground_of(folder, restart=True), damage) == []

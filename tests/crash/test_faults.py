"""Disks that are full and files of another, a few: the campaign tries every call (`campaign_faults.py`)."""

from __future__ import annotations

import pytest
from campaign_faults import meet_and_mend
from faults import ROOT, Bound, Disk, Fault, Right
from ground import Ground, lay
from worlds import WORLDS

FAULTS: tuple[Fault, ...] = (
    Bound(16_384),
    Bound(1_200_000),
    *((Disk(16_384), Disk(600_000)) if ROOT else ()),
    Right("..", 0o555),
    Right("", 0o444),
    Right(".journal", 0o444),
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return lay(WORLDS["repair"], tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_costs_nothing_that_was_there_and_one_apply_makes_the_rest(ground: Ground, fault: Fault) -> None:
    assert meet_and_mend(ground, fault) == []

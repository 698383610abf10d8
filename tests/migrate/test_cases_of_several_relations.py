"""The cases that need a database of their own: several relations, foreign keys, views."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from letting_go import let_go
from test_migration_cases import ALONE, FORBIDDEN, ask, judge, refusal, rows_of, seen, write

import provisioner
from provisioner.reconcile.values import Plan


@pytest.mark.parametrize("name", ALONE)
def test_changes_of_several_relations(name: str, tmp_path: Path) -> None:
    case = ALONE[name]
    one, two = (yaml.safe_load(text) for text in (case.before, case.after))
    provisioner.apply(write(tmp_path, one if case.more else {"t": one}), cache=False)
    ask(tmp_path, "main", *rows_of(case), "SELECT 1")
    path = write(tmp_path, two if case.more else {"t": two})
    plan = provisioner.plan(path, cache=False)
    everything = {table for action in plan.actions for table in action.tables} | {one.table for one in plan.by_hand}
    ending = seen(plan, everything)
    if "breaks_view" in case.hazards:
        assert refusal(path, set()) == "hazard"
    ending.code = refusal(path, set(case.hazards) - FORBIDDEN)
    ending.left = list(_left(provisioner.plan(path, cache=False)))
    ending.kept = ask(tmp_path, "main", case.query)
    judge(case, ending)
    let_go(tmp_path / "shop.duckdb")


def _left(plan: Plan) -> Iterator[str]:
    for action in plan.actions:
        yield from (one.fact for one in action.reasons)
    yield from (one.fact for one in plan.by_hand)

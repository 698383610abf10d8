"""A saved plan with dbt in it: killed in the middle and given again, and refused when its project changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt_shops import AFTER, SLOW, Shop, kill_in, table
from test_dbt_endings_of_apply import BODY, FILES

from provisioner import PlanError


def test_a_plan_killed_within_dbt_is_gone_on_with_by_giving_it_again(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", BODY)
    shop.write(FILES)
    plan = tmp_path / "plan.json"
    shop.plan(out=plan)
    kill_in(shop, "slow", str(plan))
    shop.do("DELETE FROM pace", "CREATE TABLE slow__dbt_tmp AS SELECT 1 AS i")
    run = shop.apply(plan=plan)
    assert "pace" not in {str(name) for name in run.made}
    assert shop.content(["quick", "log", "shown", "slow", "after_slow"]) == {
        "quick": [(1,)], "log": [(1,)], "shown": [(1,)], "slow": [(0.0,)], "after_slow": [(1.0,)],
    }  # fmt: skip
    assert shop.apply(plan=plan).id == ""
    shop.write({"dbt/models/slow.sql": table("table", AFTER.format("log") + SLOW.format(who="mart") + " + 0")})
    shop.plan(out=plan)
    shop.write({"dbt/models/after_slow.sql": table("table", "select s + 2 as s from {{ ref('slow') }}")})
    with pytest.raises(PlanError, match=r"after_slow: fingerprint was \w+, is \w+"):
        shop.apply(plan=plan)

"""A manifest that names what dbt selects instead of dbt's tables: planned and applied as if each were written out."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt_shops import Shop, table

from provisioner import UsageError

FILES = {
    "dbt/seeds/regions.csv": "region,name\nn,north\ns,south\n",
    "dbt/models/staging/stg_regions.sql": table("view", "select * from {{ ref('regions') }}"),
    "dbt/models/staging/inlined.sql": table("ephemeral", "select * from {{ ref('stg_regions') }}"),
    "dbt/models/totals.sql": table("table", "select count(*) as n from {{ ref('inlined') }}", tags="['nightly']"),
    "dbt/models/unasked.sql": table("table", "select * from {{ ref('totals') }}"),
    "sql/report.sql": "SELECT n + 1 AS more FROM totals",
}
BODY = {
    "tiers": ["raw", "mart"],
    "steps": {
        "seeds": {"dbt": "seed"},
        "models": {"dbt": "run"},
        "report": {"sql": "sql/report.sql", "reads": ["totals"]},
    },
    "tables": {"report": {"tier": "mart", "step": "report"}},
    "tables_from": [
        {"step": "seeds", "select": "resource_type:seed", "tier": "raw"},
        {"step": "models", "select": "+tag:nightly", "tier": "mart"},
    ],
}


def test_selected_tables_are_planned_narrowed_and_applied_like_written_ones(tmp_path: Path) -> None:
    shop = Shop(tmp_path, BODY)
    shop.write(FILES)
    run = shop.apply()
    assert run.outcome == "done" and shop.ask("FROM report") == [(3,)]
    places = {str(one.table): one.place for action in run.plan.actions for one in action.reasons}
    assert sorted(places) == ["regions", "report", "stg_regions", "totals"]
    assert places["stg_regions"] == places["totals"] != places["regions"]
    assert places["totals"].startswith(str(shop.manifest))
    with pytest.raises(UsageError) as unknown:
        shop.apply(rebuild=["stg_region"])
    assert unknown.value.cure == "Did you mean stg_regions?"
    shop.check_settled()

    shop.do("DROP TABLE regions", "DROP VIEW stg_regions", "DROP TABLE totals")
    assert shop.due(target=["stg_regions"]) == {"regions": "missing", "stg_regions": "missing"}

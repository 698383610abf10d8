"""A node that fails costs itself and what reads it; what was there stays, and the rest is done."""

from __future__ import annotations

from pathlib import Path

from dbt_shops import Shop, due, outcomes, table

FILES = {
    "dbt/seeds/prices.csv": "id,price\n1,10\n2,20\n",
    "dbt/seeds/seeds.yml": "seeds: [{name: prices, config: {column_types: {id: integer, price: integer}}}]\n",
    "dbt/models/of_prices.sql": table("table", "select * from {{ ref('prices') }}"),
    "dbt/models/wrong.sql": table("table", "select 1 as i"),
    "dbt/models/after_wrong.sql": table("table", "select i + 1 as i from {{ ref('wrong') }}"),
    "dbt/models/view_of_wrong.sql": table("view", "select i from {{ ref('after_wrong') }}"),
    "dbt/models/short.sql": table("table", "select range as i from range(2)"),
    "dbt/models/after_short.sql": table("table", "select count(*) as n from {{ ref('short') }}"),
    "dbt/models/view_of_short.sql": table("view", "select i as j from {{ ref('short') }}"),
    "dbt/models/misfit.sql": table("table", "select 1::integer as i"),
    "dbt/models/fine.sql": table("table", "select 1 as v"),
}
MART = {"tier": "mart", "step": "models"}
BODY = {
    "tiers": ["seed", "mart"],
    "steps": {"seeds": {"dbt": "seed"}, "models": {"dbt": "run"}},
    "tables": {
        "prices": {"tier": "seed", "step": "seeds"},
        **{name: MART for name in ("of_prices", "wrong", "after_wrong", "after_short", "fine")},
        **{name: {**MART, "kind": "view"} for name in ("view_of_wrong", "view_of_short")},
        "short": {**MART, "expect": {"min_rows": 2}},
        "misfit": {**MART, "columns": {"i": "INTEGER"}},
    },
}
FIRST = {
    "prices": [(1, 10), (2, 20)], "of_prices": [(1, 10), (2, 20)], "wrong": [(1,)], "after_wrong": [(2,)],
    "view_of_wrong": [(2,)], "short": [(0,), (1,)], "after_short": [(2,)], "view_of_short": [(0,), (1,)],
    "misfit": [(1,)], "fine": [(1,)],
}  # fmt: skip
SPOILED = {
    "dbt/seeds/prices.csv": "id,price\n1,11\n2,dear\n",
    "dbt/models/wrong.sql": table("table", "select\n  nope as i"),
    "dbt/models/short.sql": table("table", "select 7 as i"),
    "dbt/models/misfit.sql": table("table", "select 1::bigint as i"),
    "dbt/models/fine.sql": table("table", "select 2 as v"),
}
DUE = {
    "prices": "input_changed", "of_prices": "upstream_changed", "wrong": "definition_changed",
    "after_wrong": "upstream_changed", "view_of_wrong": "upstream_changed", "short": "definition_changed",
    "after_short": "upstream_changed", "view_of_short": "upstream_changed", "misfit": "definition_changed",
    "fine": "definition_changed",
}  # fmt: skip
ENDED = {
    "prices": "failed dbt_node_failed", "of_prices": "skipped skipped", "wrong": "failed dbt_node_failed",
    "after_wrong": "skipped skipped", "view_of_wrong": "skipped skipped", "short": "failed verification_failed",
    "after_short": "skipped skipped", "view_of_short": "skipped skipped", "misfit": "failed verification_failed",
    "fine": "done",
}  # fmt: skip
THREE_IN_THE_SECOND_ATTEMPT = (
    "{% set n = run_query(\"select if(nextval('attempts') = 1, 1, 3)\").columns[0].values()[0] if execute else 0 %}\n"
)
MENDED = {
    "dbt/seeds/prices.csv": "id,price\n1,11\n2,22\n",
    "dbt/models/wrong.sql": table("table", "select 3 as i"),
    "dbt/models/short.sql": table("table", f"{THREE_IN_THE_SECOND_ATTEMPT}select range as i from range({{{{ n }}}})"),
    "dbt/models/misfit.sql": table("table", "select 5::integer as i"),
}


def test_a_failed_node_keeps_its_old_table_and_only_it_and_its_readers_are_left_to_do(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", BODY)
    shop.write(FILES)
    run = shop.apply()
    assert due(run.plan) == dict.fromkeys(FIRST, "missing")
    assert {str(name) for name in run.made} == {str(name) for name in run.missing} == set(FIRST)
    assert shop.content(FIRST) == FIRST
    shop.check_settled()

    shop.write(SPOILED)
    shop.do("INSERT INTO wrong VALUES (100)")
    told = shop.fail()
    assert outcomes(told) == ENDED
    assert told["outcome"] == "failed" and "4 units failed" in told["error"]["message"]
    errors = {unit["tables"][0]: unit["error"] for unit in told["units"] if unit["error"]}
    assert "seeds/prices.csv" in errors["prices"]["message"] and "2,dear" in errors["prices"]["message"]
    assert "nope" in errors["wrong"]["message"] and "models/wrong.sql" in errors["wrong"]["message"]
    assert str(shop.folder / "dbt" / "models" / "wrong.sql") in errors["wrong"]["cure"]
    assert "1 row, expected are at least 2" in errors["short"]["message"]
    assert "i is BIGINT, wanted is INTEGER" in errors["misfit"]["message"]
    for reader, source in (("of_prices", "seed.shop.prices"), ("after_wrong", "wrong"), ("after_short", "short")):
        assert source in errors[reader]["message"]
    assert shop.content(FIRST) == FIRST | {"fine": [(2,)], "wrong": [(1,), (100,)]}
    rest = {name: reason for name, reason in DUE.items() if name != "fine"}
    assert shop.due() == rest, "what is due is what was due before"

    shop.write(MENDED)
    shop.do("CREATE SEQUENCE attempts")
    shop.declare(steps={**BODY["steps"], "models": {"dbt": "run", "retries": 1}})
    assert due(shop.apply().plan) == rest
    # Had after_short been trusted in the first attempt, it would hold 1: of rows that were rejected.
    assert shop.content(FIRST) == {
        "prices": [(1, 11), (2, 22)], "of_prices": [(1, 11), (2, 22)], "wrong": [(3,)], "after_wrong": [(4,)],
        "view_of_wrong": [(4,)], "short": [(0,), (1,), (2,)], "after_short": [(3,)],
        "view_of_short": [(0,), (1,), (2,)], "misfit": [(5,)], "fine": [(2,)],
    }  # fmt: skip
    shop.check_settled()

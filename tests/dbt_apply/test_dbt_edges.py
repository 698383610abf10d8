"""What a load, a python or a sql step makes, dbt reads through `source()`; and the other way round."""

from __future__ import annotations

from pathlib import Path

from dbt_shops import Shop, due, table

SOURCES = "sources:\n  - name: raw\n    schema: main\n    tables: [{name: orders}, {name: score}, {name: regions}]\n"
PYTHON = """
def build(connection, context):
    connection.execute("CREATE TABLE score AS SELECT region, total * 2 AS points FROM totals")
"""
FILES = {
    "data/orders.csv": "region,amount\nn,1\ns,2\nn,3\n",
    "score.py": PYTHON,
    "sql/report.sql": "SELECT r.region, r.name, s.amount FROM ranked r JOIN stg_orders s USING (region)",
    "dbt/seeds/regions.csv": "region,name\nn,north\ns,south\n",
    "dbt/models/sources.yml": SOURCES,
    "dbt/models/stg_orders.sql": table("view", "select region, amount from {{ source('raw', 'orders') }}"),
    "dbt/models/totals.sql": table(
        "table", "select region, sum(amount)::int as total from {{ ref('stg_orders') }} group by 1"
    ),
    "dbt/models/ranked.sql": table(
        "table",
        "select region, name, points from {{ source('raw', 'score') }} "
        "join {{ source('raw', 'regions') }} using (region)",
    ),
}
BODY = {
    "tiers": ["raw", "mart"],
    "steps": {
        "orders": {"load": "data/orders.csv"},
        "seeds": {"dbt": "seed"},
        "models": {"dbt": "run"},
        "score": {"python": "score:build", "reads": ["totals"]},
        "report": {"sql": "sql/report.sql"},
    },
    "tables": {
        "orders": {"tier": "raw", "step": "orders", "columns": {"region": "VARCHAR", "amount": "INTEGER"}},
        "regions": {"tier": "raw", "step": "seeds"},
        "totals": {"tier": "mart", "step": "models"},
        "score": {"tier": "mart", "step": "score"},
        "ranked": {"tier": "mart", "step": "models"},
        "report": {"tier": "mart", "step": "report"},
    },
}
ORDER = ["orders", "regions", "stg_orders", "totals", "score", "ranked", "report"]


def test_edges_cross_kinds_in_a_folder_and_a_database_with_odd_names(tmp_path: Path) -> None:
    """The database lies behind a link, too: DuckDB calls it by the file, and dbt has to do the same."""
    shop = Shop(tmp_path / "mein läden 店", BODY, stem="new-raw")
    shop.write(FILES)
    shop.database.parent.mkdir()
    shop.database.symlink_to("odd name.v1.duckdb")
    plan = shop.apply().plan
    assert [action.unit.rpartition(".")[2] for action in plan.actions] == ORDER
    assert due(plan) == dict.fromkeys(ORDER, "missing")
    assert shop.content(["ranked", "report"]) == {
        "ranked": [("n", "north", 8), ("s", "south", 4)],
        "report": [("n", "north", 1), ("n", "north", 3), ("s", "south", 2)],
    }
    shop.check_settled()

    for lost in ("score", "ranked", "regions", "orders"):
        shop.do(f"ALTER TABLE {lost} RENAME TO gone")
        assert shop.due() == {lost: "missing"}
        shop.do(f"ALTER TABLE gone RENAME TO {lost}")
    shop.do("DROP VIEW stg_orders")
    assert shop.due() == {}, "every reader of the view is a trusted table"
    shop.do("DROP TABLE report")
    assert shop.due() == {"stg_orders": "missing", "report": "missing"}

    shop.write({"data/orders.csv": "amount,region\n5,n\n6,s\n", "score.py": PYTHON.replace("* 2", "* 3")})
    changed = dict.fromkeys(["totals", "ranked"], "upstream_changed")
    assert shop.due() == {
        **changed, "orders": "input_changed", "stg_orders": "missing upstream_changed",
        "score": "definition_changed upstream_changed", "report": "missing upstream_changed",
    }  # fmt: skip
    shop.apply()
    assert shop.content(["totals", "ranked", "report"]) == {
        "totals": [("n", 5), ("s", 6)],
        "ranked": [("n", "north", 15), ("s", "south", 18)],
        "report": [("n", "north", 5), ("s", "south", 6)],
    }
    shop.check_settled()


def test_models_that_name_a_column_are_named_before_it_goes_from_a_declared_table(tmp_path: Path) -> None:
    columns = {"region": "VARCHAR", "amount": "INTEGER", "note": "VARCHAR"}
    body = {
        "tiers": ["raw", "mart"],
        "steps": {"models": {"dbt": "run"}},
        "tables": {"orders": {"tier": "raw", "columns": columns}, "totals": {"tier": "mart", "step": "models"}},
    }
    shop = Shop(tmp_path / "shop", body)
    reads = "from {{ source('raw', 'orders') }}"
    shop.write(
        {
            "dbt/models/sources.yml": SOURCES,
            "dbt/models/stg_orders.sql": table("ephemeral", f"select region, {{# note #}} amount {reads} -- note"),
            "dbt/models/totals.sql": table(
                "table",
                f"select count({{{{ 'NOTE' }}}}) as n {reads} union all select amount from {{{{ ref('stg_orders') }}}}",
            ),
        }
    )
    shop.apply(target=["orders"])
    del columns["note"]
    shop.declare()
    (hazard,) = shop.plan().hazards
    assert (hazard.kind, hazard.fact) == (
        "breaks_view",
        "models/totals.sql reads it and names note, which would be gone",
    )

"""Each reason for drift, provoked on what dbt made and mended by running no more than that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dbt_shops import Shop, due, facts, table

from provisioner import Outcome

AGES = "id,label,price\n1,young,1.5\n2,old,2.5\n3,ancient,3.25\n"
FROM_EPHEMERAL = "select id, {} as x from {{{{ ref('eph_ages') }}}}"
FROM_SEED = "select id, label, price as x from {{ ref('ages') }}"
OF_SEED = ("edited", "quiet", "moved", "narrow", "typed", "counted", "asked", "left")
MADE = (*OF_SEED, "bands", "after_edited", "taxed", "dated")
SEEDS = ("ages", "gains", "loses", "swaps")
FILES = {
    "dbt/seeds/ages.csv": AGES,
    "dbt/seeds/gains.csv": "id,name\n1,ann\n",
    "dbt/seeds/loses.csv": "id,name,gone\n1,ann,x\n",
    "dbt/seeds/swaps.csv": "first,second\nann,bond\n",
    # An index holds a table in its place.
    "dbt/seeds/seeds.yml": (
        "seeds:\n  - {name: swaps, config: {post_hook: 'create index if not exists i on {{ this }} (first)'}}\n"
    ),
    "dbt/macros/tax.sql": "{% macro tax(c) %}{{ c }} * 2{% endmacro %}\n",
    "dbt/models/stg_ages.sql": table("view", "select * from {{ ref('ages') }}"),
    "dbt/models/eph_ages.sql": table("ephemeral", "select id, label, price from {{ ref('stg_ages') }}"),
    "dbt/models/bands.sql": table("table", FROM_EPHEMERAL.format("label")),
    "dbt/models/shown.sql": table("view", "select * from {{ ref('bands') }}"),
    "dbt/models/taxed.sql": table("table", FROM_EPHEMERAL.format("{{ tax('price') }}")),
    "dbt/models/dated.sql": table("table", FROM_EPHEMERAL.format("{{ var('year') }}")),
    "dbt/models/after_edited.sql": table("table", "select * from {{ ref('edited') }}"),
    "dbt/models/of_seeds.sql": table(
        "table",
        "select g.name, l.name as lost, s.second, s.first "
        "from {{ ref('gains') }} g, {{ ref('loses') }} l, {{ ref('swaps') }} s",
    ),
    **{f"dbt/models/{name}.sql": table("table", FROM_SEED) for name in OF_SEED},
}
TABLES = {
    **{name: {"tier": "seed", "step": "seeds"} for name in SEEDS},
    **{name: {"tier": "mart", "step": "models"} for name in (*MADE, "of_seeds")},
    "narrow": {"tier": "mart", "step": "models", "columns": {"label": "VARCHAR"}},
    "typed": {"tier": "mart", "step": "models", "columns": {"id": "INTEGER"}},
    "counted": {"tier": "mart", "step": "models", "expect": {"min_rows": 3, "not_null": ["id"], "unique": ["id"]}},
    "shown": {"tier": "mart", "step": "models", "kind": "view"},
}
BODY = {"tiers": ["seed", "mart"], "steps": {"seeds": {"dbt": "seed"}, "models": {"dbt": "run"}}, "tables": TABLES}
RAW = [(1, "young", 1.5), (2, "old", 2.5), (3, "ancient", 3.25)]

# What happens to the database, and all that is due then.
HAPPENINGS = [
    (["DROP TABLE bands"], {"bands": "missing"}),
    (["DROP TABLE ages"], {"ages": "missing"}),
    (["DROP VIEW stg_ages"], {}),  # nobody needs it
    (["DROP VIEW stg_ages", "DROP TABLE bands"], {"bands": "missing", "stg_ages": "missing"}),
    (
        ["DROP VIEW stg_ages", "DROP TABLE bands", "DROP TABLE ages"],
        {"ages": "missing", "bands": "missing", "stg_ages": "missing"},
    ),
    (["DROP TABLE edited"], {"edited": "missing"}),
    (["DROP VIEW shown", "CREATE TABLE shown AS FROM bands"], {"shown": "wrong_kind"}),
    (["DROP TABLE bands", "CREATE VIEW bands AS FROM ages"], {"bands": "wrong_kind"}),
    (["ALTER TABLE narrow DROP label"], {"narrow": "column_missing"}),
    (["ALTER TABLE typed ALTER id TYPE BIGINT"], {"typed": "column_type"}),
    (["ALTER TABLE typed ALTER id TYPE BIGINT", "ALTER TABLE typed DROP x"], {"typed": "column_type"}),
    (["DELETE FROM counted WHERE id = 1"], {"counted": "expectation_failed"}),
    (["UPDATE counted SET id = 2"], {"counted": "expectation_failed"}),
    (["DELETE FROM bands"], {}),  # rows that users changed stay as they are
    (["CREATE TABLE theirs (i INT)"], {}),
    (["CREATE TABLE bands__dbt_tmp (i INT)"], {"bands": "interrupted"}),
    (["CREATE VIEW bands__dbt_backup AS SELECT 1", "DROP TABLE bands"], {"bands": "interrupted missing"}),
    (["DROP SCHEMA _provisioner CASCADE"], dict.fromkeys([*TABLES, "stg_ages"], "unstamped")),
    (["DELETE FROM _provisioner.stamps WHERE table_name = 'bands'"], {"bands": "unstamped"}),
]


def build_with_plain_dbt(shop: Shop) -> None:
    profile = f"shop:\n  target: dev\n  outputs:\n    dev: {{type: duckdb, path: '{shop.database}', threads: 1}}\n"
    private = shop.folder.parent / "plain"
    private.mkdir()
    (private / "profiles.yml").write_text(profile)
    shop.database.parent.mkdir()
    project = str(shop.folder / "dbt")
    subprocess.run(
        [
            sys.executable, "-c", "from dbt.cli.main import cli; cli()", "build", "--project-dir", project,
            "--profiles-dir", str(private), "--target-path", str(private), "--log-path", str(private),
            "--no-send-anonymous-usage-stats",
        ],
        check=True, capture_output=True, env={**os.environ, "DBT_PARTIAL_PARSE": "0"},
    )  # fmt: skip
    (shop.folder / "dbt" / ".user.yml").unlink(missing_ok=True)


def test_what_dbt_built_is_adopted_and_every_drift_is_mended_alone(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", dict(BODY))
    shop.write(FILES)
    build_with_plain_dbt(shop)
    before = shop.content(TABLES)

    run = shop.apply()
    assert due(run.plan) == dict.fromkeys([*TABLES, "stg_ages"], "unstamped")
    assert {unit.outcome for unit in run.units} == {Outcome.ADOPTED}, "nothing ran"
    assert shop.content(TABLES) == before
    shop.check_settled()

    kept = tmp_path / "kept.duckdb"
    shutil.copy(shop.database, kept)
    for statements, expected in HAPPENINGS:
        shop.do(*statements)
        assert shop.due() == expected, statements
        shutil.copy(kept, shop.database)
    assert shop.due() == {}, "all of it is as it was"

    shop.do(
        "DROP TABLE bands", "DROP VIEW stg_ages", "CREATE TABLE bands__dbt_tmp (i INT)",
        "DROP VIEW shown", "CREATE TABLE shown AS FROM ages",
        "ALTER TABLE narrow DROP label", "ALTER TABLE typed ALTER id TYPE BIGINT", "DELETE FROM counted WHERE id = 1",
        "INSERT INTO quiet VALUES (9, 'by hand', 9.5)", "CREATE TABLE theirs AS SELECT 7 AS i",
    )  # fmt: skip
    shop.write(
        {
            "dbt/macros/tax.sql": "{% macro tax(c) %}{{ c }} * 4{% endmacro %}\n",
            "dbt/models/edited.sql": table("table", FROM_SEED + " where id > 1"),
            "dbt/models/quiet.sql": table("table", f"-- why\n  {FROM_SEED}   /* and more */"),
            "dbt/models/moved.sql": None,
            "dbt/models/deep/moved.sql": FILES["dbt/models/moved.sql"],
            "dbt/seeds/ages.csv": None,
            "dbt/seeds/deep/ages.csv": AGES,
            "dbt/seeds/gains.csv": "id,name,more\n1,bob,y\n",
            "dbt/seeds/loses.csv": "id,name\n1,cat\n",
            "dbt/seeds/swaps.csv": "second,first\nbond,ann\n",
        }
    )
    shop.declare(
        dbt={"project_dir": "dbt", "vars": {"year": 2026}},
        tables={name: said for name, said in TABLES.items() if name != "left"},
    )
    wishes = {"rebuild": ["asked"], "prune": True}
    expected = {
        "bands": "interrupted missing",
        "stg_ages": "missing",
        "shown": "wrong_kind",
        "narrow": "column_missing",
        "typed": "column_type",
        "counted": "expectation_failed",
        "taxed": "definition_changed",
        "dated": "definition_changed",
        "edited": "definition_changed",
        "after_edited": "upstream_changed",
        "gains": "input_changed",
        "loses": "input_changed",
        "swaps": "input_changed",
        "of_seeds": "upstream_changed",
        "asked": "requested",
        "left": "orphan",
    }
    run = shop.apply(**wishes, allow=["drops_table"])
    assert due(run.plan) == expected
    told = facts(run.plan)
    assert told["taxed"] == "models/taxed.sql: macro shop.tax changed"
    assert told["dated"] == "models/dated.sql: var year changed"
    assert told["edited"] == "models/edited.sql changed"
    assert told["gains"] == "gains.csv changed"
    assert {unit.outcome for unit in run.units} == {Outcome.DONE}
    assert shop.content(["gains", "loses", "swaps", "of_seeds", "theirs"]) == {
        "gains": [(1, "bob", "y")],
        "loses": [(1, "cat")],
        "swaps": [("bond", "ann")],
        "of_seeds": [("bob", "cat", "bond", "ann")],
        "theirs": [(7,)],
    }
    assert shop.content(["taxed", "dated", "bands"]) == {
        "taxed": [(1, 6), (2, 10), (3, 13)],
        "dated": [(1, 2026), (2, 2026), (3, 2026)],
        "bands": [(1, "young"), (2, "old"), (3, "ancient")],
    }
    assert shop.content(["shown"])["shown"] == shop.content(["bands"])["bands"]
    assert shop.content(["edited", "after_edited"]) == dict.fromkeys(["edited", "after_edited"], RAW[1:])
    assert shop.content(["narrow", "typed", "counted", "asked", "moved"]) == dict.fromkeys(
        ["narrow", "typed", "counted", "asked", "moved"], RAW
    )
    assert shop.content(["quiet"])["quiet"] == [*RAW, (9, "by hand", 9.5)], "a comment is no reason to run"
    assert shop.relations() == {
        **{name: "table" for name in (*TABLES, "theirs") if name != "left"},
        **{name: "view" for name in ("shown", "stg_ages")},
    }
    shop.check_settled()

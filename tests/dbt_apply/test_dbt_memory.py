"""Incremental models, snapshots and their like remember earlier runs: they are run, not rebuilt, and exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt_shops import AFTER, SLOW, Shop, due, kill_in, table

from provisioner import HazardError

SNAPSHOT = """snapshots:
  - {name: kept, relation: ref('events'), config: {unique_key: id, strategy: check, check_cols: all}}
  - {name: slow_kept, relation: ref('weighed'), config: {unique_key: id, strategy: check, check_cols: all}}
"""
HOOK = "insert into {{ this }} values (99, 'hook')"
FROM_EVENTS = "select id, note from {{ ref('events') }}"
FILES = {
    "dbt/seeds/events.csv": "id,note\n1,a\n2,b\n",
    "dbt/seeds/pace.csv": "who\nnobody\n",
    "dbt/models/log.sql": table("incremental", FROM_EVENTS),
    "dbt/models/hooked.sql": table("table", FROM_EVENTS, post_hook=f'"{HOOK}"'),
    "dbt/models/indexed.sql": table("table", FROM_EVENTS, indexes="[{'columns': ['id']}]"),
    "dbt/models/plain.sql": table("table", FROM_EVENTS),
    "dbt/models/shown.sql": table("view", "select count(*) as n from {{ ref('log') }}"),
    "dbt/models/slow.sql": table("table", AFTER.format("log") + SLOW.format(who="mart")),
    "dbt/models/weighed.sql": table("view", f"select 1 as id, w.s from ({SLOW.format(who='history')}) w"),
    "dbt/snapshots/kept.yml": SNAPSHOT,
}
MART, HISTORY = {"tier": "mart", "step": "models"}, {"tier": "history", "step": "snapshots"}
BODY = {
    "tiers": ["seed", "mart", "history"],
    "steps": {"seeds": {"dbt": "seed"}, "models": {"dbt": "run"}, "snapshots": {"dbt": "snapshot"}},
    "tables": {
        **{name: {"tier": "seed", "step": "seeds"} for name in ("events", "pace")},
        **{name: MART for name in ("log", "hooked", "indexed", "plain", "slow")},
        "shown": {**MART, "kind": "view"},
        **{name: HISTORY for name in ("kept", "slow_kept")},
    },
}
OLD, HOOKED = [(1, "a"), (2, "b")], [(99, "hook")]
NEW = [(1, "a"), (2, "c"), (3, "d")]
KEPT = "SELECT id, note, dbt_valid_to IS NULL FROM kept ORDER BY ALL"


def test_rows_of_earlier_runs_stay_and_those_of_a_killed_run_come_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", BODY)
    shop.write(FILES)
    shop.apply()
    tables = ("log", "hooked", "indexed", "plain")
    assert shop.content(tables) == {"log": OLD, "hooked": OLD + HOOKED, "indexed": OLD, "plain": OLD}
    assert shop.ask(KEPT) == [(1, "a", True), (2, "b", True)]
    shop.check_settled()

    shop.do("INSERT INTO log VALUES (0, 'by hand')")
    shop.write({"dbt/seeds/events.csv": "id,note\n1,a\n2,c\n3,d\n", "dbt/seeds/pace.csv": "who\nmart\n"})
    kill_in(shop, "slow")
    assert shop.content(["log"])["log"] == sorted([(0, "by hand"), *OLD, *NEW]), "dbt committed it, nobody verified it"
    assert shop.ask("SELECT count(*) FROM _provisioner.marks WHERE kept IS NOT NULL") == [(6,)]
    assert shop.due() == {
        **dict.fromkeys(("log", "hooked", "indexed", "plain", "shown"), "interrupted"), "slow": "missing interrupted",
        "kept": "upstream_changed", "weighed": "upstream_changed", "slow_kept": "upstream_changed",
    }  # fmt: skip

    shop.write({"dbt/seeds/pace.csv": "who\nhistory\n"})
    log = kill_in(shop, "slow_kept")
    assert "put back as they were before it: hooked, indexed, log, plain, shown, slow" in log
    assert shop.content(["log"])["log"] == sorted([(0, "by hand"), *OLD, *NEW])
    assert shop.due() == {"kept": "interrupted", "slow_kept": "interrupted"}

    shop.write({"dbt/seeds/pace.csv": "who\nnobody\n"})
    shop.apply()
    assert shop.content(tables) == {
        "log": sorted([(0, "by hand"), *OLD, *NEW]), "hooked": NEW + HOOKED, "indexed": NEW, "plain": NEW,
    }  # fmt: skip
    assert shop.ask(KEPT) == [(1, "a", True), (2, "b", False), (2, "c", True), (3, "d", True)]
    assert shop.ask("SELECT n FROM shown") == [(6,)]
    shop.check_settled()

    plan = shop.plan(rebuild=["log"])
    assert due(plan) == {"log": "requested"} and plan.actions[0].full_refresh
    with pytest.raises(HazardError, match="loses_history"):
        shop.apply(rebuild=["log"])
    shop.check_settled()
    shop.apply(rebuild=["log"], allow=["loses_history"])
    assert shop.content(["log"])["log"] == NEW
    shop.check_settled()

    shop.write({"dbt/models/log.sql": table("table", FROM_EVENTS)})
    assert [(str(one.table), one.kind) for one in shop.plan().hazards] == [("log", "loses_history")]
    shop.do("DELETE FROM log")
    assert not shop.plan().hazards, "the rows are counted"

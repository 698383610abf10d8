"""dbt ended in the middle: by a kill, by its timeout, by a signal. The next apply goes on from what is trusted."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from dbt_shops import AFTER, SLOW, Shop, kill_in, outcomes, read_until, table, wait_until_free

from provisioner import Event, ProvisionError
from provisioner.execute.events import RunStarted

FILES = {
    "dbt/seeds/pace.csv": "who\nmart\n",
    "dbt/models/quick.sql": table("table", "select 1 as i"),
    "dbt/models/log.sql": table("incremental", "select i from {{ ref('quick') }}"),
    "dbt/models/shown.sql": table("view", "select i from {{ ref('quick') }}"),
    "dbt/models/slow.sql": table("table", AFTER.format("log") + SLOW.format(who="mart")),
    "dbt/models/after_slow.sql": table("table", "select s + 1 as s from {{ ref('slow') }}"),
}
MART = {"tier": "mart", "step": "models"}
STEPS = {"seeds": {"dbt": "seed"}, "models": {"dbt": "run"}}
BODY = {
    "tiers": ["seed", "mart"],
    "steps": STEPS,
    "tables": {
        "pace": {"tier": "seed", "step": "seeds"},
        **{name: MART for name in ("quick", "log", "slow", "after_slow")},
        "shown": {**MART, "kind": "view"},
    },
}


def edit_meanwhile(shop: Shop) -> None:
    """What dbt makes of a file that is edited while it runs is not trusted."""

    def edit(event: Event) -> None:
        if isinstance(event, RunStarted):
            shop.write({"dbt/models/quick.sql": table("table", "select 2 as i")})

    with pytest.raises(ProvisionError, match=r"quick.sql changed while dbt ran") as refused:
        shop.apply(on_event=edit)
    assert refused.value.code == "changed_meanwhile"


def test_after_a_kill_a_timeout_and_a_signal_the_next_apply_goes_on(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop", BODY)
    shop.write(FILES)
    kill_in(shop, "slow")
    interrupted = "missing interrupted"
    built = dict.fromkeys(("quick", "log", "shown"), "interrupted")
    assert shop.due() == {**built, "slow": interrupted, "after_slow": interrupted}

    shop.declare(steps={**STEPS, "models": {"dbt": "run", "timeout": "3s"}})
    told = shop.fail()
    assert outcomes(told) == {
        "quick": "done", "log": "done", "shown": "done", "slow": "failed timeout", "after_slow": "skipped skipped",
    }  # fmt: skip
    assert "timeout of 3 s" in told["error"]["message"]
    wait_until_free(shop, 0)
    assert shop.relations() == {"pace": "table", "quick": "table", "log": "table", "shown": "view"}
    assert shop.content(["log"])["log"] == [(1,)], "what the killed run put there is gone"
    assert shop.due() == {"slow": interrupted, "after_slow": interrupted}

    shop.declare(steps=STEPS)
    shop.do("DROP TABLE quick")
    with shop.start() as process:
        read_until(process, "unit_started", "slow")
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    told = json.loads(said)
    assert (process.returncode, told["outcome"], told["error"]["code"]) == (1, "stopped", "stopped")
    assert "SIGTERM" in told["error"]["message"]
    assert outcomes(told) == {"quick": "done", "slow": "stopped stopped", "after_slow": "skipped skipped"}
    wait_until_free(shop, 0)
    assert shop.due() == {"slow": interrupted, "after_slow": interrupted}

    shop.write({"dbt/seeds/pace.csv": "who\n"})
    shop.do("DROP TABLE quick")
    edit_meanwhile(shop)
    assert "quick" not in shop.relations()
    assert shop.due() == {
        "pace": "input_changed", "quick": "missing definition_changed", "slow": interrupted, "after_slow": interrupted,
        **dict.fromkeys(("log", "shown"), "upstream_changed"),
    }  # fmt: skip
    shop.do("CREATE TABLE slow__dbt_tmp AS SELECT 1 AS i", "CREATE VIEW slow__dbt_backup AS SELECT 1 AS i")
    shop.apply()
    assert shop.content(["quick", "log", "shown", "slow", "after_slow"]) == {
        "quick": [(2,)], "log": [(1,), (2,)], "shown": [(2,)], "slow": [(0.0,)], "after_slow": [(1.0,)],
    }  # fmt: skip
    shop.check_settled()

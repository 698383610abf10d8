"""A hook of a dbt project that fails makes the run fail, in dbt's words; what was built and verified stays trusted."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt_shops import PROJECT, Shop, table

BODY = {
    "tiers": ["mart"],
    "steps": {"models": {"dbt": "run"}},
    "tables": {"one": {"tier": "mart", "step": "models"}},
}
HOOKS = [
    ("on-run-end", "{% if execute %}{{ exceptions.raise_compiler_error('no month') }}{% endif %}", "no month"),
    ("on-run-start", "select nope", "shop.on-run-start.0 failed, error"),
]


@pytest.mark.parametrize(("when", "sql", "words"), HOOKS)
def test_a_failing_hook_fails_the_run_and_what_was_built_stays_trusted(
    tmp_path: Path, when: str, sql: str, words: str
) -> None:
    shop = Shop(tmp_path / "shop", BODY)
    name = "dbt/dbt_project.yml"
    shop.write({name: f'{PROJECT[name]}{when}: "{sql}"\n', "dbt/models/one.sql": table("table", "select 1 as v")})
    told = shop.fail()
    assert (told["error"]["code"], told["outcome"]) == ("dbt_hook_failed", "failed")
    assert words in told["error"]["message"] and "dbt_project.yml" in told["error"]["cure"]
    assert [unit["outcome"] for unit in told["units"]] == ["done"]
    assert shop.ask("FROM one") == [(1,)] and shop.due() == {}

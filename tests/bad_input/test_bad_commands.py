"""Words on the command line that lead nowhere, and a journal that is damaged."""

from __future__ import annotations

import pytest
from bad_projects import Answer, Shop, files_of  # type: ignore[import-not-found]

UNKNOWN = {
    "a target": (
        "plan --target lout",
        "usage",
        "lout is neither a table nor a step nor a tier",
        "loud",
        "plan --target loud",
    ),
    "a table to rebuild": (
        "apply --rebuild peple",
        "usage",
        "peple is not a table of provision.yaml",
        "people",
        "plan --rebuild people",
    ),
    "an environment": ("check --env prdo", "unknown_environment", "no environment prdo", "prod", "check --env prod"),
    "a run": (
        "history 20200101-000000-abcd",
        "usage",
        "No run 20200101-000000-abcd is on record",
        "provision history",
        "history",
    ),
}
WRONG = {
    "an unknown option": ("plan --detailed-exitcodes", "--detailed-exitcode"),
    "an unknown command": ("aply", "apply"),
    "a value that is none of the choices": ("plan --format yaml", "json"),
    "a time that is none": ("apply --lock-timeout soon", "Write 0, 30s, 10m or 1h30m"),
    "a hazard that is none": ("apply --allow everything", "drops_column"),
    "an option without its value": ("plan --target", "--target"),
    "a word too many": ("check people", "people"),
}


def assert_clean(answer: Answer, shop: Shop, before: dict[str, bytes]) -> None:
    assert "Traceback" not in answer.out + answer.err
    assert files_of(shop) == before


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_name_is_wrong_usage_and_the_near_one_is_told(shop: Shop, name: str) -> None:
    words, code, fact, cure, cured = UNKNOWN[name]
    before = files_of(shop)
    answer = shop.run(*words.split(), "--format", "json")
    assert (answer.exit_code, answer.codes) == (64, (code,)), answer
    assert fact in answer.text and cure in answer.cures[0], answer
    assert_clean(answer, shop, before)
    assert shop.run_here(*cured.split()).exit_code == 0


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options_are_wrong_usage_and_what_is_right_is_told(shop: Shop, name: str) -> None:
    words, right = WRONG[name]
    before = files_of(shop)
    answer = shop.run(*words.split())
    assert answer.exit_code == 64 and right in answer.err, answer
    assert answer.out == ""
    assert_clean(answer, shop, before)


@pytest.mark.parametrize("arguments", ["check", "history nothing"])
def test_an_error_says_the_same_as_text_and_as_json(shop: Shop, arguments: str) -> None:
    if arguments == "check":
        shop.edit("provision.yaml", "step: loud", "step: lout")
    told, words = shop.run(*arguments.split(), "--format", "json"), shop.run(*arguments.split())
    assert told.exit_code == words.exit_code != 0 and words.out == ""
    lines = [one["message"] for one in told.body.get("problems", ())] or told.body["error"]["message"].splitlines()
    assert "error: " in words.err and "cure: " in words.err
    for line in [*lines, *told.cures]:
        assert line in words.err


def test_a_damaged_journal_costs_history_and_nothing_else(shop: Shop) -> None:
    journal = shop.folder / "build" / "shop.duckdb.journal"
    damaged = bytearray(journal.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    journal.write_bytes(damaged)
    before = files_of(shop)
    answer = shop.run("history")
    assert answer.exit_code == 0 and f"{journal} is damaged at byte" in answer.err, answer
    assert_clean(answer, shop, before)
    shop.edit("sql/loud.sql", "upper", "lower")
    assert shop.run_here("apply").exit_code == 0
    answer = shop.run_here("history", "--format", "json")
    assert answer.body["damage"] is None and [run["outcome"] for run in answer.body["runs"]] == ["done"], answer
    kept = [path.read_bytes() for path in journal.parent.glob("*.journal*") if path != journal]
    assert kept == [bytes(damaged)], "the damaged one is set aside, not thrown away"

"""A failed repair never costs a healthy table: what fails is undone, the rest goes on, and the cure finishes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from projects import HOLD, LET_GO, Project, make, outcomes, ran, slow

from provisioner import Event, NotConvergedError
from provisioner.execute.events import UnitFinished, UnitStarted


@pytest.fixture
def project(shop_as_declared: Project) -> Project:
    """The shop and a spare table that stands alone, as declared."""
    project = shop_as_declared
    project.write("spare.sql", "SELECT 1 AS x")
    project.manifest["steps"]["spare"] = {"sql": "spare.sql"}
    project.manifest["tables"]["spare"] = {"tier": "three", "step": "spare"}
    project.declare()
    project.apply()
    return project


# The file that is broken, how, the error's code, and words that it must hold.
BROKEN: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "sql that fails in the middle": (
        "doubled.sql",
        "CREATE TABLE doubled AS SELECT id, v::HUGEINT AS v FROM sales;\n\nSELECT error('half way');\n",
        "sql_failed",
        ("doubled.sql:3", "half way"),
    ),
    "a column of another type": (
        "doubled.sql", "SELECT id, 'x' AS v FROM sales", "verification_failed",
        ("doubled v is VARCHAR, wanted is HUGEINT",),
    ),
    "a column too few": ("doubled.sql", "SELECT id FROM sales", "verification_failed", ("has no column v",)),
    "another table": (
        "doubled.sql", "CREATE TABLE other AS FROM sales", "verification_failed", ("doubled is not there",),
    ),
    "another kind": (
        "doubled.sql", "CREATE VIEW doubled AS SELECT id, v::HUGEINT AS v FROM sales", "verification_failed",
        ("is a view, wanted is a table",),
    ),
    "too few rows": ("sales.csv", "id,v\n1,10\n", "verification_failed", ("1 row, expected are at least 3",)),
    "a value that does not fit": ("sales.csv", "id,v\n1,10\n2,20\n3,many\n", "load_value", ("sales.csv", "many")),
    "a column that the file lost": ("sales.csv", "id,w\n1,10\n2,20\n3,3\n", "load_column_missing", ("v",)),
}  # fmt: skip
DOWN = {
    "doubled.sql": {"doubled": "failed", "counts": "skipped"},
    "sales.csv": {"sales": "failed", "doubled": "skipped", "shown": "skipped", "counts": "skipped"},
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_fails_leaves_every_table_as_it_was_and_the_rest_goes_on(project: Project, case: str) -> None:
    name, text, code, words = BROKEN[case]
    before = project.contents()
    project.sql("DROP TABLE spare")
    whole = (project.folder / name).read_text()
    project.write(name, text)
    seen: list[Event] = []
    error = project.refused(on_event=seen.append)
    assert (error.code, error.exit_code) == (code, 1)
    assert all(word in error.message for word in words) and error.cure
    assert outcomes(seen) == {**DOWN[name], "spare": "done"}
    assert project.contents() == before
    skipped = [one for one in seen if isinstance(one, UnitFinished) and one.outcome == "skipped"]
    assert all("which is not as it should be" in one.error for one in skipped)
    project.write(name, whole)
    project.apply()
    assert project.plan().converged
    assert project.contents() == before


def test_the_command_line_names_what_failed_and_what_waits_for_it_and_exits_1(project: Project) -> None:
    project.write("doubled.sql", "SELECT id,\n  nothing AS v FROM sales")
    done = project.command("apply")
    assert done.returncode == 1
    assert "shop is not as declared: 1 failed, 1 skipped" in done.stdout
    for words in ("failed   doubled", "skipped  counts", "it reads doubled", "error: doubled.sql:2", "cure: "):
        assert words in done.stderr


def test_several_failures_are_all_named_in_the_error(project: Project) -> None:
    project.write("doubled.sql", "SELECT nothing FROM sales")
    project.write("shown.sql", "SELECT nothing FROM sales")
    error = project.refused()
    assert "2 units failed: doubled, shown" in error.message


@pytest.mark.parametrize(("fail_fast", "last"), [(False, "done"), (True, "skipped")])
def test_fail_fast_starts_nothing_more_once_a_unit_has_failed(project: Project, fail_fast: bool, last: str) -> None:
    project.sql("DROP TABLE spare")
    project.write("doubled.sql", "SELECT nothing FROM sales")
    seen: list[Event] = []
    project.refused(on_event=seen.append, fail_fast=fail_fast)
    assert outcomes(seen) == {"doubled": "failed", "counts": "skipped", "spare": last}
    project.write("doubled.sql", "SELECT id, v::HUGEINT AS v FROM sales")
    project.apply()
    assert project.plan().converged


FLAKY = """
def build(connection, context):
    tries = context.folder / "tries"
    count = len(tries.read_text()) if tries.exists() else 0
    tries.write_text("x" * (count + 1))
    connection.execute(f"CREATE TABLE {context.tables[0]} AS SELECT {count} AS x")
    if count < 1:
        raise RuntimeError("not yet")
"""


@pytest.mark.parametrize("retries", [0, 1])
def test_a_unit_is_tried_again_as_often_as_its_step_allows(tmp_path: Path, retries: int) -> None:
    project = make(
        tmp_path, {"flaky": {"python": "flaky:build", "retries": retries}}, {"t": {"tier": "one", "step": "flaky"}},
        {"flaky.py": FLAKY},
    )  # fmt: skip
    seen: list[Event] = []
    if retries:
        assert ran(project.apply(on_event=seen.append)) == {"flaky": "done"}
        assert project.rows("FROM t") == [(1,)]
    else:
        assert "not yet" in project.refused(on_event=seen.append).message
    assert [one.attempt for one in seen if isinstance(one, UnitStarted)] == [*range(1, retries + 2)]


@pytest.mark.parametrize(
    "step",
    [
        {"sql": "slow.sql", "timeout": 0.3},
        {"python": "sleeping:build", "timeout": 1},
        {"python": "busy:build", "timeout": 1},
    ],
    ids=["a query", "a python step that sleeps", "a python step that is busy"],
)
def test_a_timeout_ends_a_unit_in_its_middle_and_its_old_table_stays(tmp_path: Path, step: dict[str, Any]) -> None:
    project = slow(tmp_path, **{**step, "timeout": "10m"})
    project.apply()
    before = project.contents()
    project.manifest["steps"]["slow"]["timeout"] = step["timeout"]
    project.declare()
    project.sql(HOLD)
    project.write("wait", "")
    seen: list[Event] = []
    error = project.refused(rebuild=["slow", "quick"], on_event=seen.append)
    assert error.code == "timeout" and "slow took longer than its timeout" in error.message
    assert outcomes(seen) == {"quick": "done", "slow": "failed"}
    assert project.contents()["BASE TABLE main.slow"] == before["BASE TABLE main.slow"]
    project.sql(LET_GO, "DROP TABLE slow")
    (project.folder / "wait").unlink()
    project.manifest["steps"]["slow"]["timeout"] = "10m"
    project.declare()
    project.apply()
    assert project.plan().converged
    assert project.contents() == before


def test_a_unit_that_spoils_an_earlier_tier_is_found_out(tmp_path: Path) -> None:
    project = make(
        tmp_path,
        {"good": {"sql": "good.sql"}, "vandal": {"python": "vandal:build", "reads": ["good"]}},
        {
            "good": {"tier": "one", "step": "good", "expect": {"min_rows": 1}},
            "vandal": {"tier": "two", "step": "vandal"},
        },
        {
            "good.sql": "SELECT 1 AS x",
            "vandal.py": (
                "def build(connection, context):\n"
                "    connection.execute('CREATE TABLE vandal AS FROM good; DELETE FROM good')\n"
            ),
        },
    )
    error = project.refused()
    assert isinstance(error, NotConvergedError)
    assert "good: expectation_failed, 0 rows" in error.message
    assert [str(one.reason) for action in project.plan().actions for one in action.reasons] == ["expectation_failed"]

"""Every reason of drift that needs no dbt: provoked, told, and mended by exactly the units that it makes due."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import ALL, Project, planned, ran, shop

import provisioner

Provoke = Callable[[Project], object]


@pytest.fixture
def project(shop_as_declared: Project) -> Project:
    return shop_as_declared


def sql(*statements: str) -> Provoke:
    return lambda project: project.sql(*statements)


def edit(name: str, text: str) -> Provoke:
    return lambda project: project.write(name, text)


def load_options(project: Project) -> None:
    project.manifest["steps"]["sales"]["options"] = {"delim": ","}
    project.declare()


FORGET = "DELETE FROM _provisioner.stamps WHERE table_name = 'doubled'"
MARK = (
    "INSERT INTO _provisioner.marks (schema_name, table_name, unit, run, existed)"
    " VALUES ('main', 'doubled', 'doubled', 'dead', true)"
)
DOWN = {"doubled": {"upstream_changed"}, "shown": {"upstream_changed"}, "counts": {"upstream_changed"}}

CASES: dict[str, tuple[Provoke, dict[str, set[str]]]] = {
    "missing": (sql("DROP TABLE doubled"), {"doubled": {"missing"}}),
    "missing, a view": (sql("DROP VIEW shown"), {"shown": {"missing"}}),
    "missing, one of a script's two": (sql("DROP TABLE summed"), {"counts": {"missing"}}),
    "missing, a declared table": (sql("DROP TABLE notes"), {"table:notes": {"missing"}}),
    "missing, two that read each other": (
        sql("DROP TABLE sales", "DROP TABLE doubled"), {"sales": {"missing"}, "doubled": {"missing"}},
    ),
    "wrong_kind": (
        sql("DROP TABLE doubled", "CREATE VIEW doubled AS SELECT 1::INTEGER AS id, 1::HUGEINT AS v"),
        {"doubled": {"wrong_kind"}},
    ),
    "wrong_kind, a table for a view": (
        sql("DROP VIEW shown", "CREATE TABLE shown AS FROM sales"), {"shown": {"wrong_kind"}},
    ),
    "column_missing": (sql("ALTER TABLE doubled DROP COLUMN v"), {"doubled": {"column_missing"}}),
    "column_type": (sql("ALTER TABLE doubled ALTER v TYPE BIGINT"), {"doubled": {"column_type"}}),
    "expectation_failed": (sql("DELETE FROM sales WHERE id = 3"), {"sales": {"expectation_failed"}}),
    "definition_changed": (
        edit("doubled.sql", "SELECT id, v::HUGEINT * 3 AS v FROM sales\n"),
        {"doubled": {"definition_changed"}, "counts": {"upstream_changed"}},
    ),
    "definition_changed, in the manifest": (load_options, {"sales": {"definition_changed"}, **DOWN}),
    "input_changed": (
        edit("sales.csv", "id,v\n1,10\n2,20\n3,30\n4,40\n"), {"sales": {"input_changed"}, **DOWN},
    ),
    "interrupted": (sql(FORGET, MARK), {"doubled": {"interrupted"}}),
    "unstamped": (sql(FORGET), {"doubled": {"unstamped"}}),
    "two reasons at once": (
        lambda project: [happen(project) for happen in (
            sql("DROP TABLE doubled"), edit("doubled.sql", "SELECT id, v::HUGEINT AS v FROM sales"),
        )],
        {"doubled": {"missing", "definition_changed"}, "counts": {"upstream_changed"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_drift_is_told_with_its_reason_and_mended_by_exactly_what_is_due(project: Project, case: str) -> None:
    provoke, expected = CASES[case]
    before = project.contents()
    provoke(project)
    plan = project.plan()
    assert planned(plan) == expected
    line = places(project)
    for action in plan.actions:
        assert all(one.fact and one.place.endswith(f"/provision.yaml:{line[str(one.table)]}") for one in action.reasons)
    assert set(ran(project.apply())) == set(expected)
    assert project.plan().converged
    after = project.contents()
    edited = {unit for unit, reasons in expected.items() if reasons & {"definition_changed", "input_changed"}}
    if edited and case != "definition_changed, in the manifest":
        fresh = shop(project.folder / "fresh")
        for name in ("sales.csv", "doubled.sql"):
            fresh.write(name, (project.folder / name).read_text())
        fresh.apply()
        before = fresh.contents()
    assert after == before


def places(project: Project) -> dict[str, int]:
    """The line of each table's own key in the manifest."""
    lines = project.path.read_text().splitlines()
    start = lines.index("tables:")
    keys = ((number, re.fullmatch(r"  (\w+):", line)) for number, line in enumerate(lines, 1) if number > start)
    return {key[1]: number for number, key in keys if key}


def test_the_facts_of_a_drift_name_what_the_catalog_has_and_the_file_that_changed(project: Project) -> None:
    project.sql("ALTER TABLE doubled ALTER v TYPE BIGINT", "DELETE FROM sales")
    project.write("shown.sql", "SELECT id FROM sales")
    told = project.command("plan")
    assert told.returncode == 0
    for words in ("v is BIGINT, wanted is HUGEINT", "0 rows, expected are at least 3", "shown.sql changed"):
        assert words in told.stdout


def test_a_rebuild_that_is_asked_for_makes_one_table_again_and_leaves_its_readers_alone(project: Project) -> None:
    assert planned(project.plan(rebuild=["doubled"])) == {"doubled": {"requested"}}
    assert ran(project.apply(rebuild=["doubled"])) == {"doubled": "done"}
    assert project.plan().converged


@pytest.mark.parametrize(
    "text",
    [
        "-- why\nSELECT id,   v::HUGEINT*2 AS v\n\nFROM sales -- all",
        "/* x */ SELECT id,v::HUGEINT * 2 AS v FROM sales\n",
    ],
)
def test_edits_of_white_space_and_comments_alone_make_nothing_due(project: Project, text: str) -> None:
    project.write("doubled.sql", text)
    assert project.plan().converged


def test_rows_that_users_changed_in_tables_that_are_not_due_stay_as_they_are(project: Project) -> None:
    project.sql(
        "UPDATE sales SET v = 99 WHERE id = 1", "INSERT INTO sales VALUES (9, 9)", "INSERT INTO notes (id) VALUES (1)",
        "DROP TABLE summed",
    )  # fmt: skip
    assert ran(project.apply()) == {"counts": "done"}
    assert project.rows("FROM sales ORDER BY id") == [(1, 99), (2, 20), (3, 30), (9, 9)]
    assert project.rows("FROM notes") == [(1, "new")]


def test_a_table_that_is_adopted_keeps_the_rows_that_it_has(project: Project) -> None:
    project.sql("UPDATE doubled SET v = 5", FORGET)
    assert ran(project.apply()) == {"doubled": "adopted"}
    assert project.rows("SELECT DISTINCT v FROM doubled") == [(5,)]


def test_the_first_apply_tells_what_was_missing_and_what_it_made(tmp_path: Path) -> None:
    project = shop(tmp_path)
    assert planned(project.plan()) == {unit: {"missing"} for unit in ALL}
    run = provisioner.ensure(project.path)
    assert run.id and set(ran(run)) == ALL
    assert [str(table) for table in run.missing] == ["counted", "doubled", "notes", "sales", "shown", "summed"]
    assert run.made == run.missing
    again = provisioner.ensure(project.path)
    assert (again.id, again.units, again.missing, again.made) == ("", (), (), ())


def test_a_view_with_an_expectation_is_at_no_fault_while_what_it_reads_is_gone(project: Project) -> None:
    project.manifest["tables"]["shown"]["expect"] = {"min_rows": 1}
    project.declare()
    assert project.plan().converged
    project.sql("DROP TABLE sales")
    assert planned(project.plan()) == {"sales": {"missing"}}
    project.apply()
    assert project.plan().converged

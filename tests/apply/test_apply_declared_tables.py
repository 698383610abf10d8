"""Declared tables: the manifest owns their structure, the users own their rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from projects import Project, make, ran, shop


def test_a_declared_table_is_created_with_its_key_its_not_null_and_its_default(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.apply(target=["notes"])
    project.sql("INSERT INTO notes (id) VALUES (1)")
    assert project.rows("FROM notes") == [(1, "new")]
    for refused in ("INSERT INTO notes (id) VALUES (1)", "INSERT INTO notes VALUES (NULL, 'x')"):
        with pytest.raises(duckdb.ConstraintException):
            project.sql(refused)


# How the users' table differs, with a row in it, and the reason that is told. It is changed with its row.
DIFFERENT: dict[str, tuple[tuple[str, ...], str]] = {
    "a column missing": (("CREATE TABLE notes (id BIGINT PRIMARY KEY)",), "column_missing"),
    "a type": (("CREATE TABLE notes (id BIGINT PRIMARY KEY, body INTEGER DEFAULT 2)",), "column_type"),
    "no key": (("CREATE TABLE notes (id BIGINT NOT NULL, body VARCHAR DEFAULT 'new')",), "constraint"),
    "a column": (("CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR NOT NULL DEFAULT 'new')",), "constraint"),
    "no default": (("CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR)",), "definition_changed"),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_a_table_that_differs_is_changed_and_keeps_its_rows(tmp_path: Path, case: str) -> None:
    have, reason = DIFFERENT[case]
    project = shop(tmp_path)
    project.sql(*have, "INSERT INTO notes (id) VALUES (1)")
    if case != "a column missing":
        project.sql("UPDATE notes SET body = '2'")
    (action,) = [one for one in project.plan(target=["notes"]).actions if str(one.mend) == "alter"]
    assert reason in {str(one.reason) for one in action.reasons} and not action.hazards
    project.apply(target=["notes"])
    assert project.rows("FROM notes") == [(1, "new" if case == "a column missing" else "2")]
    assert project.plan(target=["notes"]).converged


def test_a_view_in_its_place_is_left_to_a_person(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("DROP TABLE notes", "DROP TABLE doubled", "CREATE VIEW notes AS SELECT 1::BIGINT AS id, 'a' AS body")
    assert [(str(one.table), str(one.reason)) for one in project.plan().by_hand] == [("notes", "wrong_kind")]
    error = project.refused()
    assert (error.code, error.exit_code) == ("by_hand", 1)
    assert "notes: wrong_kind" in error.message and "provision.yaml:" in error.message
    after = project.contents()
    assert "VIEW main.notes" in after and "BASE TABLE main.doubled" in after, "the others are made all the same"


def test_a_column_with_values_goes_only_when_it_is_allowed(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("ALTER TABLE notes ADD COLUMN x INTEGER", "INSERT INTO notes VALUES (1, 'a', 7)")
    told = project.command("plan", "--detailed-exitcode", "-v")
    assert told.returncode == 2
    assert "column_extra" in told.stdout and "x holds a value in 1 row, such as 7" in told.stdout
    before = project.files()
    done = project.command("apply")
    assert done.returncode == 1
    assert "--allow drops_column:notes" in done.stderr
    assert project.files()["shop.duckdb"] == before["shop.duckdb"]
    assert project.command("apply", "--allow", "drops_column:notes").returncode == 0
    assert project.rows("FROM notes") == [(1, "a")]


def test_a_declared_table_that_is_there_already_is_adopted_with_its_rows(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.sql(
        "CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR DEFAULT 'new')", "INSERT INTO notes VALUES (7, 'mine')"
    )
    assert ran(project.apply(target=["notes"])) == {"table:notes": "adopted"}
    assert project.rows("FROM notes") == [(7, "mine")]


def test_a_table_whose_check_names_it_is_taken_over_and_called_otherwise(tmp_path: Path) -> None:
    """DuckDB 1.5 renames it, and then nothing can be written to it any more."""
    entry = {"tier": "one", "columns": {"a": "INTEGER", "b": "INTEGER"}, "check": "a > 0"}
    project = make(tmp_path, {}, {"t": entry})
    project.sql("CREATE TABLE t (a INTEGER, b INTEGER, CHECK (t.a > 0))", "INSERT INTO t VALUES (1, 2)")
    assert ran(project.apply()) == {"table:t": "adopted"}
    project.declare(tables={"u": {**entry, "renamed_from": "t"}})
    project.apply()
    project.sql("INSERT INTO u VALUES (3, 4)")
    assert project.rows("FROM u ORDER BY a") == [(1, 2), (3, 4)] and project.plan().converged
    with pytest.raises(duckdb.ConstraintException):
        project.sql("INSERT INTO u VALUES (-1, 1)")


def test_a_view_may_take_numbers_from_a_sequence_of_the_manifest(tmp_path: Path) -> None:
    tables = {"drawn": {"tier": "one", "sql": "SELECT nextval('lots') AS lot"}}
    project = make(tmp_path, {}, tables, sequences={"lots": {"start": 0, "increment": 5}})
    project.apply()
    project.sql("CREATE TABLE seen AS FROM drawn")
    assert project.rows("FROM seen") == [(0,)] and project.plan().converged


@pytest.mark.parametrize("later", ["declared", "produced"])
def test_a_table_that_another_unit_makes_now_says_so_in_one_line(tmp_path: Path, later: str) -> None:
    entry = {"tier": "one", "columns": {"id": "INTEGER"}}
    project = make(
        tmp_path, {"ids": {"sql": "ids.sql"}}, {"t": {**entry, "step": "ids"}}, {"ids.sql": "SELECT 1::INT AS id"}
    )
    if later == "produced":
        project.declare(tables={"t": entry}, steps={})
        project.apply()
        project.declare(tables={"t": {**entry, "step": "ids"}}, steps={"ids": {"sql": "ids.sql"}})
    else:
        project.apply()
        project.declare(tables={"t": entry}, steps={})
    old, new = ("ids", "table:t") if later == "declared" else ("table:t", "ids")
    (action,) = project.plan().actions
    assert [one.fact for one in action.reasons] == [f"was made by {old}, and {new} makes it now"]
    project.apply()
    assert project.plan().converged


def test_a_value_that_its_new_type_cannot_hold_is_shown_and_kept(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.sql("CREATE TABLE notes (id VARCHAR)", "INSERT INTO notes VALUES ('mine')")
    plan = project.plan(target=["notes"])
    assert {(str(one.kind), one.fact) for one in plan.hazards} == {
        ("lossy_type", "id holds a value that BIGINT cannot in 1 row, such as mine"),
        ("null_violation", "id would be NULL in 1 row; add `backfill` to it"),
    }
    assert project.refused().code == "rows_in_the_way"
    assert project.rows("FROM notes") == [("mine",)]


def test_a_step_that_reads_a_declared_table_to_be_mended_by_hand_waits_for_it(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("shown.sql", "SELECT id FROM notes")
    project.sql("CREATE VIEW notes AS SELECT 1 AS id")
    seen: list[object] = []
    project.refused(on_event=seen.append)
    made = project.contents()
    assert "BASE TABLE main.doubled" in made
    assert "VIEW main.shown" not in made and "BASE TABLE main.counted" not in made

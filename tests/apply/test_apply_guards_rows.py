"""Rows that no step can make again are not lost, whatever becomes of their table in the manifest, or in a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from projects import Project, make, planned

COLUMNS: dict[str, Any] = {"i": "INTEGER"}


def notes(folder: Path, **keys: Any) -> Project:
    """A declared table in which a user wrote 77."""
    project = make(
        folder, {}, {"notes": {"tier": "one", "columns": COLUMNS, **keys}}, {"n.sql": "SELECT 1::INTEGER AS i"}
    )
    project.apply()
    project.sql("INSERT INTO notes VALUES (77)")
    return project


def give_it_a_step(project: Project, **keys: Any) -> None:
    project.declare(steps={"n": {"sql": "n.sql"}}, tables={"notes": {"tier": "one", "step": "n", **keys}})


@pytest.mark.parametrize("kind", ["table", "view"])
def test_a_declared_table_that_gets_a_step_keeps_its_rows_until_someone_allows_it(tmp_path: Path, kind: str) -> None:
    project = notes(tmp_path)
    give_it_a_step(project, kind=kind)
    assert [str(hazard.kind) for hazard in project.plan().hazards] == ["drops_table"]
    assert project.refused().code == "hazard"
    assert project.rows("FROM notes") == [(77,)]
    project.apply(allow=["drops_table"])
    assert project.rows("FROM notes") == [(1,)]


def test_an_empty_declared_table_that_gets_a_step_is_no_hazard(tmp_path: Path) -> None:
    project = notes(tmp_path)
    project.sql("DELETE FROM notes")
    give_it_a_step(project)
    assert not project.plan().hazards
    project.apply()


def test_a_protected_table_that_gets_a_step_is_kept_whatever_is_allowed(tmp_path: Path) -> None:
    project = notes(tmp_path, protect=True)
    give_it_a_step(project, protect=True)
    assert project.refused(allow=["drops_table"]).code == "protected"
    give_it_a_step(project)
    assert project.refused(allow=["drops_table"]).code == "protected", "silence lifts no protection"
    assert project.rows("FROM notes") == [(77,)]
    give_it_a_step(project, protect=False)
    project.apply(allow=["drops_table"])
    assert project.rows("FROM notes") == [(1,)]


TRESPASSES = [
    "DELETE FROM notes",
    "TRUNCATE notes",
    "UPDATE notes SET i = 1",
    "INSERT INTO notes VALUES (1)",
    "DROP TABLE notes",
    "ALTER TABLE notes ADD COLUMN x INTEGER",
    "CREATE OR REPLACE TABLE notes AS SELECT 1 AS i",
    "INSERT INTO main.NOTES SELECT 1",
    "INSERT INTO a VALUES (2)",
    "DROP TABLE IF EXISTS a",
]


@pytest.mark.parametrize("statement", TRESPASSES)
def test_a_script_that_writes_to_a_table_of_others_is_refused_and_changes_nothing(
    tmp_path: Path, statement: str
) -> None:
    project = make(
        tmp_path,
        {"a": {"sql": "a.sql"}, "b": {"sql": "b.sql"}},
        {
            "a": {"tier": "one", "step": "a"},
            "b": {"tier": "two", "step": "b"},
            "notes": {"tier": "one", "columns": COLUMNS},
        },
        {"a.sql": "SELECT 1 AS i", "b.sql": "CREATE TABLE b AS SELECT i FROM a"},
    )
    project.apply()
    project.sql("INSERT INTO notes VALUES (77)")
    before = project.contents()
    project.write("b.sql", f"{statement};\nCREATE TABLE b AS SELECT i FROM a")
    error = project.refused()
    assert error.code == "manifest" and "step b writes to" in error.message
    assert project.contents() == before
    project.write("b.sql", "CREATE TEMP TABLE notes AS SELECT 1 AS i;\nCREATE TABLE b AS SELECT i FROM temp.notes")
    project.apply()
    assert project.rows("FROM notes") == [(77,)]


SETTINGS = ["SET GLOBAL integer_division = true", "SET integer_division = true", "PRAGMA integer_division = true"]


@pytest.mark.parametrize("statement", SETTINGS)
def test_what_a_script_sets_ends_with_it(tmp_path: Path, statement: str) -> None:
    project = make(
        tmp_path,
        {"a": {"sql": "a.sql"}, "b": {"sql": "b.sql"}},
        {"a": {"tier": "one", "step": "a"}, "b": {"tier": "two", "step": "b"}},
        {"a.sql": f"{statement};\nCREATE TABLE a AS SELECT 7 / 2 AS x", "b.sql": "SELECT 7 / 2 AS x"},
    )
    project.apply()
    assert (project.rows("FROM a"), project.rows("FROM b")) == ([(3,)], [(3.5,)])


def test_records_that_lost_a_column_are_mended_by_the_next_apply(tmp_path: Path) -> None:
    project = notes(tmp_path)
    project.sql("ALTER TABLE _provisioner.stamps DROP COLUMN unit", "ALTER TABLE _provisioner.marks DROP COLUMN died")
    assert planned(project.plan()) == {"table:notes": {"unstamped"}}
    project.apply()
    assert project.plan().converged
    assert project.rows("FROM notes") == [(77,)]


def test_rebuilding_one_table_while_another_is_the_target_does_both(tmp_path: Path) -> None:
    project = make(
        tmp_path,
        {"a": {"sql": "a.sql"}, "b": {"sql": "b.sql"}},
        {"a": {"tier": "one", "step": "a"}, "b": {"tier": "two", "step": "b"}},
        {"a.sql": "SELECT 1 AS i", "b.sql": "SELECT 2 AS i"},
    )
    project.apply()
    project.sql("DROP TABLE b")
    assert planned(project.plan(target=["b"], rebuild=["a"])) == {"a": {"requested"}, "b": {"missing"}}

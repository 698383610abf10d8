"""A script writes to its own tables alone, however it names others; what it tries is told before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from projects import Project, make

MAKES = "CREATE TABLE own AS SELECT 1 AS a; "
# What the script does to whom.
TRESPASSING = {
    "delete": ("DELETE FROM notes", "notes"),
    "delete, with the database's name": ("DELETE FROM shop.notes", "notes"),
    "delete, with the database's and the schema's name": ("DELETE FROM SHOP.main.Notes", "notes"),
    "update behind a WITH": ("WITH delete AS (SELECT 1) UPDATE main.notes SET body = ''", "notes"),
    "insert, prepared": ("PREPARE p AS INSERT INTO notes VALUES (1); EXECUTE p", "notes"),
    "delete, explained": ("EXPLAIN ANALYZE DELETE FROM notes", "notes"),
    "delete, beside what only DuckDB parses": (
        "CREATE TYPE e AS ENUM (SELECT 'a'); DELETE FROM notes",
        "notes",
    ),
    "truncate": ("TRUNCATE notes", "notes"),
    "drop": ("DROP TABLE IF EXISTS notes CASCADE", "notes"),
    "rename": ("ALTER TABLE notes RENAME TO own2", "notes"),
    "take its name": ("ALTER TABLE own RENAME TO notes", "notes"),
    "index": ("CREATE INDEX mine ON notes (body)", "notes"),
    "drop its index": ("DROP INDEX by_body", "notes"),
    "comment": ("COMMENT ON COLUMN notes.body IS 'mine'", "notes"),
    "fill from a file": ("COPY notes FROM 'data.csv'", "notes"),
    "drop its schema": ("DROP SCHEMA kept CASCADE", "kept.deep"),
    "another step's table": ("DELETE FROM other", "other"),
    "the records": ("DELETE FROM _provisioner.stamps", "_provisioner"),
    "the schema of the records": ("DROP SCHEMA shop._provisioner CASCADE", "_provisioner"),
}


def project_of(folder: Path) -> Project:
    project = make(
        folder,
        {"own": {"sql": "own.sql", "reads": []}, "other": {"sql": "other.sql"}},
        {
            "notes": {"tier": "one", "columns": {"body": "VARCHAR"}, "indexes": {"by_body": ["body"]}},
            "kept.deep": {"tier": "one", "columns": {"body": "VARCHAR"}},
            "own": {"tier": "two", "step": "own"},
            "other": {"tier": "one", "step": "other"},
        },
        {"own.sql": MAKES, "other.sql": "SELECT 1 AS a", "data.csv": "body\nx\n"},
    )
    project.apply()
    project.sql("INSERT INTO notes VALUES ('kept')", "INSERT INTO kept.deep VALUES ('kept')")
    return project


@pytest.mark.parametrize("case", TRESPASSING)
def test_a_script_that_writes_to_what_is_not_its_own_is_refused_before_it_runs(tmp_path: Path, case: str) -> None:
    project, (sql, whose) = project_of(tmp_path), TRESPASSING[case]
    before = project.contents()
    project.write("own.sql", MAKES + sql)
    error = project.refused()
    assert "trespass" in {problem.code for problem in error.problems}, error
    assert re.search(rf"writes to (?:schema )?{whose}", str(error), re.IGNORECASE)
    assert project.contents() == before


OWN = {
    "its own, with the database's name": "DELETE FROM shop.own",
    "its own, made and filled": "DROP TABLE own; CREATE TABLE shop.main.own (a INT); INSERT INTO own VALUES (2)",
    "a temporary one of the same name": "CREATE TEMP TABLE notes (a INT); INSERT INTO notes VALUES (1)",
    "a schema of its own": "CREATE SCHEMA mine; CREATE TABLE mine.x (a INT); DROP SCHEMA mine CASCADE",
    "reading others": "INSERT INTO own SELECT count(*) FROM shop.notes",
    "a table of nobody": "CREATE OR REPLACE TABLE nobodys AS SELECT 1; DROP TABLE nobodys",
}


@pytest.mark.parametrize("case", OWN)
def test_a_script_may_do_as_it_likes_with_its_own(tmp_path: Path, case: str) -> None:
    project = project_of(tmp_path)
    project.write("own.sql", MAKES + OWN[case])
    project.apply()
    assert project.rows("FROM notes") == project.rows("FROM kept.deep") == [("kept",)]
    assert project.plan().converged


def test_the_databases_name_before_a_table_is_an_edge_like_any_other(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.manifest["steps"]["own"] = {"sql": "own.sql"}
    project.declare()
    project.write("own.sql", "SELECT a FROM shop.other")
    project.apply()
    project.write("other.sql", "SELECT 2 AS a")
    assert {action.unit for action in project.plan().actions} == {"own", "other"}
    project.apply()
    assert project.rows("FROM own") == [(2,)]

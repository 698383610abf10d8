"""Saved plans that change declared tables in place: what they show, and what they are refused for."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from projects import Project, make, ran


@pytest.fixture
def notes(tmp_path: Path) -> Project:
    """A declared table with three rows, and one that refers to nothing beside it."""
    project = make(
        tmp_path,
        {},
        {
            name: {
                "tier": "one",
                "columns": {"id": "BIGINT", "body": "VARCHAR", "old": "INTEGER"},
                "primary_key": ["id"],
            }
            for name in ("notes", "others")
        },
    )
    project.apply()
    project.sql("INSERT INTO notes VALUES (1, 'a', 1), (2, 'b', NULL), (3, NULL, NULL)")
    return project


def change(project: Project, table: str = "notes", **columns: Any) -> Path:
    """Declare other columns and save the plan for it."""
    project.manifest["tables"][table]["columns"] = {"id": "BIGINT", **columns}
    project.declare()
    path = project.folder / "plan.json"
    project.plan(out=path)
    return path


def test_a_saved_migration_shows_its_statements_and_hazards_and_is_carried_out(notes: Project) -> None:
    path = change(notes, body={"type": "VARCHAR", "default": "'new'"}, more="INTEGER")
    (action,) = json.loads(path.read_text())["actions"]
    assert action["action"] == "alter" and any("DROP COLUMN" in one for one in action["statements"])
    assert [(one["kind"], one["table"]) for one in action["hazards"]] == [("drops_column", "notes")]
    assert notes.refused(plan=path).code == "hazard"
    assert ran(notes.apply(plan=path, allow=["drops_column:notes"])) == {"table:notes": "done"}
    assert notes.rows("SELECT id, body, more FROM notes ORDER BY id") == [
        (1, "a", None),
        (2, "b", None),
        (3, None, None),
    ]
    assert notes.plan().converged and notes.apply(plan=path).units == ()


# What a user does meanwhile, and what is told of it.
MOVES = {
    "a row that counts": ("INSERT INTO notes VALUES (4, 'd', 4)", "notes: answers was"),
    "a column": ("ALTER TABLE notes ADD COLUMN mine INTEGER", "notes: relation was"),
    "an index": ("CREATE INDEX mine ON notes (body)", "notes: shape was"),
    "a default": ("ALTER TABLE notes ALTER COLUMN body SET DEFAULT 'x'", "notes: shape was"),
}


@pytest.mark.parametrize("how", MOVES)
def test_a_saved_migration_is_refused_when_what_it_rests_on_moved(notes: Project, how: str) -> None:
    path = change(notes, body="VARCHAR")
    statement, fact = MOVES[how]
    notes.sql(statement)
    before = notes.contents()
    error = notes.refused(plan=path, allow=["drops_column"])
    assert error.code == "plan_outdated" and fact in error.message, error.message
    assert notes.contents() == before


def test_a_row_that_does_not_count_changes_nothing(notes: Project) -> None:
    path = change(notes, body="VARCHAR", old="INTEGER", more={"type": "INTEGER", "default": 7})
    notes.sql("INSERT INTO notes VALUES (4, 'd', 4)")
    notes.apply(plan=path)
    assert notes.rows("SELECT count(*), min(more), max(more) FROM notes") == [(4, 7, 7)]


def test_rows_that_a_change_cannot_be_made_with_cannot_be_allowed(notes: Project) -> None:
    before = notes.contents()
    change(notes, body={"type": "VARCHAR", "nullable": False}, old="INTEGER")
    for wishes in ({}, {"allow": ["drops_column", "rewrites_table", "lossy_type"]}):
        error = notes.refused(**wishes)
        assert (error.code, error.exit_code) == ("rows_in_the_way", 1), error
        assert "notes: null_violation" in error.message
    assert notes.contents() == before
    assert notes.command("apply", "--yes").returncode == 1
    notes.sql("UPDATE notes SET body = '' WHERE body IS NULL")
    notes.apply(allow=["rewrites_table"])
    assert notes.plan().converged


def test_one_of_two_migrations_that_is_done_is_not_done_again(notes: Project) -> None:
    change(notes, body="VARCHAR", old="INTEGER", more="INTEGER")
    path = change(notes, "others", body="VARCHAR", old="INTEGER", more="INTEGER")
    notes.apply(target=["others"])
    assert ran(notes.apply(plan=path)) == {"table:notes": "done"}
    assert notes.plan().converged


# Kills itself as soon as the parent is changed, and its child is not.
KILLED = """
import os, signal, provisioner
def kill(event):
    if getattr(event, "unit", "") == "table:people" and type(event).__name__ == "UnitFinished":
        os.kill(os.getpid(), signal.SIGKILL)
provisioner.apply("provision.yaml", plan="plan.json", on_event=kill)
"""


def test_a_plan_killed_between_a_parent_and_its_child_is_gone_on_with_by_giving_it_again(tmp_path: Path) -> None:
    """The parent's change has taken the key of its child that no longer fitted: nobody else did that meanwhile."""
    project = make(tmp_path, {}, family("INTEGER"))
    project.apply()
    project.sql("INSERT INTO people VALUES (1), (2)", "INSERT INTO visits VALUES (1), (NULL)")
    project.manifest["tables"] = family("BIGINT")
    project.declare()
    path = project.folder / "plan.json"
    project.plan(out=path)
    died = subprocess.run([sys.executable, "-c", KILLED], cwd=project.folder, check=False)
    assert died.returncode == -signal.SIGKILL
    assert ran(project.apply(plan=path)) == {"table:visits": "done"}
    assert project.plan().converged and project.apply(plan=path).units == ()
    assert project.rows("SELECT typeof(who), who FROM visits ORDER BY ALL") == [("BIGINT", 1), ("BIGINT", None)]
    with pytest.raises(duckdb.ConstraintException):
        project.sql("INSERT INTO visits VALUES (3)")


def family(key: str) -> dict[str, Any]:
    refers = {"columns": "who", "references": {"table": "people"}}
    return {
        "people": {"tier": "one", "columns": {"id": key}, "primary_key": ["id"]},
        "visits": {"tier": "one", "columns": {"who": key}, "foreign_keys": [refers]},
    }

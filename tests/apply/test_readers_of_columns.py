"""A column that goes from a declared table: who reads it by name is told in the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import Project, make, ran

NOTES = {"tier": "one", "columns": {"id": "BIGINT", "body": "VARCHAR", "old": "INTEGER"}}
STEPS = {
    "shown": {"sql": "shown.sql"},
    "whole": {"sql": "whole.sql"},
    "counted": {"sql": "counted.sql"},
    "built": {"python": "building:build", "reads": ["notes"]},
}
FILES = {
    "shown.sql": "SELECT id, old FROM notes\n",
    "whole.sql": "SELECT * FROM notes\n",
    "counted.sql": "SELECT count(id) AS n FROM notes -- old\n",
    "building.py": (
        "def build(connection, context):\n"
        '    connection.execute("CREATE TABLE built AS SELECT max(OLD) AS older, 1 AS olden FROM notes")\n'
    ),
}


@pytest.fixture
def notes(tmp_path: Path) -> Project:
    tables = {
        "notes": {**NOTES},
        "shown": {"tier": "two", "step": "shown", "kind": "view"},
        "whole": {"tier": "two", "step": "whole", "kind": "view"},
        "counted": {"tier": "two", "step": "counted"},
        "built": {"tier": "two", "step": "built"},
    }
    project = make(tmp_path, STEPS, tables, FILES)
    project.apply()
    return project


def without(project: Project, column: str = "old") -> None:
    project.manifest["tables"]["notes"]["columns"] = {
        name: type for name, type in NOTES["columns"].items() if name != column
    }
    project.declare()


def test_steps_that_name_a_column_are_named_before_it_goes(notes: Project) -> None:
    without(notes)
    assert [(hazard.kind, hazard.fact) for hazard in notes.plan().hazards] == [
        ("breaks_view", "building.py reads it and names old, which would be gone"),
        ("breaks_view", "shown.sql reads it and names old, which would be gone"),
    ]
    before = notes.contents()
    assert notes.refused().code == "hazard" and notes.contents() == before


def test_steps_that_were_mended_with_it_are_no_hazard(notes: Project) -> None:
    without(notes)
    notes.write("shown.sql", "SELECT id FROM notes\n")
    notes.write("building.py", FILES["building.py"].replace("OLD", "id"))
    assert notes.plan().hazards == ()
    assert set(ran(notes.apply())) == {"table:notes", "shown", "whole", "counted", "built"}
    assert notes.plan().converged and notes.rows("SELECT * FROM whole") == []


def test_a_view_that_the_plan_leaves_alone_is_a_hazard(notes: Project) -> None:
    without(notes)
    notes.write("shown.sql", "SELECT id FROM notes\n")
    notes.write("building.py", FILES["building.py"].replace("OLD", "id"))
    (hazard, *_) = notes.plan(target=["notes"]).hazards
    assert hazard.kind == "breaks_view" and "the view shown could not be read any more" in hazard.fact


def test_what_names_a_column_that_stays_is_not_named(notes: Project) -> None:
    without(notes, "body")
    assert notes.plan().hazards == ()

"""`plan --rehearse`: what changes declared tables is tried with their rows, and undone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from projects import Project, make, ran

from provisioner.execute.lock import held

COLUMNS = {"id": "BIGINT", "body": "VARCHAR"}


@pytest.fixture
def notes(tmp_path: Path) -> Project:
    """A declared table with rows, and one whose rows refer to it."""
    tables = {
        "notes": {"tier": "one", "columns": {**COLUMNS}, "primary_key": ["id"]},
        "replies": {
            "tier": "one",
            "columns": {"note": "BIGINT"},
            "foreign_keys": [{"columns": ["note"], "references": {"table": "notes", "columns": ["id"]}}],
        },
    }
    project = make(tmp_path, {}, tables)
    project.apply()
    project.sql("INSERT INTO notes VALUES (1, '11'), (2, 'two')", "INSERT INTO replies VALUES (1), (1)")
    return project


def declare(project: Project, table: str = "notes", **more: Any) -> None:
    project.manifest["tables"][table] |= more
    project.declare()


def test_what_works_is_shown_with_its_rows_and_nothing_is_changed(notes: Project) -> None:
    declare(notes, columns={**COLUMNS, "more": {"type": "INTEGER", "default": 7}}, unique=[["body"]])
    before, files = notes.contents(), set(notes.files())
    (tried,) = notes.plan(rehearse=True).rehearsed
    assert (str(tried.table), tried.rows, tried.error) == ("notes", 2, "") and tried.seconds > 0
    assert notes.contents() == before and set(notes.files()) == files
    assert ran(notes.apply()) == {"table:notes": "done"} and notes.plan().converged


def test_what_only_the_rows_refuse_is_found_before_anybody_applies_it(notes: Project) -> None:
    declare(notes, indexes={"by_size": ["(CAST(body AS INTEGER))"]})
    before = notes.contents()
    found = notes.command("plan", "--rehearse", "-o", "plan.json")
    assert found.returncode == 1 and "! notes  fails  Conversion Error" in found.stdout and "'two'" in found.stdout
    assert found.stdout.endswith("Nothing was changed, and no plan saved.\n")
    assert not (notes.folder / "plan.json").exists() and notes.contents() == before
    notes.sql("UPDATE notes SET body = '2' WHERE id = 2")
    found = notes.command("plan", "--rehearse", "-o", "plan.json", "--format", "json")
    (tried,) = json.loads(found.stdout)["rehearsed"]
    assert found.returncode == 0 and (tried["table"], tried["rows"], tried["error"]) == ("notes", 2, None)
    assert notes.command("apply", "plan.json").returncode == 0
    assert notes.plan().converged


def test_a_backfill_that_fails_on_a_row_is_told_in_the_plan(notes: Project) -> None:
    size = {"type": "INTEGER", "nullable": False, "backfill": "CAST(body AS INTEGER)"}
    declare(notes, columns={**COLUMNS, "size": size})
    (hazard,) = notes.plan().hazards
    assert hazard.kind == "null_violation" and hazard.fact.startswith("size cannot be filled: Conversion Error")
    assert "'two'" in hazard.fact and notes.refused().code == "rows_in_the_way"


def test_a_change_is_rehearsed_after_those_that_it_rests_on(notes: Project) -> None:
    declare(
        notes,
        columns={**COLUMNS, "code": {"type": "BIGINT", "nullable": False, "backfill": "id * 10"}},
        unique=[["code"]],
    )
    key = {"columns": ["code"], "references": {"table": "notes", "columns": ["code"]}}
    declare(
        notes,
        "replies",
        columns={"code": {"type": "BIGINT", "nullable": False, "backfill": "note * 10"}, "note": "BIGINT"},
    )
    notes.manifest["tables"]["replies"]["foreign_keys"].append(key)
    notes.manifest["tables"]["coded"] = {"tier": "two", "sql": "SELECT code + 1 AS next FROM notes"}
    notes.declare()
    assert [(str(one.table), one.rows, one.error) for one in notes.plan(rehearse=True).rehearsed] == [
        ("notes", 2, ""),
        ("replies", 2, ""),
    ]
    notes.apply()
    assert notes.rows("SELECT note, code FROM replies") == [(1, 10), (1, 10)] and notes.plan().converged


def test_where_nothing_is_altered_nothing_is_opened_to_write(notes: Project) -> None:
    files = notes.files()
    assert notes.plan(rehearse=True, cache=False).rehearsed == ()
    assert notes.files() == files


def test_it_waits_for_nobody(notes: Project) -> None:
    declare(notes, columns={**COLUMNS, "more": "INTEGER"})
    lock = held(
        notes.database, command="apply", run="x", timeout=0, on_wait=lambda holder: None, should_stop=lambda: False
    )
    with lock:
        found = notes.command("plan", "--rehearse")
    assert found.returncode == 3 and "apply" in found.stderr and found.stdout == ""


def test_a_view_follows_the_columns_that_it_reads_in_one_apply(notes: Project) -> None:
    notes.manifest["tables"]["shown"] = {"tier": "two", "sql": "SELECT body FROM notes"}
    notes.declare()
    notes.apply()
    notes.manifest["tables"]["shown"]["sql"] = "SELECT words, more FROM notes"
    words = {"type": "VARCHAR", "renamed_from": "body"}
    declare(notes, columns={"id": "BIGINT", "words": words, "more": {"type": "INTEGER", "default": 7}})
    found = notes.plan(rehearse=True)
    assert [one.error for one in found.rehearsed] == ["", ""] and found.hazards == ()
    notes.apply()
    assert notes.rows("SELECT * FROM shown ORDER BY ALL") == [("11", 7), ("two", 7)] and notes.plan().converged


# Dies when the change is made and looked at, and before it is undone.
KILLED = """
import os, signal, provisioner
from provisioner.execute import rehearsal
rehearsal.verify = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
provisioner.plan("provision.yaml", rehearse=True)
"""


def test_a_rehearsal_that_is_killed_has_changed_nothing(notes: Project) -> None:
    declare(notes, columns={"id": "BIGINT", "more": {"type": "INTEGER", "default": 7}})
    before = notes.contents()
    died = subprocess.run([sys.executable, "-c", KILLED], cwd=notes.folder, check=False)
    assert died.returncode == -signal.SIGKILL
    assert notes.contents() == before
    assert notes.refused().code == "hazard"
    assert ran(notes.apply(allow=["drops_column"])) == {"table:notes": "done"} and notes.plan().converged

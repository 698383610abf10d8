"""Closed, full and strange streams; what a dead run left of a table that nobody wants; parts beside the manifest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from projects import PATIENCE, ROOT, Project, make

SQL = {"a": {"sql": "a.sql"}}
TABLES = {"a": {"tier": "one", "step": "a"}}
COMMAND = f"{sys.executable} -m provisioner"


def small(folder: Path) -> Project:
    return make(folder, SQL, TABLES, {"a.sql": "SELECT 1 AS i"})


def shell(project: Project, line: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", line], cwd=project.folder, env=variables, capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&- <&-"])
def test_with_a_closed_stream_the_work_is_done_and_the_database_is_sound(tmp_path: Path, closed: str) -> None:
    project = small(tmp_path)
    done = shell(project, f"{COMMAND} apply {closed}")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert project.rows("FROM a") == [(1,)]


def test_a_full_stdout_is_told_as_such(tmp_path: Path) -> None:
    done = shell(small(tmp_path), f"{COMMAND} plan > /dev/full")
    assert done.returncode == 1
    assert "Nothing can be printed to stdout: No space left on device" in done.stderr


def test_a_reader_that_leaves_is_no_defect(tmp_path: Path) -> None:
    done = shell(small(tmp_path), f"{COMMAND} plan --format json | true")
    assert done.stderr.strip() in ("", "reading the manifest")


def test_text_that_no_encoding_holds_comes_escaped(tmp_path: Path) -> None:
    code = 'def build(connection, context):\n    raise ValueError("\\ud800")\n'
    project = make(tmp_path, {"a": {"python": "work:build"}}, TABLES, {"work.py": code})
    done = project.command("apply", "--format", "json")
    assert json.loads(done.stdout)["error"]["code"] == "python_failed"


def test_a_file_for_others_to_include_is_not_taken_for_a_manifest(tmp_path: Path) -> None:
    project = small(tmp_path / "manifests")
    project.declare(include=["parts.yaml"])
    project.write("parts.yaml", "steps:\n  b: {sql: a.sql}\ntables:\n  b: {tier: one, step: b}\n")
    done = project.command("apply", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert project.rows("FROM b") == [(1,)]


@pytest.mark.parametrize("schema", ["shop", "SHOP", "temp", "system", "information_schema", "pg_catalog"])
def test_a_schema_that_duckdb_cannot_tell_apart_is_told_before_anything_runs(tmp_path: Path, schema: str) -> None:
    project = make(tmp_path, SQL, {f"{schema}.a": TABLES["a"]}, {"a.sql": "SELECT 1 AS i"})
    error = project.refused()
    assert (error.code, f"the schema {schema}" in error.message) == ("manifest", True)
    assert not project.database.exists()


def test_what_a_dead_run_left_of_a_table_that_nobody_wants_is_put_back_by_the_next_apply(tmp_path: Path) -> None:
    project = small(tmp_path)
    project.apply()
    project.sql(
        "CREATE TABLE gone__kept_r1 AS SELECT 5 AS i",
        "INSERT INTO _provisioner.marks (schema_name, table_name, unit, run, existed, kept)"
        " VALUES ('main', 'gone', 'model.x.gone', 'r1', true, 'gone__kept_r1')",
    )
    project.apply()
    assert project.rows("FROM gone") == [(5,)]
    assert project.rows("SELECT count(*) FROM _provisioner.marks") == [(0,)]

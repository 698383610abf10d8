"""SIGKILL in the middle of each kind of step: the next apply ends with what an undisturbed run makes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from projects import HOLD, LET_GO, PATIENCE, Project, planned, ran, slow, wait_for_line, wait_until

KINDS: dict[str, dict[str, Any]] = {
    "load": {"load": "many.csv.gz"},
    "sql": {"sql": "slow.sql"},
    "python": {"python": "sleeping:build"},
}
DUE = {"slow": {"missing"}, "after": {"missing"}}


def project_of(folder: Path, kind: str) -> Project:
    project = slow(folder, **KINDS[kind])
    if kind == "load":
        # Unpacked by one thread: long enough to be met in its middle.
        duckdb.sql("SELECT range AS x, hash(range) AS y FROM range(600000)").write_csv(
            str(project.folder / "many.csv.gz"), compression="gzip"
        )
    return project


def kill_in_the_middle(project: Project, kind: str, *words: str) -> None:
    """Start an apply that will not end its step `slow`, and kill it there."""
    project.sql("CREATE TABLE IF NOT EXISTS pace (n BIGINT)", HOLD)
    project.write("wait", "")
    process = project.start("apply", *words)
    wait_for_line(process, "start", "slow")
    if kind == "python":
        wait_until((project.folder / "begun").exists, process)
    time.sleep(0.1)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -9
    (project.folder / "wait").unlink()
    wait_until(lambda: free(project))
    project.sql(LET_GO)


def free(project: Project) -> bool:
    """Whether the child of a dead parent has let go of the database."""
    try:
        project.sql()
    except duckdb.IOException:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_after_sigkill_in_the_middle_apply_ends_with_what_an_undisturbed_run_makes(tmp_path: Path, kind: str) -> None:
    project = project_of(tmp_path / "killed", kind)
    kill_in_the_middle(project, kind)
    assert planned(project.plan()) == DUE
    assert set(ran(project.apply())) == {"slow", "after"}
    assert project.plan().converged
    undisturbed = project_of(tmp_path / "undisturbed", kind)
    undisturbed.apply()
    assert project.contents() == undisturbed.contents()
    assert json.loads(project.command("history", "--format", "json").stdout)["runs"][0]["outcome"] is None


def test_a_killed_repair_leaves_the_old_table_and_its_stamp(tmp_path: Path) -> None:
    project = project_of(tmp_path, "sql")
    project.apply()
    before = project.contents()
    kill_in_the_middle(project, "sql", "--rebuild", "slow")
    assert project.contents() == before
    assert project.apply().id == ""


def restarted(project: Project) -> set[str]:
    done = project.command("apply", "--restart", "--format", "json")
    assert done.returncode == 0, done.stderr
    return {one["unit"] for one in json.loads(done.stdout)["units"]}


def test_restart_makes_again_what_the_killed_run_made_and_only_that(tmp_path: Path) -> None:
    project = project_of(tmp_path, "sql")
    project.write("old.sql", "SELECT 3 AS x")
    project.manifest["steps"]["old"] = {"sql": "old.sql"}
    project.manifest["tables"]["old"] = {"tier": "one", "step": "old"}
    project.declare()
    project.apply(target=["old"])
    kill_in_the_middle(project, "sql")
    assert planned(project.plan()) == DUE
    assert restarted(project) == {"quick", "slow", "after"}
    assert project.plan().converged
    assert project.apply(restart=True).id == ""

"""Several processes and one database: one works, the others wait, or say who is in the way."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import PATIENCE, Project, slow, wait_for_line, wait_until


@pytest.fixture
def working(tmp_path: Path) -> Iterator[tuple[Project, subprocess.Popen[str]]]:
    """An apply in the middle of a python step that waits for the file `wait` to go."""
    project = slow(tmp_path, python="sleeping:build")
    project.write("wait", "")
    process = project.start("apply")
    wait_until((project.folder / "begun").exists, process)
    yield project, process
    process.kill()
    process.communicate()


def test_of_two_applies_one_works_and_the_other_waits_and_finds_nothing_to_do(
    working: tuple[Project, subprocess.Popen[str]],
) -> None:
    project, first = working
    second = project.start("apply")
    waiting = wait_for_line(second, "waiting for", str(first.pid))
    assert socket.gethostname() in waiting and "provision apply" in waiting
    (project.folder / "wait").unlink()
    assert first.wait(timeout=PATIENCE) == 0
    out, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0
    assert out == "Nothing to do: the database is as declared.\n"
    assert project.plan().converged


def test_who_is_in_the_way_is_named_and_check_answers_meanwhile(working: tuple[Project, subprocess.Popen[str]]) -> None:
    project, first = working
    refused = project.command("apply", "--lock-timeout", "0", "-q")
    assert refused.returncode == 3
    assert f"process {first.pid} on {socket.gethostname()}" in refused.stderr
    assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+ s ago\), running `provision apply`", refused.stderr)
    assert "--lock-timeout" in refused.stderr
    assert project.command("check").returncode == 0
    assert "never ended" in project.command("history").stdout


def test_a_lock_timeout_that_passes_ends_the_waiting(working: tuple[Project, subprocess.Popen[str]]) -> None:
    project, first = working
    refused = project.command("apply", "--lock-timeout", "0.3")
    assert refused.returncode == 3
    assert "waiting for" in refused.stderr and str(first.pid) in refused.stderr


APPLICATION = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("words", [("plan",), ("apply", "--format", "json", "--lock-timeout", "0.3")])
@pytest.mark.parametrize("left", ["nothing", "the name of a dead one", "a number that another process has by now"])
def test_an_application_that_has_the_database_open_is_named(tmp_path: Path, words: tuple[str, ...], left: str) -> None:
    """Also where an apply died before and left its name as the lock's holder."""
    project = slow(tmp_path, sql="slow.sql")
    project.sql("CREATE TABLE mine AS SELECT 1 AS x")
    if left != "nothing":
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        pid = gone.pid if "dead" in left else os.getpid()
        name = {"pid": pid, "host": socket.gethostname(), "since": "2026-01-01T00:00:00Z", "born": "1"}
        project.write("shop.duckdb.holder", json.dumps({**name, "command": "provision apply", "run": "r"}))
    application = subprocess.Popen(
        [sys.executable, "-c", APPLICATION, str(project.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert application.stdout is not None and application.stdout.readline() == "open\n"
        refused = project.command(*words)
        assert refused.returncode == 3
        assert f"PID {application.pid}" in refused.stderr + refused.stdout
        assert "Traceback" not in refused.stderr
    finally:
        application.communicate("")
    project.apply()
    assert project.rows("FROM mine") == [(1,)]

"""Where the database lies and from where it is called makes no difference; what a terminal and a pipe get to see."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from projects import PATIENCE, ROOT, Project, ran, shop

from provisioner import Event
from provisioner.execute.events import UnitFinished


@pytest.mark.parametrize(
    ("folder", "database"),
    [
        ("with spaces and-dashes", "../build.dir/new-raw data.v1.duckdb"),
        ("dots.in.it.duckdb", "no-ending"),
        ("größe-数据", "größe.数据"),
        ('quote\'s "both" per%cent', "quote's.duckdb"),
    ],
)
def test_a_project_works_in_any_folder_from_any_other(tmp_path: Path, folder: str, database: str) -> None:
    (tmp_path / ".git").mkdir()
    project = shop(tmp_path / folder / "manifests")
    project.declare(database=database)
    project.apply()
    assert project.database.is_file()
    assert project.rows("SELECT total FROM summed") == [(50,)]
    assert project.plan().converged


def test_a_comma_in_the_folders_name_is_told_where_duckdb_would_not_find_a_file(tmp_path: Path) -> None:
    project = shop(tmp_path / "a, b")
    project.apply()
    project.write("shown.sql", "SELECT id, v FROM 'sales.csv' WHERE v > 10")
    error = project.refused()
    assert error.code == "folder_comma" and "shown.sql reads sales.csv" in error.message
    project.write("shown.sql", f"SELECT id, v FROM '{tmp_path}/a, b/sales.csv' WHERE v > 10")
    project.apply()
    assert project.plan().converged


def test_from_another_working_directory_the_same_is_the_same(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = shop(tmp_path / "a b" / "manifests")
    project.write("shown.sql", "SELECT id, v FROM read_csv('sales.csv') WHERE v > 10")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    made = project.command("apply", "--manifest", "../a b/manifests/provision.yaml", cwd=elsewhere)
    assert made.returncode == 0, made.stderr
    again = project.command("apply", cwd=tmp_path / "a b")
    assert (again.returncode, again.stdout) == (0, "Nothing to do: the database is as declared.\n")
    assert list(elsewhere.iterdir()) == []


def test_a_missing_folder_of_the_database_is_made(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.declare(database="a/b c/shop.duckdb")
    assert not project.plan().converged
    assert not (tmp_path / "a").exists(), "plan changes nothing"
    project.apply()
    assert project.plan().converged


def test_a_file_of_no_bytes_is_no_database_yet(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.database.touch()
    assert not project.plan().converged
    assert project.database.stat().st_size == 0
    project.apply()
    assert project.plan().converged


def test_a_symlink_to_the_database_is_followed(shop_as_declared: Project, tmp_path: Path) -> None:
    project = shop_as_declared
    (tmp_path / "real").mkdir()
    project.database.rename(tmp_path / "real" / "shop.duckdb")
    project.database.symlink_to("real/shop.duckdb")
    assert project.plan().converged
    project.sql("DROP TABLE doubled")
    assert ran(project.apply()) == {"doubled": "done"}
    assert project.database.is_symlink()


def test_a_link_that_is_led_elsewhere_meanwhile_changes_nothing_for_the_run(tmp_path: Path) -> None:
    """As blue and green databases change places: what has the lock is written to, to its end."""
    project = shop(tmp_path)
    project.declare(policy={"sandbox_sql": True})  # each script has the database opened anew
    blue, green = tmp_path / "blue.duckdb", tmp_path / "green.duckdb"
    project.database.symlink_to(blue.name)

    def swap(event: Event) -> None:
        if isinstance(event, UnitFinished) and not (tmp_path / "new").is_symlink():
            (tmp_path / "new").symlink_to(green.name)
            (tmp_path / "new").replace(project.database)

    run = project.apply(on_event=swap)
    assert run.outcome == "done" and len(ran(run)) == 5
    assert not list(tmp_path.glob("green*"))
    assert not project.plan().converged, "the link leads to another database now"
    project.database.unlink()
    project.database.symlink_to(blue.name)
    assert project.plan().converged


def test_a_copied_database_carries_its_stamps(shop_as_declared: Project, tmp_path: Path) -> None:
    project = shop_as_declared
    (tmp_path / "copy.duckdb").write_bytes(project.database.read_bytes())
    project.declare(database="copy.duckdb")
    assert project.plan().converged


@pytest.mark.parametrize("words", [("plan",), ("apply", "-v")])
def test_a_pipe_gets_no_escape_codes(shop_as_declared: Project, words: tuple[str, ...]) -> None:
    shop_as_declared.sql("DROP TABLE doubled")
    said = shop_as_declared.command(*words)
    assert said.returncode == 0 and said.stdout
    assert "\x1b" not in said.stdout + said.stderr


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_it_says_no(tmp_path: Path, variables: dict[str, str], coloured: bool) -> None:
    project = shop(tmp_path)
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "provisioner", "plan"], stdin=subprocess.DEVNULL, stdout=child, stderr=child,
        cwd=project.folder, env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **variables},
    )  # fmt: skip
    os.close(child)
    said = read_all(parent)
    assert process.wait(timeout=PATIENCE) == 0
    assert "missing" in said
    assert ("\x1b[" in said) is coloured


def read_all(terminal: int) -> str:
    said = b""
    try:
        while data := os.read(terminal, 65536):
            said += data
    except OSError:  # what Linux says when the other end is closed
        pass
    os.close(terminal)
    return said.decode()


def test_a_program_gets_json_on_stdout_and_nothing_else(tmp_path: Path) -> None:
    project = shop(tmp_path)
    plan = json.loads(project.command("plan", "--format", "json").stdout)
    assert {one["action"] for one in plan["actions"]} == {"run", "create"} and not plan["converged"]
    run = json.loads(project.command("apply", "--format", "json", "-v").stdout)
    assert run["outcome"] == "done" and run["error"] is None and len(run["units"]) == 5
    again = json.loads(project.command("apply", "--format", "json").stdout)
    assert (again["run"], again["units"]) == (None, [])


def test_the_structured_log_has_a_line_for_each_start_and_end(tmp_path: Path) -> None:
    project = shop(tmp_path)
    said = project.command("apply", "--log-format", "json")
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    ends = {line["unit"]: line for line in lines if line["event"] == "unit_finished"}
    assert {line["unit"] for line in lines if line["event"] == "unit_started"} == set(ends)
    assert ends["doubled"]["outcome"] == "done" and ends["doubled"]["rows"] == 3 and ends["doubled"]["seconds"] >= 0


def test_quiet_says_nothing_on_stderr_but_errors(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("DROP TABLE summed")
    assert project.command("apply", "-q").stderr == ""
    project.write("doubled.sql", "SELECT nothing FROM sales")
    failed = project.command("apply", "-q")
    assert failed.returncode == 1 and failed.stderr.startswith("error: doubled.sql:1")


@pytest.mark.parametrize(
    ("drop", "words", "code"),
    [(True, (), 0), (True, ("--detailed-exitcode",), 2), (False, ("--detailed-exitcode",), 0)],
)
def test_the_exit_code_of_plan_tells_of_drift_only_when_asked(
    shop_as_declared: Project, drop: bool, words: tuple[str, ...], code: int
) -> None:
    if drop:
        shop_as_declared.sql("DROP TABLE summed")
    assert shop_as_declared.command("plan", *words).returncode == code

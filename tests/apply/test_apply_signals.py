"""Signals where an apply, a plan or the start of Python is under way; and a stdout that takes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from projects import ENDLESS, HOLD, LET_GO, PACE, PATIENCE, ROOT, Project, make, shop, wait_for_line, wait_until

from provisioner.execute.lock import held

# A python step that fills the users' table: from then on the view that reads it is endless.
FILLING = f"""
def build(connection, context):
    connection.execute("{HOLD}")
    connection.execute(f"CREATE TABLE {{context.tables[0]}} AS SELECT 1 AS x")
"""


def ending(folder: Path) -> Project:
    """Its only endless query is that of the look after the last unit."""
    return make(
        folder,
        {"shown": {"sql": "shown.sql"}, "last": {"python": "filling:build"}},
        {
            "pace": PACE,
            "shown": {"tier": "one", "step": "shown", "kind": "view", "expect": {"min_rows": 1}},
            "last": {"tier": "three", "step": "last"},
        },
        {"shown.sql": f"SELECT {ENDLESS} AS n", "filling.py": FILLING},
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    return process.returncode, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_while_waiting_for_the_lock_ends_the_wait(tmp_path: Path, number: signal.Signals) -> None:
    project = shop(tmp_path)
    with held(
        project.database, command="a test", run="-", timeout=0, on_wait=lambda holder: None, should_stop=lambda: False
    ):
        process = project.start("apply")
        wait_for_line(process, "waiting for")
        process.send_signal(number)
        code, err = ended(process)
    assert code == 1 and "Stopped while waiting for the lock" in err and "nothing was done" in err


def test_a_hangup_in_the_middle_of_a_load_ends_it_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    project = make(
        tmp_path, {"many": {"load": "many.csv.gz"}}, {"many": {"tier": "one", "step": "many"}}
    )  # fmt: skip
    duckdb.sql("SELECT range AS x, hash(range) AS y FROM range(300000)").write_csv(
        str(tmp_path / "many.csv.gz"), compression="gzip"
    )
    process = project.start("apply")
    wait_for_line(process, "start", "many")
    process.send_signal(signal.SIGHUP)
    code, err = ended(process)
    assert code == 1 and "The run was ended by SIGHUP; 0 of 1 actions are done" in err
    assert project.contents() == {}


def test_a_signal_in_the_last_look_and_in_a_plan_ends_it_and_what_is_done_stays(tmp_path: Path) -> None:
    project = ending(tmp_path)
    process = project.start("apply")
    wait_for_line(process, "done     last")
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    code, err = ended(process)
    assert code == 1 and "interrupted" in err
    for number in (signal.SIGINT, signal.SIGTERM):
        process = project.start("plan")
        wait_for_line(process, "reading the manifest")  # told after a silence: by then it is in the query
        time.sleep(0.5)
        process.send_signal(number)
        assert ended(process)[0] == 1
    project.sql(LET_GO)
    assert project.apply().id == "", "both units are done"


# Somebody presses Ctrl-C when Python looks for this module.
BOOT = """
import os, signal, sys
name = sys.argv.pop(1)
class Impatient:
    def find_spec(self, asked, path=None, target=None):
        if asked == name:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Impatient())
from provisioner.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["provisioner.cli", "click", "provisioner.options"])
def test_ctrl_c_while_python_reads_its_modules_ends_it_without_a_word(tmp_path: Path, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOOT, module, "plan"], cwd=shop(tmp_path).folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_before_anything_is_under_way_ends_it_as_shells_expect(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOOT, "provisioner.face", "plan"], cwd=shop(tmp_path).folder, capture_output=True,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "stopped")


@pytest.mark.parametrize(
    "words", [("plan",), ("plan", "--format", "json"), ("apply", "--format", "json")], ids=" ".join
)
def test_a_result_that_cannot_be_printed_is_told_on_stderr(tmp_path: Path, words: tuple[str, ...]) -> None:
    project = shop(tmp_path)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "provisioner", *words], cwd=project.folder, stdout=full, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 1
    assert "error: Nothing can be printed to stdout" in done.stderr and "Traceback" not in done.stderr
    assert project.plan().converged is (words[0] == "apply"), "what was done is done"


@pytest.mark.parametrize("words", [("apply",), ("apply", "--log-format", "json")], ids=" ".join)
def test_whoever_listens_may_go_and_the_work_goes_on(tmp_path: Path, words: tuple[str, ...]) -> None:
    project = shop(tmp_path)
    process = project.start(*words)
    assert process.stdout is not None and process.stderr is not None
    process.stderr.close()
    process.stdout.close()
    wait_until(lambda: process.poll() is not None)
    assert project.plan().converged

"""A child process of ours: what it is told, what it tells, and how it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dbt_projects import is_gone  # type: ignore[import-not-found]

from provisioner.errors import StepError
from provisioner.execute.child import Child

BEGIN = "import os, signal, subprocess, sys, time\nfrom provisioner.execute.inside import enter\nparent = enter()\n"
Start = Callable[..., Child]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """start(body): a child whose main is that text; `parent` is its way to us."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made: list[Child] = []

    def start(body: str, guard_fd: int | None = None) -> Child:
        (tmp_path / "grown.py").write_text(BEGIN + body)
        made.append(Child("grown", cwd=tmp_path, guard_fd=guard_fd, what="The child", error=StepError))
        return made[-1]

    yield start
    for child in made:
        child.end()


def test_requests_go_in_and_events_come_out_whatever_is_printed(start: Start) -> None:
    child = start(
        "for r in parent.requests():\n print('noise' * 100_000)\n parent.tell({'got': r['x'], 'in': sys.stdin.read()})"
    )
    child.send({"x": "é" * 100_000})
    assert child.receive(10) == {"got": "é" * 100_000, "in": ""}
    child.send({"x": 2})
    assert child.receive(10) == {"got": 2, "in": ""}


def test_nothing_of_a_request_is_in_its_arguments(start: Start) -> None:
    child = start("for r in parent.requests():\n parent.tell({'pid': os.getpid(), 'argv': sys.argv})")
    child.send({"secret": "hunter2"})
    told = child.receive(10)
    assert told is not None
    assert "hunter2" not in Path(f"/proc/{told['pid']}/cmdline").read_text() + str(told["argv"])


def test_silence_is_none_and_not_an_end(start: Start) -> None:
    child = start("for r in parent.requests(): time.sleep(0.5); parent.tell({'late': True})")
    child.send({})
    seen = []
    for event in child.events(0.05):
        seen.append(event)
        if event is not None:
            break
    assert seen[0] is None and seen[-1] == {"late": True}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit(7)", ["exit status 7"]),
        ("print('last words'); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGSEGV)", ["SIGSEGV", "last words"]),
        ("os.kill(os.getpid(), signal.SIGKILL)", ["SIGKILL", "memory"]),
        ("subprocess.Popen(['sleep', '60'], close_fds=False); os._exit(3)", ["exit status 3"]),
    ],
    ids=["exit", "crash", "killed", "its own child lives on"],
)
def test_its_death_is_told_with_status_and_last_words(start: Start, body: str, words: list[str]) -> None:
    child = start("parent.tell({'n': 1})\n" + body)
    assert child.receive(10) == {"n": 1}
    with pytest.raises(StepError) as caught:
        child.receive(10)
    assert caught.value.code == "worker_died"
    assert caught.value.cure
    assert all(word in caught.value.message for word in words)
    assert not child.alive
    with pytest.raises(StepError):
        child.send({})


def test_end_takes_along_what_it_started_and_what_ignores_sigterm(start: Start) -> None:
    child = start(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "p = subprocess.Popen(['sleep', '60'])\nparent.tell({'pids': [os.getpid(), p.pid]})\ntime.sleep(60)"
    )
    told = child.receive(10)
    assert told is not None
    child.end(0.2)
    assert not child.alive
    assert all(is_gone(pid) for pid in told["pids"])
    child.end(0.2)


def test_the_guard_stays_open_until_the_child_is_gone(start: Start) -> None:
    reading, writing = os.pipe()
    child = start("parent.tell({})\ntime.sleep(60)", guard_fd=writing)
    assert child.receive(10) == {}
    os.close(writing)
    os.set_blocking(reading, False)
    with pytest.raises(BlockingIOError):
        os.read(reading, 1)
    child.end()
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_child_leads_a_group_of_its_own_so_that_a_terminal_does_not_interrupt_it(start: Start) -> None:
    child = start("parent.tell({'group': os.getpgid(0), 'pid': os.getpid()})\ntime.sleep(60)")
    told = child.receive(10)
    assert told is not None and told["group"] == told["pid"] != os.getpgid(0)


def test_a_child_that_cannot_start_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="cannot be started"):
        Child("grown", cwd=tmp_path / "nowhere", guard_fd=None, what="The child", error=StepError)


def test_a_file_of_the_folder_it_works_in_is_not_taken_for_a_library(start: Start, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "json.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "grown.py").write_text(BEGIN + "parent.tell({'ok': True})\ntime.sleep(60)")
    child = Child("grown", cwd=tmp_path / "project", guard_fd=None, what="The child", error=StepError)
    assert child.receive(10) == {"ok": True}
    child.end()


def test_a_child_that_leaves_tidies_up_and_is_gone_at_once(start: Start) -> None:
    child = start(
        "import multiprocessing\nfrom provisioner.execute.inside import leave\n"
        "lock = multiprocessing.get_context('spawn').RLock()\n"
        "class Slow:\n    def __del__(self):\n        time.sleep(60)\n"
        "slow = Slow()\nparent.tell({'semaphore': lock._semlock.name})\n"
        "for r in parent.requests(): break\nleave()"
    )
    told = child.receive(10)
    assert told is not None
    child.send({})
    with pytest.raises(StepError, match="exit status 0"):
        child.receive(10)
    semaphore = Path("/dev/shm/sem." + told["semaphore"].removeprefix("/"))
    assert not semaphore.exists(), "a semaphore would outlive all processes"


def test_sigterm_alone_ends_a_child_that_heeds_it(start: Start) -> None:
    child = start("parent.tell({})\ntime.sleep(60)")
    assert child.receive(10) == {}
    begun = time.monotonic()
    child.end(5)
    assert time.monotonic() - begun < 30

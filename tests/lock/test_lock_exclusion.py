"""Who may hold the lock, and when it is free again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lock_processes import Other, start

from provisioner.errors import BusyError
from provisioner.execute.lock import Lock, held

Make = Callable[..., Other]

COUNT = """
import sys, time
from pathlib import Path
from provisioner.execute.lock import held
database, counter = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(3):
    with held(database, command="count", run="r", timeout=None, on_wait=lambda holder: None, should_stop=lambda: False):
        number = int(counter.read_text())
        time.sleep(0.002)
        counter.write_text(str(number + 1))
"""


def taken(database: Path, timeout: float | None = 0, **other: Any) -> Any:
    quiet = {"on_wait": lambda holder: None, "should_stop": lambda: False, **other}
    return held(database, command="provision plan", run="run-2", timeout=timeout, **quiet)


def is_free(database: Path) -> bool:
    try:
        with taken(database):
            return True
    except BusyError:
        return False


def test_a_second_process_is_kept_out_until_the_first_lets_go(tmp_path: Path, other: Make) -> None:
    holder = other(tmp_path / "a.duckdb")
    assert not is_free(tmp_path / "a.duckdb")
    holder.let_go()
    assert is_free(tmp_path / "a.duckdb")


def test_the_lock_is_free_at_once_when_its_process_is_killed(tmp_path: Path, other: Make) -> None:
    holder = other(tmp_path / "a.duckdb")
    holder.die()
    assert (tmp_path / "a.duckdb.holder").exists(), "a killed process cannot take its name away"
    assert is_free(tmp_path / "a.duckdb")


def test_a_child_with_the_guard_keeps_the_lock_busy_after_its_parent_is_killed(tmp_path: Path, other: Make) -> None:
    holder = other(tmp_path / "a.duckdb", "with-child")
    child = int(holder.said)
    try:
        holder.process.kill()
        holder.process.wait(10)
        with (
            pytest.raises(BusyError, match="an orphaned worker of a dead run still ends") as caught,
            taken(tmp_path / "a.duckdb"),
        ):
            pass
        assert f"process {holder.process.pid} on " in caught.value.message
        assert f"fuser {tmp_path / 'a.duckdb.guard'}" in caught.value.cure
    finally:
        os.kill(child, signal.SIGKILL)
    with taken(tmp_path / "a.duckdb", timeout=5):
        assert Path(tmp_path / "a.duckdb.holder").exists()


def test_waiting_for_an_orphan_ends_when_the_orphan_ends(tmp_path: Path, other: Make) -> None:
    holder = other(tmp_path / "a.duckdb", "with-child")
    holder.die()
    seen = []

    def end_the_orphan(who: object) -> None:
        seen.append(who)
        os.kill(int(holder.said), signal.SIGKILL)

    with taken(tmp_path / "a.duckdb", timeout=10, on_wait=end_the_orphan):
        assert [who.orphaned for who in seen] == [True]


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("link.duckdb", "."),
        ("real/../real/a.duckdb", "."),
        ("a.duckdb", "real"),
        ("../real/a.duckdb", "elsewhere"),
        ("linked-folder/a.duckdb", "."),
        ("link-to-link.duckdb", "."),
    ],
)
def test_every_way_to_name_a_database_meets_the_same_lock(tmp_path: Path, other: Make, name: str, folder: str) -> None:
    for made in ("real", "elsewhere"):
        (tmp_path / made).mkdir()
    (tmp_path / "link.duckdb").symlink_to("real/a.duckdb")  # the database itself need not exist yet
    (tmp_path / "link-to-link.duckdb").symlink_to("link.duckdb")
    (tmp_path / "linked-folder").symlink_to("real")
    assert other(Path(name), cwd=tmp_path / folder).said == "held"
    assert not is_free(tmp_path / "real" / "a.duckdb")


def test_two_databases_have_two_locks(tmp_path: Path, other: Make) -> None:
    assert other(tmp_path / "a.duckdb").said == "held"
    assert is_free(tmp_path / "b.duckdb")


def test_sixteen_processes_at_once_never_meet(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    racers = [start(COUNT, str(tmp_path / "a.duckdb"), str(counter)) for _ in range(16)]
    assert [racer.wait(60) for racer in racers] == [0] * 16
    for racer in racers:
        racer.communicate()
    assert counter.read_text() == "48"


def test_threads_of_one_process_never_meet(tmp_path: Path) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(3):
            with taken(tmp_path / "a.duckdb", timeout=None):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (max(most), len(most)) == (1, 18)


def test_failed_attempts_of_other_threads_do_not_free_the_lock(tmp_path: Path) -> None:
    """A POSIX lock falls when any descriptor of its file is closed in the process."""
    database, free = tmp_path / "a.duckdb", []
    with taken(database):
        thread = threading.Thread(target=lambda: free.append(is_free(database)))
        thread.start()
        thread.join(10)
        stranger = start(COUNT.replace("timeout=None", "timeout=0"), str(database), str(tmp_path / "none"))
        assert (free, stranger.wait(20)) == ([False], 1)
        stranger.communicate()


def test_a_thread_that_would_wait_for_itself_is_told_so_at_once(tmp_path: Path) -> None:
    with (
        taken(tmp_path / "a.duckdb"),
        pytest.raises(BusyError, match="this very thread"),
        taken(tmp_path / "a.duckdb", None),
    ):
        pass
    assert is_free(tmp_path / "a.duckdb")


def test_a_lock_can_be_taken_again_after_its_release(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "a.duckdb", command="c", run="r")
    for _ in range(2):
        lock.acquire(0, lambda holder: None, lambda: False)
        assert lock.guard_fd >= 0 and not os.get_inheritable(lock.guard_fd)
        lock.release()
        lock.release()
        assert lock.guard_fd == -1


def test_a_forked_process_neither_frees_the_lock_nor_keeps_it(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    with taken(database) as lock:
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            lock.release()
            os.write(tell, b"free" if is_free(database) else b"busy")
            signal.pause()
        assert os.read(ready, 4) == b"busy"
        assert (tmp_path / "a.duckdb.holder").exists()
    try:
        assert is_free(database)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), taken(tmp_path / "a.duckdb"):
        _ = 1 / 0
    assert is_free(tmp_path / "a.duckdb")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.duckdb.guard", "a.duckdb.lock"]

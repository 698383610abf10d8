"""A signal, a request and a deadline end what runs, at once and only that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

import provisioner
from provisioner.execute.interrupt import Stop, interruptible, time_limit

LONG = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(100000) b"

QUERY = """
import sys, duckdb
from provisioner.execute.interrupt import interruptible
connection = duckdb.connect()
connection.execute("SET threads = 1")
call = connection.interrupt if sys.argv[2] == "heed" else lambda: None
with interruptible() as stop, stop.watch(call):
    print("ready", flush=True)
    try:
        connection.execute(sys.argv[1])
    except duckdb.InterruptException:
        print(stop.reason)
"""


@pytest.fixture
def querying() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a query that would go on for hours; none outlives its test."""
    with ExitStack() as started:

        def query(how: str) -> subprocess.Popen[str]:
            process = started.enter_context(_query(how))
            started.callback(process.kill)
            return process

        yield query


def _query(how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", QUERY, LONG, how],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(provisioner.__file__).parent.parent)},
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    time.sleep(0.2)  # into the query
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_long_query_within_a_second(
    number: signal.Signals, querying: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = querying("heed")
    process.send_signal(number)
    began = time.monotonic()
    said, _ = process.communicate(timeout=10)
    assert (said, process.returncode) == (number.name + "\n", 0)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_ends_a_process_that_does_not_heed_the_first(
    second: signal.Signals, querying: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = querying("ignore")
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.4)
    process.send_signal(second)
    process.communicate(timeout=10)
    assert process.returncode == -second


@pytest.mark.parametrize(
    ("first", "second"), [("SIGTERM", "SIGTERM"), ("SIGHUP", "SIGHUP"), ("SIGTERM", "SIGHUP"), ("SIGINT", "SIGINT")]
)
def test_a_signal_that_comes_twice_for_one_wish_does_not_cut_the_clean_end_short(first: str, second: str) -> None:
    """As `timeout` sends its own, and a terminal that is closed."""
    with interruptible() as stop:
        os.kill(os.getpid(), signal.Signals[first])
        os.kill(os.getpid(), signal.Signals[second])
        wait_for(stop)
        time.sleep(0.05)
        assert stop.reason == first


def test_a_signal_ignored_before_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.05)
            assert not stop.requested
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_afterwards_signals_are_as_they_were() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before, threads = [signal.getsignal(number) for number in numbers], threading.active_count()
    with interruptible(), interruptible() as stop, stop.watch(lambda: None):
        pass
    assert [signal.getsignal(number) for number in numbers] == before
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1


def test_in_another_thread_signals_are_left_alone_and_a_request_stops() -> None:
    before, found = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with interruptible() as stop:
            found.append(signal.getsignal(signal.SIGINT))
            stop.request("the caller")
            stop.request("someone else")
            found.append(stop.reason)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert found == [before, "the caller"]


def test_ending_a_forked_process_does_not_stop_its_parent() -> None:
    with interruptible() as stop:
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(7)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGTERM
        time.sleep(0.05)
        assert not stop.requested


def test_a_stop_requested_before_the_query_begins_is_not_lost() -> None:
    """DuckDB forgets an interrupt that meets no query."""
    stop = Stop()
    stop.request("early")
    with duckdb.connect() as connection, stop.watch(connection.interrupt):
        time.sleep(0.05)
        with pytest.raises(duckdb.InterruptException):
            connection.execute(LONG)


@pytest.mark.parametrize("seconds", [0, 0.2])
def test_a_deadline_ends_a_long_query(seconds: float) -> None:
    began = time.monotonic()
    with (
        duckdb.connect() as connection,
        time_limit(seconds, connection.interrupt) as limit,
        pytest.raises(duckdb.InterruptException),
    ):
        connection.execute(LONG)
    assert limit.expired
    assert seconds <= time.monotonic() - began < seconds + 15


@pytest.mark.parametrize("seconds", [None, 60, 1e300])
def test_what_ends_in_time_is_left_alone(seconds: float | None) -> None:
    calls: list[int] = []
    with time_limit(seconds, lambda: calls.append(1)) as limit:
        pass
    assert (limit.expired, calls) == (False, [])


def test_nothing_is_called_after_the_end() -> None:
    stop, calls = Stop(), list[int]()
    with stop.watch(lambda: calls.append(1)):
        pass
    stop.request("late")
    with time_limit(0, lambda: calls.append(2)):
        time.sleep(0.02)
    count = len(calls)
    time.sleep(0.15)
    assert calls == [2] * count


def test_a_call_that_fails_keeps_no_other_from_being_called() -> None:
    stop, called = Stop(), threading.Event()

    def fail() -> None:
        raise OSError("gone")

    with stop.watch(fail), stop.watch(called.set):
        stop.request("now")
        assert called.wait(1)


def wait_for(stop: Stop) -> None:
    end = time.monotonic() + 15
    while not stop.requested and time.monotonic() < end:
        time.sleep(0.005)
    assert stop.requested

"""Ending what takes long: by a signal, by the caller, or when its time is over.

Python runs a signal's handler only when the main thread comes back from C, which for a long query is after its end. So
a thread of our own reads the signals from a pipe (`signal.set_wakeup_fd`), and each watched callable has a thread.

    running --signal or request--> requested --another signal--> the process ends at once

A signal may come twice for one wish: a shell and a terminal both tell of a hangup, `timeout` and many a supervisor send
theirs to a process and to its group. So what comes right after the first is taken for the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from provisioner.errors import StoppedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_REPEAT = 0.1
_SAME_WISH_SECONDS = 0.25


class Stop:
    """A request to stop. It comes once, and the first reason stays."""

    def __init__(self) -> None:
        self._reason = ""
        self._changed = threading.Condition()

    @property
    def requested(self) -> bool:
        return bool(self._reason)

    @property
    def reason(self) -> str:
        """Who asked, "SIGINT" for instance; empty while nobody did."""
        return self._reason

    def request(self, reason: str) -> None:
        """Ask to stop; from any thread."""
        with self._changed:
            self._reason = self._reason or reason
            self._changed.notify_all()

    @contextlib.contextmanager
    def watch(self, call: Callable[[], object]) -> Iterator[None]:
        """Call this from another thread when a stop is requested, at once if it already is, and again until we leave.

        Again, because DuckDB forgets an interrupt that meets no query. So a ROLLBACK belongs outside: it would be
        interrupted too. Once left, it is not called any more.
        """
        left = threading.Event()

        def due() -> bool:
            with self._changed:
                self._changed.wait_for(lambda: self._reason or left.is_set())
            return not left.is_set()

        with _calling(call, due, left):
            try:
                yield
            finally:
                left.set()
                with self._changed:
                    self._changed.notify_all()

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """For what only reads, and may be left anywhere: a signal ends it by StoppedError between two steps of Python.

        Waiting for a file is ended too. Of another thread than the main one nothing is ended.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        _AT_ONCE.append(self)
        try:
            yield
        finally:
            if self in _AT_ONCE:
                _AT_ONCE.remove(self)


_AT_ONCE: list[Stop] = []


class Deadline:
    """expired: whether the time was over before the end."""

    def __init__(self) -> None:
        self.expired = False


@contextlib.contextmanager
def time_limit(seconds: float | None, call: Callable[[], object]) -> Iterator[Deadline]:
    """Call this from another thread when the time is over, and again until we leave, as `Stop.watch` does.

    seconds: None for no bound.
    """
    limit, left = Deadline(), threading.Event()
    if seconds is None:
        yield limit
        return

    def due() -> bool:
        limit.expired = not left.wait(min(seconds, threading.TIMEOUT_MAX))
        return limit.expired

    with _calling(call, due, left):
        try:
            yield limit
        finally:
            left.set()


@contextlib.contextmanager
def _calling(call: Callable[[], object], due: Callable[[], bool], left: threading.Event) -> Iterator[None]:
    def insist() -> None:
        if due():
            while not left.is_set():
                with contextlib.suppress(Exception):  # there may be nothing left to interrupt
                    call()
                left.wait(_REPEAT)

    thread = threading.Thread(target=insist, name="provision-interrupt", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextlib.contextmanager
def interruptible() -> Iterator[Stop]:
    """SIGINT, SIGTERM and SIGHUP request a stop while inside, even while the main thread is in a long query.

    Another one, a quarter of a second later or more, ends the process at once. A signal ignored before (`nohup`) stays
    ignored. In another thread than the main one signals are left as they are, and only a call can request the stop.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    signals = _Signals()
    thread = threading.Thread(target=_listen, args=(signals, stop), name="provision-signals", daemon=True)
    thread.start()
    signals.take()
    try:
        yield stop
    finally:
        signals.give_back()
        thread.join()
        signals.close()


class _Signals:
    """The signals of this process, led into a pipe; a zero byte says that there will be no more."""

    def __init__(self) -> None:
        self.exit, self._entry = os.pipe()
        os.set_blocking(self._entry, False)
        self._before = {
            number: before
            for number in _SIGNALS
            if (before := signal.getsignal(number)) not in (None, signal.SIG_IGN)  # None: a C library's own
        }
        self._wakeup_before = -1

    def take(self) -> None:
        self._wakeup_before = signal.set_wakeup_fd(self._entry, warn_on_full_buffer=False)
        _TAKEN.append(self)
        for number in self._before:
            signal.signal(number, _leave_it_to_the_thread)

    def give_back(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        _TAKEN.remove(self)
        signal.set_wakeup_fd(self._wakeup_before)
        os.write(self._entry, b"\0")

    def close(self) -> None:
        os.close(self._entry)
        os.close(self.exit)

    def drop(self) -> None:
        """In a forked child: its signals are its own. Without this, ending the child would stop the parent's run."""
        signal.set_wakeup_fd(-1)
        for number, before in self._before.items():
            signal.signal(number, before)

    def __contains__(self, number: int) -> bool:
        return number in self._before


_TAKEN: list[_Signals] = []
_masks = threading.local()


def _before_fork() -> None:
    # A signal for the child that comes before the child has dropped ours would be written to the parent's pipe.
    _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.before)


def _after_fork_in_child() -> None:
    for signals in reversed(_TAKEN):
        signals.drop()
    _TAKEN.clear()
    _after_fork()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)


def _leave_it_to_the_thread(number: int, frame: FrameType | None) -> None:
    """Python writes a signal to the pipe only when the signal has a handler; this is that handler."""
    if _AT_ONCE:
        _AT_ONCE.clear()  # one is enough: what cleans up after it is not ended again
        raise StoppedError(f"It was ended by {signal.Signals(number).name}.", cure="Run the same command again.")


def _listen(signals: _Signals, stop: Stop) -> None:
    first: float | None = None
    while number := os.read(signals.exit, 1)[0]:
        if number not in signals:
            continue
        now = time.monotonic()
        first = now if first is None else first
        stop.request(signal.Signals(number).name)
        if now - first > _SAME_WISH_SECONDS:
            _end_by(number)


def _end_by(number: int) -> None:
    """Die of the signal, so that the shell sees it; by C, since Python lets only the main thread, which may be busy."""
    import ctypes  # slow to import, and hardly ever needed

    ctypes.CDLL(None).signal(number, None)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the first process of a container is spared by signals

"""A child process of ours, seen from inside: it takes requests, tells events and dies with its parent."""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NoReturn

Request = dict[str, Any]

_PR_SET_PDEATHSIG = 1
_LEAVE_SECONDS = 0.5


class Inside:
    """The child's ends of the pipes to its parent.

    When the parent closes its end, an idle child leaves in peace. One that is busy then has lost its parent: it is
    ended after a moment, with all that it started.
    """

    def __init__(self, events_fd: int, requests_fd: int) -> None:
        self._events, self._writing = events_fd, threading.Lock()
        self._waiting: SimpleQueue[Request | None] = SimpleQueue()
        threading.Thread(target=self._listen, args=(requests_fd,), daemon=True).start()

    def requests(self) -> Iterator[Request]:
        """What the parent asks for, one after the other, until it closes the pipe."""
        while (request := self._waiting.get()) is not None:
            yield request

    def tell(self, event: Mapping[str, Any]) -> None:
        """Hand the parent an event. Never raises: one that is gone cannot be told."""
        line = memoryview(json.dumps(event, default=str).encode() + b"\n")
        with self._writing, suppress(OSError):
            while line:
                line = line[os.write(self._events, line) :]

    def _listen(self, requests_fd: int) -> None:
        with os.fdopen(requests_fd, "rb") as requests, suppress(ValueError):  # the last one was cut off by a death
            for line in requests:
                self._waiting.put(json.loads(line))
        self._waiting.put(None)
        time.sleep(_LEAVE_SECONDS)
        os.killpg(0, signal.SIGKILL)


def leave() -> NoReturn:
    """End this process at once, with exit status 0; what is to be tidied up at exit is.

    Python would first free the memory piece by piece, which takes it most of a second when dbt is in it.
    """
    atexit._run_exitfuncs()  # gives back, among others, the semaphores of multiprocessing, which outlive a process
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def enter() -> Inside:
    """Bind this process to its parent and take over the pipes. To be called first thing in the child's main."""
    events_fd, parent = int(sys.argv[1]), int(sys.argv[2])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it died before we asked to be told
    del sys.argv[1:]
    os.set_inheritable(events_fd, False)
    requests_fd = os.dup(0)
    # Code that reads from stdin must find it empty, not eat our requests.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Inside(events_fd, requests_fd)

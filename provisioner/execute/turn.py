"""The threads of one process take turns at a database: the locks between processes hold none of them back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioner.errors import BusyError

# By the real path. A thread may take a turn within its own, as when it plans while it listens to an apply.
# `setdefault` is atomic.
_TURNS: dict[str, threading.RLock] = {}


@contextmanager
def turn(database: Path, timeout: float | None) -> Iterator[None]:
    """Have the database to this thread for a block. timeout: seconds to wait, None for ever. Raises BusyError."""
    lock = _TURNS.setdefault(os.path.realpath(database), threading.RLock())
    if not lock.acquire(timeout=-1 if timeout is None else min(timeout, threading.TIMEOUT_MAX)):
        raise BusyError(
            f"Another thread of this process is at work on {database}.",
            code="database_open_here",
            cure="Wait until it has ended, or give a longer timeout.",
        )
    try:
        yield
    finally:
        lock.release()


# A thread that had its turn when the process forked will never end it in the child, where it is not.
os.register_at_fork(after_in_child=_TURNS.clear)

"""Waiting for a database that another process has open: an application, or somebody who looks at it.

    attempt --free--> what it returns
            --open elsewhere--> waiting (on_wait soon, then every 5 s) --attempt--> …, or BusyError, or StoppedError

The lock keeps other applies out, not other programs; and between two units the file belongs to nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from provisioner.errors import BusyError, StoppedError

_PAUSE = 0.02
# Whoever merely looks at the database is gone before that; it would only be noise.
_SOON, _REPEAT = 0.2, 5.0
T = TypeVar("T")


def _silent(words: str) -> None:
    """For those to whom nobody listens."""


def never() -> bool:
    """For those whom nobody stops."""
    return False


@dataclass(frozen=True, slots=True)
class Patience:
    """timeout: seconds each time; 0 fails at once, None waits for ever. on_wait: hears for whom we wait."""

    timeout: float | None = 0.0
    on_wait: Callable[[str], None] = _silent
    should_stop: Callable[[], bool] = never

    def until_free(self, attempt: Callable[[], T]) -> T:
        """What the attempt returns when nobody else has the database open any more.

        Raises its BusyError when the time is over, StoppedError when should_stop says so.
        """
        began = time.monotonic()
        next_word = began + _SOON
        while True:
            try:
                return attempt()
            except BusyError as busy:
                now = time.monotonic()
                # Of a connection of this very process nobody knows that it will ever be closed.
                if busy.code != "database_locked" or (self.timeout is not None and now - began >= self.timeout):
                    raise
                words = busy.message
            if self.should_stop():
                raise StoppedError(f"Stopped while waiting: {words}", cure="Run the same command again.")
            if now >= next_word:
                self.on_wait(words)
                next_word = now + _REPEAT
            time.sleep(_PAUSE)


NO_PATIENCE = Patience()

"""How long the rest of a run takes: by how long its units took the last time, and how fast it goes now."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

# Before so long, and before such a share of the work is over, a guess would be wild.
_EARLY_SECONDS, _EARLY_SHARE = 2.0, 0.1


class TimeLeft:
    """estimates: seconds of each unit, by its number from 1; None where none is on record. clock: seconds.

    dbt runs nodes side by side, so that the seconds of the units say what share of the run is over, not how long it is.
    """

    def __init__(self, estimates: Sequence[float | None], clock: Callable[[], float] = time.monotonic) -> None:
        known = [seconds for seconds in estimates if seconds is not None]
        usual = sum(known) / len(known) if known else 1.0
        # A unit that took no time at all still counts as one.
        weights = ((usual if seconds is None else seconds) + 0.001 for seconds in estimates)
        self._open = dict(enumerate(weights, 1))
        self._total = sum(self._open.values())
        self._clock = clock
        self._began: float | None = None

    def started(self) -> None:
        """A unit begins. Before the first one does, dbt may have taken seconds to get ready."""
        if self._began is None:
            self._began = self._clock()

    def finished(self, number: int) -> None:
        """The unit is over, however it ended. To say so twice is to say it once."""
        self._open.pop(number, None)

    def seconds(self) -> float | None:
        """None while it is too early to tell."""
        passed = 0.0 if self._began is None else self._clock() - self._began
        rest = sum(self._open.values())
        over = self._total - rest
        return passed * rest / over if over >= _EARLY_SHARE * self._total and passed >= _EARLY_SECONDS else None

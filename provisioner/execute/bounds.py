"""What may end a unit in the middle: its own timeout, or a request to stop."""

from __future__ import annotations

from types import TracebackType

import duckdb

from provisioner.execute.endings import stopped, timed_out
from provisioner.execute.interrupt import Stop, time_limit
from provisioner.observe.values import Unit


class Bounds:
    """While entered, the connection's query is interrupted when time is over or a stop is requested.

    An error that leaves it for that reason becomes the StepError or StoppedError that says so.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, unit: Unit, stop: Stop) -> None:
        self._unit, self._stop = unit, stop
        self._watch = stop.watch(connection.interrupt)
        self._limit = time_limit(unit.timeout, connection.interrupt)

    def over(self) -> bool:
        """Whether time is over or a stop is requested; for work that is no query."""
        return self._deadline.expired or self._stop.requested

    def __enter__(self) -> None:
        self._watch.__enter__()
        self._deadline = self._limit.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit.__exit__(None, None, None)
        self._watch.__exit__(None, None, None)
        if isinstance(error, Exception) and self._deadline.expired:
            raise timed_out(self._unit) from error
        if isinstance(error, Exception) and self._stop.requested:
            raise stopped(self._stop) from error

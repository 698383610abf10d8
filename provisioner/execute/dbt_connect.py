"""Inside the dbt worker: dbt waits for a database that another process has open, as provision itself does.

Between the moment in which the parent closes the database and the one in which dbt opens it, anyone may take it: a
program that looks at it, or a plan.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from provisioner.errors import BusyError
from provisioner.execute.patience import Patience
from provisioner.observe.database import translate


class PatientConnect:
    """In the place of `duckdb.connect`, which dbt calls. patience: of the invocation that is under way."""

    def __init__(self, connect: Callable[..., Any]) -> None:
        self._connect = connect
        self.patience = Patience()

    def __call__(self, *words: Any, **named: Any) -> Any:
        def attempt() -> Any:
            try:
                return self._connect(*words, **named)
            except duckdb.Error as error:
                busy = translate(error, Path(words[0] if words else named.get("database", "")))
                raise (busy if isinstance(busy, BusyError) else error) from error

        try:
            return self.patience.until_free(attempt)
        except BusyError as busy:
            assert busy.__cause__ is not None
            raise busy.__cause__ from None


def connect_patiently() -> PatientConnect:
    """Let all that this process opens from now on be opened with patience, and say where to set how much."""
    patient = PatientConnect(duckdb.connect)
    duckdb.connect = patient
    return patient

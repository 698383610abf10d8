"""The database during a run: one connection, opened when it is needed and closed before a child needs the file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from provisioner.declare.signature import Signature, is_settled, sign
from provisioner.observe.database import connect
from provisioner.observe.seal import seal

# Longer than the grain of any clock but that of a file system with whole seconds.
_PATIENCE_NS = 100_000_000


class Live:
    """path: the database. folder: where relative file names in SQL start."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._worn = False

    @property
    def path(self) -> Path:
        return self._path

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection; opens the database where it is not."""
        if self._connection is None:
            self._connection = open_for_steps(self._path, self._folder)
        return self._connection

    @contextmanager
    def fresh(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own for one unit: what a script SETs, and its temporary tables, end with it."""
        connection = self.connection.cursor()
        try:
            start_at(connection, self._folder)
            yield connection
        finally:
            with suppress(duckdb.Error):
                connection.close()
            if self._worn:
                self.release()

    def renew(self) -> None:
        """Close the database when the unit is done: a setting for all connections ends with the last of them."""
        self._worn = True

    def rest(self) -> Signature | None:
        """Write everything into the file itself; its signature then. None when that cannot be done now.

        The file is not opened for it: that would drop DuckDB's lock.
        """
        with suppress(duckdb.Error):
            self.connection.execute("CHECKPOINT")
            return sign(self._path)
        return None

    def close_sealed(self, rested: Signature) -> Signature | None:
        """Close, and seal the file as it was at rest; None when anything has written since.

        Nobody else can write before we close. Whoever does so afterwards leaves another time, if ours is over by then.
        """
        while not is_settled(rested, time.time_ns()) and time.time_ns() - rested.changed < _PATIENCE_NS:
            time.sleep(0.005)
        settled = is_settled(rested, time.time_ns())
        self.release()
        found = seal(self._path)
        return found if settled and found == rested else None

    def release(self) -> None:
        """Close, so that another process may open the file; also a connection that a fatal error has left."""
        connection, self._connection, self._worn = self._connection, None, False
        if connection is not None:
            with suppress(duckdb.Error):
                connection.close()


def open_for_steps(path: Path, folder: Path) -> duckdb.DuckDBPyConnection:
    """A writing connection in which relative file names start at the manifest's folder, wherever we run."""
    connection = connect(path, read_only=False)
    start_at(connection, folder)
    return connection


def start_at(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let relative file names in SQL start at the folder."""
    connection.execute("SET file_search_path = ?", [str(folder)])

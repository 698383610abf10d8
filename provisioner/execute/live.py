"""The database during a run: one connection, opened when it is needed and closed before a child needs the file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from provisioner.declare.signature import Signature, is_settled, sign
from provisioner.errors import ProvisionError
from provisioner.execute.opening import open_folded
from provisioner.execute.patience import NO_PATIENCE, Patience
from provisioner.observe.fence import Fence, enclose, lock
from provisioner.observe.seal import seal

# Longer than the grain of any clock but that of a file system with whole seconds.
_PATIENCE = 0.1


class Live:
    """path: the database. folder: where relative file names in SQL start. patience: with others who have it open.

    fence: for all but units that come with one of their own.
    """

    def __init__(self, path: Path, folder: Path, patience: Patience = NO_PATIENCE, fence: Fence | None = None) -> None:
        self._path = path
        self._folder = folder
        self._patience = patience
        self._fence = fence
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._worn = False
        self._failed: ProvisionError | None = None

    @property
    def path(self) -> Path:
        return self._path

    @property
    def patience(self) -> Patience:
        """For children too, which open the database by themselves."""
        return self._patience

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection; opens the database where it is not, and waits for others who have it open."""
        if self._connection is None:
            self._connection = self._open(self._fence)
        return self._connection

    def _open(self, fence: Fence | None) -> duckdb.DuckDBPyConnection:
        if self._failed is not None:
            raise self._failed
        connection = self._patience.until_free(lambda: open_for_steps(self._path, self._folder))
        with closed_when_it_fails(connection):
            enclose(connection, fence)
        return connection

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

    @contextmanager
    def apart(self, fence: Fence | None) -> Iterator[duckdb.DuckDBPyConnection]:
        """The database, opened anew for one unit, which may touch the files of this fence alone; None: any file."""
        self.release()
        try:
            self._connection = self._open(fence)
            if fence is not None:
                bypass_wal(self._connection)  # by then what the unit itself may need is set
                lock(self._connection)
            yield self._connection
        finally:
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

    def abandon(self, failed: ProvisionError) -> None:
        """Close without writing anything more, and raise the error instead of opening again: the disk fails."""
        self._failed = self._failed or failed
        if self._connection is not None:
            with suppress(duckdb.Error):
                self._connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        self.release()

    @property
    def abandoned(self) -> bool:
        return self._failed is not None

    def close_sealed(self, rested: Signature) -> Signature | None:
        """Close, and seal the file as it was at rest; None when anything has written since.

        Nobody else can write before we close. Whoever does so afterwards leaves another time, if ours is over by then.
        """
        end = time.monotonic() + _PATIENCE  # the other clock may be set back meanwhile
        while not is_settled(rested, time.time_ns()) and time.monotonic() < end:
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
    """A writing connection in which relative file names start at the manifest's folder, wherever we run.

    To be called under the lock; raises as `open_folded` does.
    """
    connection = open_folded(path)
    with closed_when_it_fails(connection):
        start_at(connection, folder)
    return connection


@contextmanager
def closed_when_it_fails(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A connection that nobody gets would keep the database open for as long as the error is kept."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def bypass_wal(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a COMMIT write into the file at once, and nothing into the WAL; for all connections until the last is closed.

    For what alters tables: DuckDB cannot replay every ALTER. It costs some 10 ms, and more the more tables there are.
    """
    connection.execute("SET wal_autocheckpoint = '0B'")


def start_at(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let relative file names in SQL start at the folder."""
    connection.execute("SET file_search_path = ?", [str(folder)])

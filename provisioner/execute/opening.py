"""Opening a database under the lock, whatever a death has left beside it.

    no WAL -------------------------------------------> open
    a WAL --replayed----------------------------------> written into the file -> open
          --not when DuckDB opens it, but attached----> written into the file -> open
          --not at all, and all of it is our own work-> set aside -> open
          --not at all, and it may hold others' rows--> refused, or set aside when somebody says so

The units whose work was set aside run again, for their stamps were in the WAL too. What others wrote is in the file
before we write, so that the WAL of a run holds that run's work alone. Nothing is ever deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import duckdb

from provisioner.errors import DatabaseError
from provisioner.execute.events import Listener, Noted
from provisioner.observe.database import connect, fold_wal, sync, translate
from provisioner.observe.wal import own_transactions, wal_files
from provisioner.reconcile.wording import many


def open_folded(path: Path) -> duckdb.DuckDBPyConnection:
    """A writing connection; what the WAL held is in the file by then. To be called under the lock.

    Raises as `connect` does; DatabaseError `database_wal` when the WAL cannot be replayed at all.
    """
    left = wal_files(path)
    try:
        connection = connect(path, read_only=False)
    except DatabaseError as error:
        if error.code != "database_wal":
            raise
        fold_wal(path)
        return connect(path, read_only=False)
    try:
        if left:
            connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        connection.close()
        raise translate(error, path) from error
    return connection


def revive(path: Path, attempt: Callable[[], object], tell: Listener, *, without_wal: bool) -> None:
    """Open the database by the attempt, and once more without its WAL where that is what keeps it from opening.

    without_wal: also when the WAL may hold what others wrote. Raises as `open_folded` does.
    """
    try:
        attempt()
    except DatabaseError as error:
        if error.code != "database_wal":
            raise
        tell(Noted(_set_wal_aside(path, error, whosever=without_wal), warning=True))
        attempt()


def _set_wal_aside(path: Path, error: DatabaseError, *, whosever: bool) -> str:
    """Move away a WAL that cannot be replayed; the database is then as it was before. Returns a sentence for people."""
    wal, *more = wal_files(path)
    ours = own_transactions(wal) if not more else None
    if ours is None and not whosever:
        raise DatabaseError(
            f"{error.message} It may hold what others wrote, and is left as it is.",
            code=error.code,
            cure="Open the database once with the DuckDB that wrote it. Or go on without what the file holds, which"
            " keeps the file under another name: provision apply --without-wal",
        )
    kept = move_aside(path, "unreplayable", [wal, *more])
    held = "It held what was written last" if ours is None else f"It held {many(ours, 'transaction')} of a dead run"
    return f"{wal} cannot be replayed, and is kept as {kept.name}. {held}; what is missing now is made again."


def move_aside(path: Path, why: str, files: list[Path]) -> Path:
    """Give files another name that says why and since when, the first one first. Returns what that is called then.

    What follows the first file's name in the others' stays at their end, so that DuckDB finds a database's WAL.
    No name is taken twice, whatever the clock says. Raises DatabaseError.
    """
    first, stamp = files[0], f"{why}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    for number in count():
        new = first.with_name(f"{first.name}.{stamp}" + (f"-{number}" if number else ""))
        names = [new.with_name(new.name + file.name.removeprefix(first.name)) for file in files]
        if not any(os.path.lexists(name) for name in names):
            break
    try:
        for file, name in zip(files, names, strict=True):
            os.rename(file, name)
        sync(first.parent)
    except OSError as error:
        raise translate(error, path) from error
    return new

"""The one place that opens a database file.

A file is looked at before DuckDB sees it: DuckDB would open a CSV as a view, ask the network for an extension at the
sight of SQLite, and cut a path at a NUL. Nothing here runs while this process has the file open: reading its head would
drop DuckDB's lock on it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.declare.reading import kind_of_file
from provisioner.errors import BusyError, DatabaseError
from provisioner.observe.complaints import translate
from provisioner.observe.ddl_text import literal
from provisioner.observe.header import LENGTH, is_duckdb, is_held_here, name_foreign, read_start
from provisioner.observe.mounts import is_mounted_alone
from provisioner.observe.seal import BESIDE

if TYPE_CHECKING:
    import duckdb

__all__ = ["FileCondition", "connect", "create", "inspect_file", "opened", "translate"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:.*|:memory:.*")


class FileCondition(StrEnum):
    """ABSENT: no file. EMPTY: a file of no bytes, no database yet. PRESENT: a file that begins as a database does."""

    ABSENT = "absent"
    EMPTY = "empty"
    PRESENT = "present"


def inspect_file(path: Path) -> FileCondition:
    """What is at this path, found out without DuckDB; not to be called while this process has the file open.

    Raises DatabaseError for whatever is there and cannot be a database, BusyError when this process has it open.
    """
    _refuse_address(path)
    try:
        facts = path.stat()
        _refuse_unusable(path, facts)
        if facts.st_size == 0:
            return FileCondition.EMPTY
        _refuse_foreign(path, read_start(path))
        _refuse_beside(path)
    except FileNotFoundError:
        return FileCondition.ABSENT
    except OSError as error:
        raise translate(error, path) from error
    return FileCondition.PRESENT


def connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """An open connection to an existing database, links followed.

    Raises BusyError when another process holds it, DatabaseError when it is not there or cannot be used; the file is
    then byte for byte what it was.
    """
    if inspect_file(path) is not FileCondition.PRESENT:
        raise DatabaseError(
            f"{path} is not there yet.", cure="Run `provision apply` to make it.", code="database_absent"
        )
    import duckdb

    try:
        return duckdb.connect(os.path.realpath(path), read_only=read_only)
    except (duckdb.Error, OSError, RuntimeError) as error:
        raise translate(error, path) from error


@contextmanager
def opened(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection for a block, closed after it whatever happens.

    Raises as connect does; what DuckDB raises within the block is translated too.
    """
    connection = connect(path, read_only=read_only)
    import duckdb

    try:
        yield connection
    except duckdb.Error as error:
        raise translate(error, path) from error
    finally:
        connection.close()


def fold_wal(path: Path) -> None:
    """Write what the WAL holds into the database itself; for one that DuckDB cannot replay when it opens the database.

    Beside a database in memory it finds functions that are not there yet when it opens the only one. To be called under
    the lock. Raises as connect does; DatabaseError `database_wal` when it cannot be replayed that way either.
    """
    import duckdb

    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"ATTACH {literal(os.path.realpath(path))} AS folded")
            connection.execute("CHECKPOINT folded")
            connection.execute("DETACH folded")
    except (duckdb.Error, OSError, RuntimeError) as error:
        raise translate(error, path) from error


def create(path: Path) -> None:
    """A new database at this path, whole or not at all; one that is there already is left alone.

    Made under another name, since a DuckDB killed in its first writes leaves a file that never opens again. To be
    called under the lock: what a killed creation left is removed. A file of no bytes that is there, or what `reserve`
    left, says who may read and write it. Raises DatabaseError and BusyError.
    """
    if inspect_file(path) is FileCondition.PRESENT:
        return
    real = Path(os.path.realpath(path))
    new = real.with_name(f"{real.name}.creating")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        like = next((file.stat() for file in (real, new) if file.exists()), None)
        for leftover in (new, _wal(new)):
            leftover.unlink(missing_ok=True)
        _make_database(new)
        if like is not None:
            _give_rights(new, like)
        sync(new)
        _set_aside(_wal(real))
        os.replace(new, real)
        sync(real.parent)
    except OSError as error:
        raise translate(error, path) from error


def reserve(path: Path) -> None:
    """Note down beside a database who may read and write it, for `create` when the database has gone out of the way."""
    real = Path(os.path.realpath(path))
    new = real.with_name(f"{real.name}.creating")
    try:
        new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _give_rights(new, real.stat())
        sync(real.parent)
    except OSError as error:
        raise translate(error, path) from error


def _give_rights(path: Path, like: os.stat_result) -> None:
    """The same mode, and the same owner and group as far as this user may give a file away."""
    path.chmod(stat.S_IMODE(like.st_mode))
    for owner, group in ((-1, like.st_gid), (like.st_uid, -1)):
        with suppress(PermissionError):
            os.chown(path, owner, group)


def _refuse_address(path: Path) -> None:
    if "\x00" in str(path) or not _is_unicode(str(path)):
        raise DatabaseError(
            f"The path {str(path)!r} holds a NUL or bytes that are no text; DuckDB cannot name such a file.",
            cure="Give the database another name or folder.",
            code="database_path",
        )
    if not path.name or any(_ADDRESS.fullmatch(part) for part in path.parts):
        raise DatabaseError(
            f"{str(path)!r} is an address or no name at all; provision works on a database file of this machine.",
            cure="Name a file as `database`, such as build/warehouse.duckdb.",
            code="database_path",
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_unusable(path: Path, facts: os.stat_result) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise DatabaseError(
            f"{path} is a folder; the database is a file.",
            cure=f"Name a file as `database`, such as {path / 'warehouse.duckdb'}.",
            code="database_is_folder",
        )
    if not stat.S_ISREG(facts.st_mode):
        raise DatabaseError(
            f"{path} is a device or a pipe; the database is a file.",
            cure="Name another file as `database`.",
            code="database_foreign",
        )
    if facts.st_nlink > 1:
        raise DatabaseError(
            f"{path} has {facts.st_nlink} names (hard links): opened under two of them at once, DuckDB destroys it.",
            cure=f"Give it bytes of its own: `cp {path} {path}.copy && mv {path}.copy {path}`.",
            code="database_hard_linked",
        )
    if is_mounted_alone(path):
        raise DatabaseError(
            f"{path} is a mount point: it has another name elsewhere, with another lock and another write-ahead log.",
            cure=f"Mount the folder that it lies in, {Path(os.path.realpath(path)).parent}, in the place of the file.",
            code="database_mounted",
        )
    if is_held_here(facts):
        raise BusyError(
            f"{path} is already open in this process; only one of its connections can have the file.",
            cure="Close that connection first (`connection.close()`).",
            code="database_open_here",
        )


def _refuse_foreign(path: Path, start: bytes) -> None:
    if is_duckdb(start) and len(start) == LENGTH:
        return
    found = None if is_duckdb(start) else name_foreign(start)
    if found is None and len(start) < LENGTH:
        raise DatabaseError(
            f"{path} ends after {len(start)} bytes, before the end of a DuckDB file's head ({LENGTH} bytes).",
            cure="Copy it again or restore it from a backup; or keep it under another name and make everything anew: "
            "provision apply --recreate",
            code="database_truncated",
        )
    raise DatabaseError(
        f"{path} is {found or 'of an unknown kind'}, not a DuckDB database.",
        cure="Name another file as `database`, or move this one aside.",
        code="database_foreign",
    )


def _refuse_beside(path: Path) -> None:
    """What is no file in the place of a WAL: DuckDB would wait for the other end of a pipe."""
    real = os.path.realpath(path)
    for ending in BESIDE:
        if kind := kind_of_file(real + ending):
            raise DatabaseError(
                f"{real + ending} is {kind}, where DuckDB keeps the last writes to {path.name} in a file.",
                cure="Move it away.",
                code="database_foreign",
            )


def _make_database(path: Path) -> None:
    import duckdb

    try:
        with duckdb.connect(str(path)) as connection:
            connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        raise translate(error, path) from error


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _set_aside(wal: Path) -> None:
    """A WAL without its database would keep the new one from opening; it may be all that is left, so it is kept."""
    if wal.exists():
        wal.rename(wal.with_name(f"{wal.name}.orphan-{wal.stat().st_mtime_ns}"))


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

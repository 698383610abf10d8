"""DuckDB's complaints, and the operating system's, as the errors of the house.

They are told apart by their text: the classes moved between DuckDB's versions, and a full disk alone comes as four.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from provisioner.errors import BusyError, DatabaseError, InputError, ProvisionError, StoppedError
from provisioner.observe.verbatim import first_line

# After this nothing may be written by this process any more: what a failed sync leaves out, a second one calls written.
DISK_FAILED = "disk_failed"
NAMELESS = Path("the database")  # for messages of those who do not know its path


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One way in which DuckDB complains.

    named: counts only when DuckDB names the database or its WAL, for a step's own input file can meet the same fate.
    message, cure: with {path}, {wal}, {words} (DuckDB's own) and the groups of the pattern.
    """

    pattern: str
    code: str
    message: str
    cure: str
    named: bool = False
    error: type[ProvisionError] = DatabaseError


_COMPLAINTS: tuple[_Complaint, ...] = (
    _Complaint(
        r"Could not set lock on file.*held in (?P<program>.+?) \(PID (?P<pid>\d+)\)",
        "database_locked",
        "{path} is open in another process: {program}, PID {pid}. DuckDB lets one process write, or many read.",
        "Wait until that process ends, or end it (`ps -p {pid}` shows it), and run again.",
        named=True,
        error=BusyError,
    ),
    _Complaint(
        r"Could not set lock on file|being used by another process",
        "database_locked",
        "{path} is open in another process. DuckDB lets one process write, or many read.",
        "Wait until that process ends, or end it (`lsof {path}` shows it), and run again.",
        named=True,
        error=BusyError,
    ),
    _Complaint(
        r"different configuration than existing connections|already attached",
        "database_open_here",
        "{path} is already open in this process, with other settings.",
        "Close that connection first.",
        error=BusyError,
    ),
    _Complaint(
        r"max_temp_directory_size|(?:No space left on device|File too large|quota exceeded).*duckdb_temp"
        r"|duckdb_temp.*(?:No space left on device|File too large|quota exceeded)",
        "spill_full",
        "There is no room for what DuckDB puts aside while it works, in {path}.tmp as a rule: {words}",
        "Free space on that disk, or let the step use more: `SET max_temp_directory_size`, `SET memory_limit`.",
    ),
    _Complaint(
        r"Out of Memory Error|[Cc]ould not allocate|[Ff]ailed to allocate|bad.alloc|Cannot allocate memory",
        "out_of_memory",
        "DuckDB ran out of memory at work on {path}: {words}",
        "Give it more memory (`SET memory_limit` in the step), or let it use less: `SET threads = 1`.",
    ),
    _Complaint(
        r"[Ff]sync failed|Could not f?sync|(?i:checkpoint|commit).*Input/output error",
        DISK_FAILED,
        "The disk did not take what was written to {path}: {words}",
        "Look at the disk (`dmesg`), and run again: what was committed before is there.",
    ),
    _Complaint(
        r"Input/output error",
        DISK_FAILED,
        "The disk with {path} fails: {words}",
        "Look at the disk (`dmesg`), and run again: what was committed before is there.",
        named=True,
    ),
    _Complaint(
        r"Too many open files",
        "too_many_files",
        "This process may open no more files, and DuckDB needs another one for {path}: {words}",
        "Raise the limit (`ulimit -n 4096`), and run again.",
    ),
    _Complaint(
        r"vector size of|Serialization Error|Failed to deserialize|[Ff]ailed to load metadata|Corrupted \w+ segment",
        "database_damaged",
        "{path} cannot be read as a database: {words}",
        "Restore it from a backup; or keep it under another name and make everything anew: provision apply --recreate",
    ),
    _Complaint(
        r"No space left on device|File too large|Disk quota exceeded",
        "disk_full",
        "There is no room to write {path}: {words}",
        "Free space on its disk, or raise the quota, and run again: what was done stays done.",
    ),
    _Complaint(
        r"Failure while replaying WAL",
        "database_wal",
        "{wal}, which holds the last writes to {path}, cannot be replayed: {words}",
        "Run `provision apply`: it replays it in another way, or sets it aside where it holds provision's work alone.",
    ),
    _Complaint(
        r"can only read (storage )?versions.*created with a newer",
        "database_newer",
        "{path} was made by a newer DuckDB than the one installed here: {words}",
        "Run `pip install --upgrade duckdb`.",
    ),
    _Complaint(
        r"can only read (storage )?versions.*created with (?P<made>[^\n]+)\.",
        "database_older",
        "{path} was made by {made}, whose files the DuckDB installed here no longer reads: {words}",
        "Open it with that DuckDB and `EXPORT DATABASE`, then `IMPORT DATABASE` into a new file with this one.",
    ),
    _Complaint(
        r"encrypt",
        "database_encrypted",
        "{path} is encrypted, and provision has no key for it: {words}",
        "Name a database that is not encrypted.",
        named=True,
    ),
    _Complaint(
        r"Corrupt database file",
        "database_damaged",
        "{path} is damaged: {words}",
        "Restore it from a backup; or keep it under another name and make everything anew: provision apply --recreate",
    ),
    _Complaint(
        r"Could not read enough bytes",
        "database_truncated",
        "{path} ends too soon, as a copy does that was cut off: {words}",
        "Copy it again or restore it from a backup; or keep it under another name and make everything anew: "
        "provision apply --recreate",
        named=True,
    ),
    _Complaint(
        r"not a valid DuckDB database file",
        "database_foreign",
        "{path} is not a DuckDB database: {words}",
        "Name another file as `database`, or move this one aside.",
        named=True,
    ),
    _Complaint(
        r"Permission denied|Read-only file system|Operation not permitted",
        "database_unreadable",
        "{path} may not be opened: {words}",
        "Allow this user to read and write the file and its folder.",
        named=True,
    ),
    _Complaint(
        r"has been invalidated",
        "database_invalidated",
        "DuckDB closed {path} after an error it cannot recover from: {words}",
        "Run again: what was committed is there.",
    ),
    _Complaint(
        r"^(INTERRUPT Error: )?Interrupted",
        "stopped",
        "DuckDB was interrupted while it worked on {path}.",
        "Run again to continue.",
        error=StoppedError,
    ),
)
# What no SQL and no file of a user brings about, whatever statement or reader meets it.
_OF_SURROUNDINGS = frozenset(
    {
        "spill_full",
        "out_of_memory",
        DISK_FAILED,
        "too_many_files",
        "disk_full",
        "database_damaged",
        "database_truncated",
    }
)
# Classes of what is wrong with SQL or with a value, which such an error may well cite.
_OF_SQL = re.compile(
    r"(?:Conversion|Binder|Catalog|Parser|Syntax|Constraint|Invalid Input|Out of Range|Mismatch Type) Error:"
)
FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)  # a full disk, a bound on the size of files, a quota
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def translate(error: Exception, path: Path) -> ProvisionError:
    """The error of the house for what DuckDB or the operating system said about this database.

    Without a code of its own it is a DatabaseError of code `database` whose message is all that DuckDB said.
    """
    if isinstance(error, ProvisionError):
        return error
    if isinstance(error, OSError):
        return _from_system(error, path)
    for complaint in _COMPLAINTS:
        match = re.search(complaint.pattern, str(error), re.DOTALL)
        if match and not (complaint.named and not _names(str(error), path)):
            return _from_complaint(complaint, match, str(error), path)
    return DatabaseError(f"DuckDB says: {_without_class(str(error)) or 'nothing'}")


def blame_surroundings(error: Exception, path: Path) -> ProvisionError | None:
    """The same where memory, disk or the database failed a step; None where its SQL or its files are to blame."""
    if _OF_SQL.match(str(error)):
        return None
    found = translate(error, path)
    return found if found.code in _OF_SURROUNDINGS else None


def _from_complaint(complaint: _Complaint, match: re.Match[str], text: str, path: Path) -> ProvisionError:
    words = first_line(_without_class(text))
    values = {**match.groupdict(), "path": path, "wal": f"{os.path.realpath(path)}.wal", "words": words}
    message, cure = complaint.message.format(**values), complaint.cure.format(**values)
    return complaint.error(message, cure=cure, code=complaint.code)


def _from_system(error: OSError, path: Path) -> ProvisionError:
    if error.errno in FULL:
        return translate(RuntimeError(os.strerror(error.errno)), path)
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return translate(RuntimeError(os.strerror(error.errno)), path)
    thing, words = error.filename or path, error.strerror or str(error)
    if not _belongs(str(thing), path):
        return InputError(
            f"{thing} cannot be used: {words}.", cure="Look whether it is there and this user may read it."
        )
    if error.errno == errno.EIO:
        return translate(RuntimeError(f"{thing}: Input/output error {path}"), path)
    if error.errno in _FORBIDDEN:
        return DatabaseError(
            f"{path} may not be used: {thing}: {words}.",
            cure="Allow this user to read and write the file and its folder.",
            code="database_unreadable",
        )
    return DatabaseError(
        f"{path} cannot be a database file: {thing}: {words}.",
        cure="Name a file as `database` in a folder that exists or can be made.",
        code="database_path",
    )


def _belongs(name: str, path: Path) -> bool:
    """Whether a file is the database, lies beside it under a longer name, or is a folder above it."""
    bases = (str(path), os.path.realpath(path))
    return any(name.startswith(base) or base.startswith(name) for base in bases)


def _names(text: str, path: Path) -> bool:
    return str(path) in text or os.path.realpath(path) in text


def _without_class(text: str) -> str:
    return re.sub(r"^(?:[A-Z]\w*\s)+Error: ", "", text.strip())

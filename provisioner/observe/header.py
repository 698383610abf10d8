"""The first bytes of a database file, read without DuckDB.

Closing any descriptor of a file drops all the POSIX locks that the process has on it, DuckDB's among them, and another
thread may connect at any moment. So a descriptor that was opened here stays open, one for each of the last few files:

    opened -> kept, read again and again -> closed when its file has no name any more, or too many others came after it
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

LENGTH = 12_288
_DESCRIPTORS = "/dev/fd"
# An application with a database for each of its customers must not run out of descriptors.
_MOST = 32
_KEPT: dict[tuple[int, int], int] = {}
_ONE = threading.Lock()
_MAGIC_AT, _MAGIC = 8, b"DUCK"
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"version https://git-lfs", "a Git LFS pointer, whose content was never fetched"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"(\xb5/\xfd", "a zstd file"),
)
_PRINTABLE = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n") | frozenset(range(0x80, 0x100))


def read_start(path: Path) -> bytes:
    """At most the LENGTH first bytes of the file; raises OSError."""
    with _ONE:
        file = _KEPT.get(_file_of(path.stat()))
        if file is None or not _names(file, path):
            file = _open(path)
        return os.pread(file, LENGTH, 0)


def is_held_here(facts: os.stat_result) -> bool:
    """Whether this process has that file open, beside what is kept here; systems that do not list it are trusted."""
    kept = _KEPT.get(_file_of(facts))
    for name in os.listdir(_DESCRIPTORS) if os.path.isdir(_DESCRIPTORS) else ():
        try:
            if int(name) != kept and os.path.samestat(os.fstat(int(name)), facts):
                return True
        except OSError:
            continue
    return False


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    for known, old in list(_KEPT.items()):
        facts = _facts(old)
        if facts is None or _file_of(facts) != known:
            del _KEPT[known]  # somebody has closed all descriptors, as daemons do; the number may be another file's
        elif facts.st_nlink == 0 or (len(_KEPT) >= _MOST and not is_held_here(facts)):
            os.close(_KEPT.pop(known))
    _KEPT[_file_of(os.fstat(file))] = file
    return file


def _names(file: int, path: Path) -> bool:
    facts = _facts(file)
    return facts is not None and os.path.samestat(facts, path.stat())


def _facts(file: int) -> os.stat_result | None:
    try:
        return os.fstat(file)
    except OSError:
        return None


def _file_of(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_dev, facts.st_ino


def _forget_in_child() -> None:
    """After a fork the mutex may be that of a thread that is not there."""
    global _ONE
    _ONE = threading.Lock()


os.register_at_fork(after_in_child=_forget_in_child)


def is_duckdb(start: bytes) -> bool:
    """Whether the file begins as a DuckDB database does, even if it ends too soon."""
    return start[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC


def name_foreign(start: bytes) -> str | None:
    """What a file that is no DuckDB database is, in words with an article; None when its bytes do not tell."""
    for sign, words in _FOREIGN:
        if start.startswith(sign):
            return words
    if not _PRINTABLE.issuperset(start):
        return None
    first_line = start.splitlines()[0] if start else b""
    return "a CSV file" if any(mark in first_line for mark in (b",", b";", b"\t")) else "a text file"

"""The first bytes of a database file, read without DuckDB.

Nothing here may be called while this process holds a connection to the file: closing any descriptor of a file drops
all the POSIX locks that the process has on it, DuckDB's among them.
"""

from __future__ import annotations

import os
from pathlib import Path

LENGTH = 12_288
_DESCRIPTORS = "/dev/fd"
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
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, LENGTH)
    finally:
        # Another thread may have connected by now: then the descriptor stays open, for its lock would go with it.
        if not _is_shared(file):
            os.close(file)


def _is_shared(file: int) -> bool:
    """Whether this process has another descriptor of the same file."""
    return is_held_here(os.fstat(file), but=file)


def is_held_here(facts: os.stat_result, but: int = -1) -> bool:
    """Whether this process has a descriptor of that file beside `but`; systems that do not list them are trusted."""
    for name in os.listdir(_DESCRIPTORS) if os.path.isdir(_DESCRIPTORS) else ():
        try:
            if int(name) != but and os.path.samestat(os.fstat(int(name)), facts):
                return True
        except OSError:
            continue
    return False


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

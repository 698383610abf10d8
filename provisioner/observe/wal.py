"""What DuckDB's write-ahead log (WAL) holds, read without DuckDB: is it provision's own work alone?

    a head, then frames: length of the body (u64), checksum (u64), body

A body begins with its kind. A transaction ends with the frame that flushes it; DuckDB ignores what follows the last.
Every transaction of provision's writes a stamp or a mark, and nobody else's does: that is how they are told apart.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from provisioner.observe.seal import BESIDE

_LENGTHS = struct.Struct("<QQ")
_FIELD = b"d\x00"
_USES_TABLE, _FLUSHES = 0x19, 0x64
_OF_RECORDS = re.compile(rb"\x0c_provisioner.{0,4}?(?:\x06stamps|\x05marks)", re.DOTALL)
# A whole frame that flushes; what frames before it are broken does not matter.
_ANY_FLUSH = re.compile(rb"\x05\x00{7}.{8}d\x00d\xff\xff", re.DOTALL)
_NUMBER = rb"[\x80-\xff]*[\x00-\x7f]"
_HEAD = re.compile(
    rb"d\x00be\x00" + _NUMBER + rb"(?:f\x00\x10(?:" + _NUMBER + rb"){16})?(?:g\x00" + _NUMBER + rb")?\xff\xff",
    re.DOTALL,
)
_LONGEST_NAME = 4096


def wal_files(database: Path) -> tuple[Path, ...]:
    """What lies beside the database's real path and belongs to its WAL."""
    real = os.path.realpath(database)
    return tuple(Path(real + ending) for ending in BESIDE if os.path.lexists(real + ending))


def own_transactions(wal: Path) -> int | None:
    """How many transactions a WAL holds, if all of them are provision's; None when one is not, or nobody can tell."""
    try:
        with wal.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log:
            return _count(log)
    except (OSError, ValueError):
        return None


def _count(log: mmap.mmap) -> int | None:
    start = _find_start(log)
    if start is None:
        return None
    count, ours, end = 0, False, start
    for at, length in _frames(log, start):
        end = at + length
        kind = log[at + len(_FIELD)] if log[at : at + len(_FIELD)] == _FIELD else -1
        if kind == _USES_TABLE:
            ours = ours or _OF_RECORDS.search(log[at : at + min(length, _LONGEST_NAME)]) is not None
        elif kind == _FLUSHES:
            if not ours:
                return None
            count, ours = count + 1, False
    # Behind a frame that is cut off nothing was ever committed; behind a damaged one there may be more.
    return count if count and not _ANY_FLUSH.search(log, end) else None


def _find_start(log: mmap.mmap) -> int | None:
    """Where the head ends and the first frame begins: 1.5 writes a version alone, 2.0 the database's id and more."""
    head = _HEAD.match(log)
    return head.end() if head else None


def _frames(log: mmap.mmap, at: int) -> Iterator[tuple[int, int]]:
    """Begin and length of each body, up to the first that is not whole."""
    while at + _LENGTHS.size + len(_FIELD) < len(log):
        length = _LENGTHS.unpack_from(log, at)[0]
        at += _LENGTHS.size
        if length > len(log) - at or log[at : at + len(_FIELD)] != _FIELD:
            return
        yield at, length
        at += length

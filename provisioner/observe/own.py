"""Files of the cache: believed only when they are our own, whole, and nobody else may write them.

Whoever can write the cache can say that a database is as declared, and what dbt is to have parsed. So a file counts
that is a plain one of this user, in a folder of this user, and carries the checksum of its content; all else is as if
it were not there. It keeps out other users, damage and accidents, not programs that run as this user.
"""

from __future__ import annotations

import errno
import os
import stat
import zlib
from pathlib import Path

_MOST_BYTES = 256 * 2**20
_HEAD, _TAIL = b'{"sum":"', b'",'
_BODY_AT = len(_HEAD) + 8 + len(_TAIL)


def make_own_folder(folder: Path) -> None:
    """Make it, and whatever is missing above it, for this user alone, whatever the umask says. Raises OSError."""
    if not folder.parent.exists():
        make_own_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def is_own_folder(folder: Path) -> bool:
    """Whether it is a folder of this user that no other may write; also where none is yet."""
    try:
        facts = folder.stat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(facts.st_mode) and _is_own(facts)


def open_own(path: Path) -> int:
    """A descriptor to read. Raises OSError for whatever is not a plain file of this user's, or is far too large."""
    # Non-blocking, because a pipe would wait for its other end.
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    facts = os.fstat(file)
    if not stat.S_ISREG(facts.st_mode) or not _is_own(facts) or facts.st_size > _MOST_BYTES:
        os.close(file)
        raise OSError(errno.EPERM, "it is not a file of our own")
    return file


def read_own(path: Path) -> bytes:
    """The JSON that `sealed` made. Raises OSError for one that may be another's, ValueError for a damaged one."""
    with open(open_own(path), "rb") as file:
        data = file.read(_MOST_BYTES)
    if data[: len(_HEAD)] != _HEAD or data[len(_HEAD) : _BODY_AT] != _sum(data[_BODY_AT:]) + _TAIL:
        raise ValueError("its checksum is another's")
    return data


def sealed(text: str) -> bytes:
    """A JSON object's text, with the checksum of the rest as its first value. The object is not empty."""
    body = text.encode()[1:]
    return _HEAD + _sum(body) + _TAIL + body


def _sum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def _is_own(facts: os.stat_result) -> bool:
    return facts.st_uid == os.geteuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

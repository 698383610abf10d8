"""Reading what a manifest is and what it names: plain files with an end, and never one that would be waited for.

A pipe waits for its other end, and so do some files of /proc and /sys, which pass for plain files.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 20
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_chunks(path: Path | str) -> Iterator[bytes]:
    """The bytes of a plain file, piece by piece. Raises OSError, also for a file of another kind."""
    _refuse_other_kinds(os.stat(path))  # before it is opened: with a device that may do something
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _refuse_other_kinds(os.fstat(file))
        while chunk := os.read(file, _CHUNK):
            yield chunk
    except BlockingIOError:
        raise OSError(errno.EAGAIN, "it has no end, and is waited for as a pipe is") from None
    finally:
        os.close(file)


def read_whole(path: Path | str, most: int) -> bytes:
    """All of a plain file or, where it has more than `most` bytes, more than that. Raises OSError."""
    data = bytearray()
    for chunk in read_chunks(path):
        data += chunk
        if len(data) > most:
            break
    return bytes(data)


def kind_of_file(path: Path | str) -> str:
    """`a folder`, `a pipe`, `a socket` or `a device`; empty for a plain file, and where nothing is."""
    try:
        return _kind(os.stat(path))
    except (OSError, ValueError):
        return ""


def _kind(facts: os.stat_result) -> str:
    return next((words for is_kind, words in _KINDS if is_kind(facts.st_mode)), "")


def _refuse_other_kinds(facts: os.stat_result) -> None:
    if kind := _kind(facts):
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")

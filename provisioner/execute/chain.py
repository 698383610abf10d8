"""Lines that vouch for each other: each begins with a checksum over the line before and over itself.

A cut, a flipped bit, a lost or a foreign line breaks the chain there. What stands before the break is sound.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path
from typing import Any

START = hashlib.blake2b(b"provision journal 1", digest_size=16).hexdigest()
# Of a file that grew for years only the end is read: that bounds time and memory, and the newest runs are asked for.
TAIL_BYTES = 8 * 2**20
_HEAD = b'{"chain":"'
_LINE = re.compile(rb'\{"chain":"([0-9a-f]{32})",(.+)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scan:
    """The sound part of a file, and what stands behind it.

    records: the lines' fields, in order, of the last TAIL_BYTES. chain: of the last sound line. end: the offset behind
    it. rest: the bytes from there on. ours: whether we began the file, as far as can be seen. torn: whether the rest is
    nothing but one last line, written in part or in error.
    """

    records: tuple[Mapping[str, Any], ...]
    chain: str
    end: int
    rest: bytes
    ours: bool
    torn: bool


def seal(before: str, fields: Mapping[str, object]) -> tuple[bytes, str]:
    """The line for these fields after the line with that chain, and its own chain."""
    body = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()[1:]
    chain = _checksum(before, body)
    return _HEAD + chain.encode() + b'",' + body + b"\n", chain


def scan(file: int) -> Scan:
    """Read what is sound in an open file; needs no lock and bears with a writer. Raises OSError."""
    size = os.fstat(file).st_size
    start = max(0, size - TAIL_BYTES)
    data = os.pread(file, size - start, start)
    at, chain = _anchor(data) if start else (0, START)
    records = []
    while (stop := data.find(b"\n", at)) >= 0 and (opened := _unseal(chain, data[at:stop])) is not None:
        chain, record = opened
        records.append(record)
        at = stop + 1
    rest = data[at:]
    ours = at > 0 or _HEAD.startswith(os.pread(file, len(_HEAD), 0))
    # A tail in which no line could be trusted says nothing about where a line begins.
    torn = bool(rest) and b"\n" not in rest[:-1] and ours and (at > 0 or start == 0)
    return Scan(tuple(records), chain, start + at, rest, ours, torn)


def open_regular(path: Path, flags: int) -> int:
    """A descriptor that children do not inherit. Raises OSError, also for anything but a regular file."""
    # Non-blocking, because a pipe would wait for its other end.
    file = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(EINVAL, "it is not a regular file")
    return file


def _anchor(data: bytes) -> tuple[int, str]:
    """Where to begin in a tail: behind its first whole line, whose checksum nothing can check and is taken as it is."""
    first = data.find(b"\n") + 1
    second = data.find(b"\n", first)
    line = _LINE.fullmatch(data, first, second) if first and second > 0 else None
    return (second + 1, line[1].decode()) if line else (0, START)


def _unseal(before: str, line: bytes) -> tuple[str, Mapping[str, Any]] | None:
    found = _LINE.fullmatch(line)
    if found is None or _checksum(before, found[2]).encode() != found[1]:
        return None
    try:
        return found[1].decode(), json.loads(b"{" + found[2])
    except (ValueError, RecursionError):
        return None


def _checksum(before: str, body: bytes) -> str:
    return hashlib.blake2b(before.encode() + body, digest_size=16).hexdigest()

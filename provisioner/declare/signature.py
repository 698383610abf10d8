"""What the file system says of a file: a token of its content that costs no reading.

The time of the last change (ctime) is part of it. Nobody can set that one back, so that an edit shows even where size
and time of modification are as before. It has a grain: two changes within one tick of the clock look like one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Signature(NamedTuple):
    """modified, changed: in nanoseconds since 1970."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


_TICK_NS = 25_000_000
_COARSE_TICK_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000


def sign(path: Path | str) -> Signature | None:
    """The signature of a file or folder, links followed; None when nothing is there that could be looked at."""
    try:
        return signature_of(os.stat(path))
    except (OSError, ValueError):
        return None


def signature_of(facts: os.stat_result) -> Signature:
    return Signature(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def is_settled(signature: Signature, moment: int) -> bool:
    """Whether any change after that moment (ns since 1970) leaves another signature.

    A file system whose times are whole seconds gets a grain of two.
    """
    grain = _TICK_NS if signature.changed % _SECOND_NS else _COARSE_TICK_NS
    return signature.changed < moment - grain

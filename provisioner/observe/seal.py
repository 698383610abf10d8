"""A mark of a database file's content that shows whether anyone has written since, without opening the file.

DuckDB's header counters would tell the same, and reading them is a trap: to close any descriptor of a file drops every
lock that this process has on it, and another thread may have connected in between.
"""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.declare.signature import Signature, sign

# What DuckDB leaves beside a database whose last changes are not in the file itself.
BESIDE = (".wal", ".wal.checkpoint", ".wal.recovery")


def seal(path: Path) -> Signature | None:
    """The signature of a database file that has nothing beside it; None when it has, or is not there."""
    real = os.path.realpath(path)
    found = sign(real)
    return None if any(os.path.lexists(real + ending) for ending in BESIDE) else found

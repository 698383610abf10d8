"""Whether another process still has the database file, found out without DuckDB."""

from __future__ import annotations

import fcntl
from pathlib import Path

from provisioner.observe.header import is_held_here


def is_held(database: Path) -> bool:
    """Whether another process has the database open to write."""
    try:
        # To close the file lets go of any lock of ours on it: then it is not looked at, and nobody else can have it.
        if is_held_here(database.stat()):
            return False
        with database.open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return False
    return False

"""What DuckDB puts on the disk while its memory is too small, and leaves there when it is killed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from provisioner.execute.beside import beside

_PREFIX = "duckdb_temp_"


def sweep_spill(database: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Remove what a dead process left. DuckDB would do so only when it needs the room itself.

    connection: open to write, so that nobody else has the database, and new, so that nothing there is its own.
    Never raises.
    """
    folder = beside(database, ".tmp")
    with suppress(OSError):
        if folder.is_symlink():
            return
        for entry in os.scandir(folder):
            if entry.name.startswith(_PREFIX) and entry.is_file(follow_symlinks=False):
                os.unlink(entry.path)

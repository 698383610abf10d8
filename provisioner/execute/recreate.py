"""`--recreate`: a database that cannot be used any more goes out of the way, whole, and a new one is made.

What can be recreated was a DuckDB database: damaged, cut off, or of another version. A file of another kind is somebody
else's, and is never moved. Nothing is ever deleted.
"""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.errors import ProvisionError, UsageError
from provisioner.execute.events import Listener, Noted
from provisioner.execute.interrupt import Stop
from provisioner.execute.opening import move_aside
from provisioner.execute.patience import Patience
from provisioner.observe.database import FileCondition, inspect_file, reserve
from provisioner.observe.examine import find_damage
from provisioner.observe.header import name_foreign, read_start
from provisioner.observe.wal import wal_files

# Where nothing else helps but a backup.
RECREATABLE = frozenset({"database_damaged", "database_truncated", "database_newer", "database_older"})
LOST = "What users wrote to its tables, protected ones too, is in that file alone."


def is_recreatable(error: ProvisionError, path: Path) -> bool:
    """Whether `--recreate` would help against what keeps the database from being used."""
    return error.code in RECREATABLE or (error.code == "database_foreign" and _has_lost_its_head(path))


def set_database_aside(path: Path, tell: Listener, patience: Patience, stop: Stop) -> None:
    """Move a database that cannot be used aside, with its WAL. To be called under the lock, while it is closed.

    patience: with others who have it open. stop: may end the reading.
    Everything in it is read, to find out. Raises UsageError when it is sound, or what keeps it from being read when it
    is not its own damage. Left to `revive` when only its WAL cannot be replayed: less may help there.
    """
    damage = patience.until_free(lambda: find_damage(path, stop.watch))
    if damage is None:
        if inspect_file(path) is not FileCondition.PRESENT:
            return
        raise UsageError(
            f"{path} is sound: everything in it can be read. There is nothing to recreate.",
            cure="Make tables anew with --rebuild, or move the file aside yourself. Else: provision apply",
        )
    if damage.code == "database_wal":
        return
    if not is_recreatable(damage, path):
        raise damage
    real = Path(os.path.realpath(path))
    reserve(path)
    kept = move_aside(path, "damaged", [real, *wal_files(path)])
    tell(Noted(f"{path} cannot be used ({damage.code}), and is kept as {kept.name}; a new one is made. {LOST}", True))


def _has_lost_its_head(path: Path) -> bool:
    """Whether a file is of no kind that is known: then it may well have been a database."""
    try:
        facts = path.stat()
        return os.path.isfile(path) and facts.st_nlink == 1 and name_foreign(read_start(path)) is None
    except OSError:
        return False

"""Is there room for what a plan will make? Asked before it begins."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from provisioner.declare.values import Manifest, TableKind
from provisioner.errors import InputError
from provisioner.execute.events import Listener, Noted
from provisioner.execute.session import Observed
from provisioner.observe.files import resolve_input
from provisioner.observe.header import LENGTH
from provisioner.observe.values import Unit, UnitKind
from provisioner.reconcile.values import Mend

# Below this not even the journal, the log and the name of the holder can be written. Above it only trying tells.
LEAST = 16 * 2**10
LITTLE = 4 * 2**20
_USED = """
    SELECT block_size * used_blocks FROM system.main.pragma_database_size()
    WHERE database_name = system.main.current_database()"""


def check_room(
    path: Path, manifest: Manifest, seen: Observed, database: duckdb.DuckDBPyConnection | None, tell: Listener
) -> None:
    """Raises InputError when the disk is full or the folder cannot be written; warns when the plan may need more than
    what is free. path: the database's real one. database: None where there is none yet.
    """
    folder = _existing(path.parent)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{folder} cannot be written, and the database {path} and its journal are kept there.",
            code="folder_not_writable",
            cure=f"Give yourself the right to write: chmod u+w {folder}",
        )
    if warning := judge_room(folder, Room(_free(folder), _spare(path, database)), estimate_need(path, manifest, seen)):
        tell(Noted(warning, warning=True))


@dataclass(frozen=True, slots=True)
class Room:
    """In bytes. disk: what is free on it. spare: what lies unused in the database, such as a failed step leaves it."""

    disk: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """An estimate, in bytes. files: those to be read. beside: tables that are kept until their successors are made."""

    files: int = 0
    beside: int = 0


def judge_room(folder: Path, room: Room, need: Need) -> str:
    """A warning, "" where there is room. Raises InputError (disk_full) when nothing can be written."""
    if room.disk < LEAST:
        raise InputError(
            f"{folder} has {_size_words(room.disk)} free, and at least {_size_words(LEAST)} are needed.",
            code="disk_full",
            cure="Make room on that disk, then run it again. Nothing was done.",
        )
    found = f"{folder} has {_size_words(room.disk)} free"
    if room.spare:
        found += f", the database {_size_words(room.spare)} of its own"
    if max(need.files + need.beside, LITTLE) <= room.disk + room.spare:
        return ""
    if need.files + need.beside <= room.disk + room.spare:
        return f"{found}, which may be too little. What fails for it is rolled back. Make room (`df -h {folder}`)"
    return (
        f"{found}, and the run may need about {_size_words(need.files + need.beside)}: "
        f"{_size_words(need.files)} of files to load, {_size_words(need.beside)} for tables that are kept until they "
        f"are made again. Make room (`df -h {folder}`), or go on in parts with --target"
    )


def estimate_need(path: Path, manifest: Manifest, seen: Observed) -> Need:
    """What the plan may need at most at one time, guessed from the files it reads and from the size of the database.

    path: of the database.
    """
    due = {action.unit for action in seen.plan.actions if action.mend is Mend.RUN}
    units = [seen.graph.units[unit] for unit in sorted(due)]
    made = {table for unit in units for table in unit.tables}
    tables = {table for table, found in seen.catalog.relations.items() if found.kind is TableKind.TABLE}
    size = path.stat().st_size if tables & made else 0
    return Need(
        sum(map(_size, {file for unit in units for file in _files(unit, manifest)})),
        size * len(tables & made) // max(len(tables), 1),
    )


def _files(unit: Unit, manifest: Manifest) -> Iterable[Path]:
    if unit.kind is UnitKind.LOAD:
        return resolve_input(manifest.step(unit.step or unit.id).source, manifest.folder)
    if unit.dbt and unit.dbt.command == "seed" and manifest.dbt:
        return (manifest.dbt.project_dir / unit.dbt.path,)
    return ()


def _size(path: Path) -> int:
    """In bytes, unpacked where that is written in it; 0 for what is not there, which others tell of."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed:
                return sum(one.file_size for one in packed.infolist())
        return path.stat().st_size
    except (OSError, zipfile.BadZipFile):
        return 0


def _existing(folder: Path) -> Path:
    while not os.path.exists(folder):
        folder = folder.parent
    return folder


def _free(folder: Path) -> int:
    """In bytes; root may use the part of a disk that is kept for it."""
    disk = os.statvfs(folder)
    return disk.f_frsize * (disk.f_bavail if os.geteuid() else disk.f_bfree)


def _spare(path: Path, database: duckdb.DuckDBPyConnection | None) -> int:
    """DuckDB counts no free pages at the end of a file that it opens, but writes on them first of all."""
    row = database.execute(_USED).fetchone() if database else None
    return max(path.stat().st_size - LENGTH - int(row[0]), 0) if row else 0


def _size_words(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB" if size >= 2**20 else f"{size / 2**10:,.0f} KiB"

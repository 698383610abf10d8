"""Is there room for what a plan will make? Asked before it begins."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from provisioner.declare.values import Manifest, StepKind
from provisioner.errors import InputError
from provisioner.execute.events import Listener, Noted
from provisioner.execute.session import Observed
from provisioner.observe.files import resolve_input
from provisioner.reconcile.values import Mend

# Below this DuckDB cannot even write its own pages and a WAL.
LEAST = 32 * 2**20


def check_room(manifest: Manifest, seen: Observed, tell: Listener) -> None:
    """Raises InputError when the disk is full or the folder cannot be written; warns when the inputs are larger than
    what is free.
    """
    folder = _existing(manifest.database.parent)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{folder} cannot be written, and the database {manifest.database} and its journal are kept there.",
            code="folder_not_writable",
            cure=f"Give yourself the right to write: chmod u+w {folder}",
        )
    free = shutil.disk_usage(folder).free
    if free < LEAST:
        raise InputError(
            f"{folder} has {_mib(free)} free, and at least {_mib(LEAST)} are needed.",
            code="disk_full",
            cure="Make room on that disk, then run it again. Nothing was done.",
        )
    need = _bytes_to_read(manifest, seen)
    if need > free:
        tell(Noted(f"{folder} has {_mib(free)} free, and the files to load have {_mib(need)}", warning=True))


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _bytes_to_read(manifest: Manifest, seen: Observed) -> int:
    due = {action.unit for action in seen.plan.actions if action.mend is Mend.RUN}
    loads = [step for step in manifest.steps if step.kind is StepKind.LOAD and step.name in due]
    paths = {path for step in loads for path in resolve_input(step.source, manifest.folder)}
    return sum(path.stat().st_size for path in paths if path.is_file())


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"

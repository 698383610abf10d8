"""What lives beside a database: lock, guard, holder and journal, and the folder of what DuckDB spills."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.errors import InputError
from provisioner.observe.complaints import FULL


def beside(database: Path, ending: str) -> Path:
    """The path of the database's companion file; one for all ways to name the database, which need not exist yet.

    Links are followed, so that a symlink, a relative path and another working directory meet the same file.
    Raises InputError (code `bad_path`) for a path that no file can have.
    """
    try:
        return Path(os.path.realpath(database) + ending)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The database path {str(database)!r} is not one a file can have ({error}).",
            cure="Set `database:` in the manifest to the path of a file.",
            code="bad_path",
        ) from error


def is_full(error: OSError) -> bool:
    """Whether the error says that there is no room: a full disk, a quota, or a bound on the size of files."""
    return error.errno in FULL


def not_writable(path: Path, error: OSError) -> InputError:
    """The error for a companion file that cannot be made (code `disk_full` or `folder_not_writable`)."""
    why = error.strerror or str(error)
    if is_full(error):
        return InputError(
            f"There is no room to write {path} ({why}).",
            cure=f"Make room on that disk (`df -h {path.parent}` shows it) and run the same command again.",
            code="disk_full",
        )
    # Of a folder that could not be made, the one above it tells why.
    folder = next(folder for folder in path.parents if os.path.exists(folder))
    there = f"{folder} {path}" if folder == path.parent else str(folder)
    return InputError(
        f"{path} cannot be written ({why}); whoever changes a database keeps its lock in the same folder.",
        cure=f"Get the right to write there (`ls -ld {there}` shows who has it), or set `database:` to another folder.",
        code="folder_not_writable",
    )

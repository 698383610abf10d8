"""What dbt remembers of its last parse, kept for the next one: dbt believes every word of it, and runs the SQL in it.

So beside it lies its digest, in a file that is believed only when it is our own; what does not match is not handed to
dbt, which then parses everything.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from provisioner.observe.keep import write_whole
from provisioner.observe.own import make_own_folder, open_own, read_own


def keep_parse(source: Path, target: Path) -> None:
    """Whole or not at all, also across file systems, for the owner alone. Raises OSError."""
    make_own_folder(target.parent)
    beside = target.with_suffix(f".{os.getpid()}")
    try:
        shutil.move(source, beside)
        beside.chmod(0o600)
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    write_whole(_digest_of(target), json.dumps({"digest": _digest(target)}))


def is_whole(path: Path) -> bool:
    """Whether it is ours, and as it was kept."""
    try:
        return bool(json.loads(read_own(_digest_of(path)))["digest"] == _digest(path))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def _digest_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _digest(path: Path) -> str:
    with open(open_own(path), "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()

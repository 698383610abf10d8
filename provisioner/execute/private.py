"""A private folder: for dbt's worker, its profile with secrets and its parse; for what an archive unpacks to.

    made --own()--> owned (the file `owner` is locked, and names the pid) --end--> removed
                    owned --its process dies--> nobody's --another's own()--> removed

A lock and not the pid tells whether the owner lives: a pid may be another's by then.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "provision-"
_OWNER = "owner"
# Between the making of a folder and its owner's name lies no more than a moment.
_UNOWNED_SECONDS = 3600.0


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that only this user may look into, for a block; what dead owners left is removed first."""
    sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    owner = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX)
        os.write(owner, f"{os.getpid()}\n".encode())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(owner)


def sweep(where: Path) -> None:
    """Remove the private folders of dead owners. Never raises; follows no link, and leaves what is another user's."""
    with suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and _is_nobodys(entry):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_nobodys(entry: os.DirEntry[str]) -> bool:
    try:
        facts = entry.stat(follow_symlinks=False)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
            return False
        return _owner_is_dead(entry.path, facts.st_mtime)
    except OSError:
        return False


def _owner_is_dead(folder: str, made: float) -> bool:
    """A folder without an owner's name is being made just now, unless it is old."""
    try:
        owner = os.open(os.path.join(folder, _OWNER), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - made > _UNOWNED_SECONDS and not os.listdir(folder)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(owner).st_size > 0
    except BlockingIOError:
        return False
    finally:
        os.close(owner)

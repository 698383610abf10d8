"""Surroundings that fail: calls that report errors, disks that fill up, files and folders that are another's.

Each fault is there while one apply runs (`there`), and gone before the next one.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from forked import Ended, Forked
from ground import Ground
from traced import Place, run
from worlds import database_of

import provisioner.execute.room

WORDS = ("apply", "--format", "json", "--quiet")
NOBODY = 65_534
ROOT = os.geteuid() == 0
_SET_SECUREBITS, _NO_ROOT = 28, 0b11


@dataclass(frozen=True, slots=True)
class Met:
    """What an apply met with. calls: the one that failed, with its file, and all after it; where they are known."""

    ended: Ended
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """The `number`th call of this kind fails with this error; stays: and every one after it."""

    place: Place
    call: str
    number: int
    error: str
    stays: bool = False

    def __str__(self) -> str:
        return f"{self.error} at {self.place} {self.call} {self.number}{'+' if self.stays else ''}"

    def meet(self, ground: Ground) -> Met | None:
        when = f"{self.number}{'+' if self.stays else ''}"
        inject = f"inject={self.call}:error={self.error}:when={when}"
        ground.put()
        traced = run(ground.command(*WORDS), self.place, ground.folder / "traced", inject)
        return Met(traced.ended, traced.at) if traced.struck else None


@dataclass(frozen=True, slots=True)
class Bound:
    """No file may grow beyond so many bytes: what a full disk is to someone who is not root."""

    size: int

    def __str__(self) -> str:
        return f"files of {self.size:,} bytes at most"

    def meet(self, ground: Ground) -> Met:
        ground.put()
        return Met(_apply(ground, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (self.size,) * 2)))


@dataclass(frozen=True, slots=True)
class Disk:
    """The database's folder is a disk with so many bytes more than what lies there. Only root can make one."""

    free: int

    def __str__(self) -> str:
        return f"a disk with {self.free:,} bytes free"

    def meet(self, ground: Ground) -> Met:
        build = database_of(ground.put()).parent
        there = sum(file.stat().st_size + 8192 for file in build.iterdir()) if build.exists() else 0
        with small_disk(build, there + self.free):
            return Met(_apply(ground, _without_a_look_at_room))


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A disk of this size in the place of the folder; what is on it in the end stays in the folder."""
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept) if folder.exists() else kept.mkdir()
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield
        shutil.rmtree(kept)
        shutil.copytree(folder, kept)
    finally:
        subprocess.run(["umount", folder], check=True)
    shutil.rmtree(folder)
    kept.rename(folder)


def _without_a_look_at_room() -> None:
    """As if the disk had filled up since the look."""
    provisioner.execute.room.LEAST = 0


@dataclass(frozen=True, slots=True)
class Right:
    """A file or the folder may not be written, or not even read. ending: of the file beside the database, ".." for the
    folder. foreign: it belongs to another user. Where this process is root, the apply runs without a root's rights.
    """

    ending: str
    mode: int
    foreign: bool = False

    def __str__(self) -> str:
        return f"{self.ending or 'database'} of {'another' if self.foreign else 'ours'} with mode {self.mode:o}"

    def meet(self, ground: Ground) -> Met | None:
        database = database_of(ground.put())
        database.parent.mkdir(exist_ok=True)
        path = database.parent if self.ending == ".." else database.with_name(f"{database.name}{self.ending}")
        if not path.exists() and self.ending:
            path.touch()
        elif not path.exists():
            return None
        before = path.stat()
        path.chmod(self.mode)
        if self.foreign:
            os.chown(path, NOBODY, NOBODY)
        try:
            return Met(_apply(ground, _be_like_anybody))
        finally:
            if path.exists():
                os.chown(path, before.st_uid, before.st_gid)
                path.chmod(before.st_mode)


def _be_like_anybody() -> None:
    """Keep the user, and lose what lets root pass by all modes and owners; children that are started stay without."""
    if ROOT:
        system = ctypes.CDLL(None)
        none = (ctypes.c_uint32 * 6)()
        version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
        assert system.prctl(_SET_SECUREBITS, _NO_ROOT, 0, 0, 0) == 0 and system.capset(version_3, none) == 0


Fault = Call | Bound | Disk | Right


def _apply(ground: Ground, prepare: Callable[[], None]) -> Ended:
    return Forked(replace(ground.command(*WORDS), prepare=prepare), ground.folder / "said").go().wait()

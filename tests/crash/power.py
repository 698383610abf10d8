"""A failure of power, as bad as a file system may make it: of our own files nothing outlives it that was not synced.

In the process that is to die, `os` notes what it writes, syncs and renames. Just before the end, what was not synced is
taken away again: of a file that we wrote its new bytes, of one that was renamed without a sync of its bytes the second
half. A rename whose folder was not synced is undone as well, where the failure is told to.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strike import LAST_ACTS

from provisioner.execute import journal


@dataclass
class Disk:
    """folder: only what lies in it counts. told: a file for the names of what was lost. undo: renames too.

    safe: of each file how many bytes are synced. renamed: renames whose folder is not synced, with what was there.
    """

    folder: Path
    told: Path
    undo: bool = False
    safe: dict[str, int] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    renamed: list[tuple[str, str, bytes | None]] = field(default_factory=list)

    def watch(self) -> None:
        """From now on, in this process."""
        for name, seen in (("write", self._wrote), ("fsync", self._synced), ("fdatasync", self._synced)):
            setattr(os, name, _after(getattr(os, name), seen))
        for name in ("replace", "rename"):
            setattr(os, name, self._renaming(getattr(os, name)))
        # The journal chose one of the two when it was imported.
        setattr(journal, "_sync", _after(getattr(journal, "_sync"), self._synced))  # noqa: B009, B010
        LAST_ACTS.append(self.fail)

    def fail(self) -> None:
        """The power is gone."""
        lost = [path for path in self.written if os.path.exists(path) and self._lose(path)]
        if self.undo:
            for source, target, before in reversed(self.renamed):
                if not os.path.exists(target):
                    continue
                os.rename(target, source)
                if before is not None:
                    Path(target).write_bytes(before)
                lost.append(f"{target}'s name")
        self.told.write_text("\n".join(lost), encoding="utf-8")

    def _lose(self, path: str) -> bool:
        size, safe = os.path.getsize(path), self.safe.get(path)
        left = size // 2 if safe is None else min(safe, size)
        os.truncate(path, left)
        return left < size

    def _wrote(self, descriptor: int, data: bytes) -> None:
        if path := self._path(descriptor):
            if path not in self.written:
                self.safe.setdefault(path, os.path.getsize(path) - len(data))
            self.written.add(path)

    def _synced(self, descriptor: int) -> None:
        if path := self._path(descriptor):
            self.safe[path] = os.path.getsize(path)
            self.renamed = [one for one in self.renamed if os.path.dirname(one[1]) != path]

    def _renaming(self, rename: Callable[..., None]) -> Callable[..., None]:
        def renames(source: Any, target: Any) -> None:
            source, target = os.path.abspath(source), os.path.abspath(target)
            before = Path(target).read_bytes() if os.path.exists(target) else None
            rename(source, target)
            if Path(target).is_relative_to(self.folder):
                self.renamed.append((source, target, before))
                self.written.discard(source)
                self.written.add(target)
                self.safe.pop(target, None)
                if source in self.safe:
                    self.safe[target] = self.safe.pop(source)

        return renames

    def _path(self, descriptor: int) -> str:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        return path if Path(path).is_relative_to(self.folder) else ""


def _after(function: Callable[..., Any], seen: Callable[..., None]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        answer = function(*arguments)
        seen(*arguments)
        return answer

    return call

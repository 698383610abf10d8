"""Which file system a file lies on, and whether it is mounted by itself, as Linux tells it; elsewhere nobody knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_TABLE = Path("/proc/self/mounts")
# Their locks may hold on one machine only, or not at all.
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "9p", "ncpfs", "beegfs", "davfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.davfs2"}
)


def remote_kind(path: Path) -> str | None:
    """The kind of network file system on which a file lies or would lie, None for any other or where nobody knows."""
    kind = find_kind(_read_table(), os.path.realpath(path))
    return kind if kind in _REMOTE else None


def is_mounted_alone(path: Path) -> bool:
    """Whether the file itself is a mount point: under another name, it has other files beside it."""
    real = os.path.realpath(path)
    return any(point == real for point, _ in _mounts(_read_table()))


def _read_table() -> str:
    try:
        return _TABLE.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def find_kind(table: str, path: str) -> str | None:
    """The kind of the mount with the longest name above the path; of two with one name the later hides the other.

    table: as in /proc/self/mounts, where white space in names is written as octal numbers.
    """
    best, found = -1, None
    for point, kind in _mounts(table):
        if len(point) >= best and (path == point or path.startswith(point.rstrip("/") + "/")):
            best, found = len(point), kind
    return found


def _mounts(table: str) -> Iterator[tuple[str, str]]:
    """Where each file system is mounted, and its kind."""
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) >= 3:
            yield re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[1]), fields[2]

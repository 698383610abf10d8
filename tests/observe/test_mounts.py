"""On which kind of file system a database lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.observe.mounts import find_kind, remote_kind

TABLE = r"""
overlay / overlay rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /mnt/data nfs4 rw,vers=4.2 0 0
tmpfs /mnt/data/local tmpfs rw 0 0
//box/share /mnt/my\040share cifs rw 0 0
you@host:/ /mnt/far fuse.sshfs rw 0 0
/dev/sdb1 /mnt/over ext4 rw 0 0
server:/over /mnt/over nfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/you/shop.duckdb", "overlay"),
        ("/mnt/data/shop.duckdb", "nfs4"),
        ("/mnt/data", "nfs4"),
        ("/mnt/database/shop.duckdb", "overlay"),
        ("/mnt/data/local/shop.duckdb", "tmpfs"),
        ("/mnt/my share/shop.duckdb", "cifs"),
        ("/mnt/far/away/shop.duckdb", "fuse.sshfs"),
        ("/mnt/over/shop.duckdb", "nfs"),
    ],
)
def test_the_innermost_mount_counts(path: str, kind: str) -> None:
    assert find_kind(TABLE, path) == kind


def test_an_empty_table_tells_nothing_and_a_local_disk_is_not_remote(tmp_path: Path) -> None:
    assert find_kind("", "/home/you/shop.duckdb") is None
    assert remote_kind(tmp_path / "shop.duckdb") is None

"""On which kind of file system a database lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.observe.mounts import find_kind, is_mounted_alone, remote_kind

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


def test_a_file_that_is_mounted_by_itself_is_told_from_one_in_a_mounted_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"{TABLE}/dev/sda1 {tmp_path}/a\\040b.duckdb ext4 rw 0 0\n/dev/sda1 {tmp_path} ext4 rw 0 0\n")
    monkeypatch.setattr("provisioner.observe.mounts._TABLE", table)
    assert is_mounted_alone(tmp_path / "a b.duckdb") and not is_mounted_alone(tmp_path / "c.duckdb")


def test_an_empty_table_tells_nothing_and_a_local_disk_is_not_remote(tmp_path: Path) -> None:
    assert find_kind("", "/home/you/shop.duckdb") is None
    assert remote_kind(tmp_path / "shop.duckdb") is None

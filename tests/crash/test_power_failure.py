"""The power fails: what was told as done is on the disk, and what was not synced is not missed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ground import lay
from points import BEGINNINGS, POINTS
from power import Disk
from strike import cache_of, kill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks up names of open files in /proc")

NAMED = {point.name: point for point in POINTS}
FAILURES = (
    ("fresh", "when the new file has its name", "names are kept"),
    ("fresh", "when the new file has its name", "names are lost too"),
    ("fresh", "when the folder is synced", "names are lost too"),
    ("repair", "when the holder's name is written", "names are lost too"),
    ("repair", "when run_begun is synced", "names are kept"),
    ("repair", "between two units", "names are lost too"),
    ("repair", "when the proof is kept", "names are kept"),
    ("damaged", "when a damaged journal is set aside", "names are lost too"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each world is laid in it once."""
    return tmp_path_factory.mktemp("grounds")


@pytest.mark.parametrize(("world", "point", "names"), FAILURES)
def test_what_was_told_is_on_the_disk_and_the_next_apply_ends_well(
    folder: Path, world: str, point: str, names: str
) -> None:
    ground = lay(BEGINNINGS[world], folder)
    manifest = ground.put()
    told = cache_of(manifest) / "lost"
    disk = Disk(manifest.parent, told, undo=names != "names are kept")
    kill(manifest, NAMED[point].strike, *ground.words, prepare=disk.watch)
    lost = {Path(name).name for name in told.read_text(encoding="utf-8").splitlines()}
    assert not lost & {"shop.duckdb", "shop.duckdb.journal"}
    assert [line for line in ground.resume() if not line.startswith("files: shop.duckdb.journal.damaged")] == []

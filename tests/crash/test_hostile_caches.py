"""What others or accidents put into the cache is never believed, never executed, and never keeps anybody from work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crowd import own_cache
from forked import answer
from hostile import BELIEVED, NOBODY, PLANTED, damage, odd_values, put_back
from worlds import WORLDS

import provisioner
from provisioner.execute.dbt_parse import is_whole, keep_parse
from provisioner.face import find_proof


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The manifest of a database of which there is a proof."""
    folder = tmp_path_factory.mktemp("caches")
    manifest = WORLDS["fresh"].make(folder / "shop")
    with own_cache(folder / "cache"):
        answer(lambda: provisioner.apply(manifest).id, folder / "apply.txt")
        answer(lambda: provisioner.plan(manifest) == provisioner.Plan(), folder / "plan.txt")
        yield manifest


@pytest.fixture
def kept(proved: Path) -> Iterator[Path]:
    """The file with the proof; it is as it was afterwards."""
    folder = Path(os.environ["XDG_CACHE_HOME"], "provision")
    found = {path: path.read_bytes() for path in folder.iterdir()}
    (path,) = found
    assert find_proof(proved) is not None
    yield path
    put_back(found, folder)


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_in_the_cache_is_not_believed(proved: Path, kept: Path, what: str) -> None:
    PLANTED[what](kept)
    assert (find_proof(proved) is not None) == (what in BELIEVED)
    assert provisioner.plan(proved) == provisioner.Plan()


def test_a_cut_or_a_flipped_bit_anywhere_is_found_out(proved: Path, kept: Path) -> None:
    body = kept.read_bytes()
    for what, change in damage(kept, 3, 60):
        change(kept)
        assert find_proof(proved) is None, what
        kept.write_bytes(body)


def test_odd_values_under_a_right_checksum_raise_nothing(proved: Path, kept: Path) -> None:
    body = kept.read_bytes()
    for number, (_, change) in enumerate(odd_values(kept)):
        change(kept)
        find_proof(proved)
        if number % 8 == 0:
            assert provisioner.plan(proved, cache=False) == provisioner.Plan()
        kept.write_bytes(body)


def _of_another(folder: Path) -> None:
    os.chown(folder, NOBODY, NOBODY)


FOLDERS: dict[str, Callable[[Path], object]] = {
    "the group may write it": lambda folder: folder.chmod(0o770),
    "anybody may write it": lambda folder: folder.chmod(0o777),
    "it is a file": lambda folder: (folder.rename(folder.with_name("moved")), folder.write_text(""))[1],
    "it is a link to nowhere": lambda folder: (folder.rename(folder.with_name("moved")), folder.symlink_to("x"))[1],
    **({"it is another user's": _of_another} if os.geteuid() == 0 else {}),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_that_is_not_ours_alone_is_no_cache(proved: Path, kept: Path, what: str, tmp_path: Path) -> None:
    with own_cache(tmp_path):
        assert provisioner.plan(proved) == provisioner.Plan() and find_proof(proved) is not None
        FOLDERS[what](tmp_path / "provision")
        assert find_proof(proved) is None
        assert provisioner.plan(proved) == provisioner.Plan()


@pytest.mark.parametrize("base", ["/dev/null", "/proc/self", "/dev/full", "relative", "/nowhere\udcff"])
def test_where_there_can_be_no_cache_everything_is_looked_at(
    proved: Path, kept: Path, base: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", base)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert provisioner.plan(proved) == provisioner.Plan()


def test_what_dbt_remembers_is_handed_to_it_only_as_it_was_kept(tmp_path: Path) -> None:
    source, target = tmp_path / "partial_parse.msgpack", tmp_path / "kept" / "dbt-parse-1.msgpack"
    source.write_bytes(b"sql of the project")
    keep_parse(source, target)
    files = {path: path.read_bytes() for path in target.parent.iterdir()}
    assert is_whole(target) and not source.exists()
    planted = [(path, what, change) for path in files for what, change in PLANTED.items() if what not in BELIEVED]
    flipped = [(path, what, change) for path in files for what, change in damage(path, 3, 10)]
    for path, what, change in planted + flipped:
        put_back(files, target.parent)
        change(path)
        assert not is_whole(target), (what, path.name)

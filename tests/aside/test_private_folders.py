"""Private folders: closed to others, gone with their owner, and swept when it was killed; nothing else is touched."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.execute.private import private_folder, sweep


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def left_by_a_killed_owner(place: Path) -> Path:
    child = os.fork()
    if child == 0:
        with private_folder() as folder:
            (folder / "profile").mkdir()
            (folder / "profile" / "profiles.yml").write_text("a secret")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = place.glob("provision-*")
    return left


def test_a_private_folder_is_closed_to_others_and_goes_with_its_block(place: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == place and folder.stat().st_mode & 0o777 == 0o700
    assert not list(place.iterdir())


def test_what_a_killed_owner_left_goes_when_the_next_folder_is_made(place: Path) -> None:
    left = left_by_a_killed_owner(place)
    assert (left / "profile" / "profiles.yml").is_file()
    with private_folder() as folder:
        assert list(place.iterdir()) == [folder]


def test_the_folder_of_an_owner_that_lives_stays(place: Path) -> None:
    with private_folder() as first, private_folder() as second:
        assert set(place.iterdir()) == {first, second}


def another_mode(place: Path) -> None:
    left_by_a_killed_owner(place).chmod(0o755)


def a_link(place: Path) -> None:
    target = left_by_a_killed_owner(place).rename(place.parent / "elsewhere")
    (place / "provision-link").symlink_to(target)


def a_linked_owner(place: Path) -> None:
    left = left_by_a_killed_owner(place)
    (left / "owner").rename(place.parent / "owner")
    (left / "owner").symlink_to(place.parent / "owner")


def just_made(place: Path) -> None:
    (place / "provision-new").mkdir(mode=0o700)


def old_but_with_something_in_it(place: Path) -> None:
    (place / "provision-notes" / "kept").mkdir(parents=True)
    (place / "provision-notes").chmod(0o700)
    os.utime(place / "provision-notes", (0, 0))


def a_file(place: Path) -> None:
    (place / "provision-file").write_text("mine")


@pytest.mark.parametrize(
    "make", [another_mode, a_link, a_linked_owner, just_made, old_but_with_something_in_it, a_file],
    ids=lambda make: make.__name__,
)  # fmt: skip
def test_what_may_be_anothers_stays_as_it_is(place: Path, make: Callable[[Path], None]) -> None:
    make(place)
    before = sorted(place.parent.rglob("*"))
    sweep(place)
    assert sorted(place.parent.rglob("*")) == before


def test_an_old_folder_that_never_got_an_owner_goes(place: Path) -> None:
    just_made(place)
    os.utime(place / "provision-new", (time.time() - 7200,) * 2)
    sweep(place)
    assert not list(place.iterdir())


def test_a_link_within_what_is_swept_is_not_followed(place: Path) -> None:
    (place.parent / "precious").write_text("precious")
    left = left_by_a_killed_owner(place)
    (left / "link").symlink_to(place.parent)
    sweep(place)
    assert not left.exists() and (place.parent / "precious").read_text() == "precious"

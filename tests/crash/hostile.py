"""What may lie in the cache in place of what provision keeps there: damage, leftovers, and what others have planted."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from provisioner.observe.own import sealed

NOBODY = 65_534
Change = Callable[[Path], object]


def _instead(make: Change) -> Change:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**30)


def _of_another(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY)


def _elsewhere(path: Path) -> None:
    moved = path.with_name(f"{path.name}.moved")
    path.rename(moved)
    path.symlink_to(moved)


PLANTED: Mapping[str, Change] = {
    "a link to another file": _instead(lambda path: path.symlink_to("/etc/passwd")),
    "a link to what was there": _elsewhere,
    "a link to itself": _instead(lambda path: path.symlink_to(path)),
    "a pipe": _instead(os.mkfifo),
    "a folder": _instead(Path.mkdir),
    "a gigabyte of nothing": _instead(_sparse),
    "brackets": lambda path: path.write_bytes(b"[" * 1_000_000),
    "sealed brackets": lambda path: path.write_bytes(sealed('{"x":' + "[" * 1_000_000)),
    "what the group may write": lambda path: path.chmod(0o660),
    "what anybody may write": lambda path: path.chmod(0o606),
    "nothing": lambda path: path.write_bytes(b""),
    "what may not be read": lambda path: path.chmod(0),
    "another format": lambda path: path.write_bytes(sealed('{"format":99}')),
    **({"another user's": _of_another} if os.geteuid() == 0 else {}),
}
# That root may read it all the same makes no difference: it is as it was kept.
BELIEVED = ("what may not be read",) if os.geteuid() == 0 else ()


def _sealed_anew(change: Callable[[dict[str, object]], object], path: Path) -> None:
    body = json.loads(path.read_bytes())
    del body["sum"]
    change(body)
    path.write_bytes(sealed(json.dumps(body)))


def _without(key: str) -> Change:
    return lambda path: _sealed_anew(lambda body: body.pop(key, None), path)


def _with(key: str, value: object) -> Change:
    return lambda path: _sealed_anew(lambda body: body.update({key: value}), path)


def odd_values(path: Path) -> Iterator[tuple[str, Change]]:
    """Every key of a kept file taken away, or with a value of another kind, under a right checksum."""
    for key in sorted(json.loads(path.read_bytes()).keys() - {"sum"}):
        yield f"no {key}", _without(key)
        for value in (None, 7, "x", [], {}, [[]], [None], {"": None}, "\0", 1e300):
            yield f"{key}: {value!r}", _with(key, value)


def damage(path: Path, seed: int, number: int) -> Iterator[tuple[str, Change]]:
    """So many cuts and so many flipped bits, at places that depend on the seed."""
    chance, size = random.Random(f"{seed}/{path.name.partition('-')[0]}"), path.stat().st_size
    for _ in range(number):
        at, bit = chance.randrange(size), chance.randrange(8)
        yield f"cut at {at}", lambda path, at=at: path.write_bytes(path.read_bytes()[:at])  # type: ignore[misc]
        yield f"bit {bit} of byte {at}", lambda path, at=at, bit=bit: _flip(path, at, bit)  # type: ignore[misc]


def _flip(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def put_back(kept: Mapping[Path, bytes], folder: Path) -> None:
    """The cache as it was kept, for its owner alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for path, body in kept.items():
        path.write_bytes(body)
        path.chmod(0o600)

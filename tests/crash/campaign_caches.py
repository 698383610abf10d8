"""Cache files cut, flipped, of other versions and planted by others: ignored, never believed, no traceback.

A point is one file of the cache with one thing wrong. It would be believed when a proof still holds, when dbt's graph
is taken from it, or when dbt's parse is handed to dbt. What is odd under a right checksum only this user can have
written; of that nothing is asked but that it leads to no traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from campaign import Result, Scale
from crowd import own_cache
from forked import answer
from hostile import BELIEVED, PLANTED, Change, damage, odd_values, put_back
from worlds import WORLDS

import provisioner
from provisioner.execute.dbt_parse import is_whole
from provisioner.execute.session import NotCached, Session
from provisioner.face import find_proof, surroundings

FULL, SHORT = 400, 10


def campaign(scale: Scale) -> Result:
    """Of the proof, dbt's graph and dbt's parse."""
    manifest = WORLDS["dbt"].make(scale.folder / "shop")
    with own_cache(scale.folder / "cache"):
        answer(lambda: provisioner.apply(manifest).id, scale.folder / "apply.txt")
        assert answer(lambda: provisioner.plan(manifest) == provisioner.Plan(), scale.folder / "plan.txt")
        found: list[tuple[int, list[str]]] = answer(lambda: _all(manifest, scale), scale.folder / "answer.txt")
    return Result(sum(points for points, _ in found), tuple(one for _, told in found for one in told))


def _all(manifest: Path, scale: Scale) -> list[tuple[int, list[str]]]:
    folder = Path(os.environ["XDG_CACHE_HOME"], "provision")
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    assert {path.name.rpartition("-")[0] for path in kept} == {"looked", "dbt-graph", "dbt-parse"}, kept
    return [_one_file(path, manifest, kept, scale) for path in sorted(kept)]


def _one_file(path: Path, manifest: Path, kept: dict[Path, bytes], scale: Scale) -> tuple[int, list[str]]:
    told, points = [], 0
    for what, change, forged in _wrongs(path, scale):
        put_back(kept, path.parent)
        change(path)
        points += 1
        found = _attempt(path, manifest)
        if not isinstance(found, bool) or (found and not forged):
            told.append(f"{path.name}: {what}: {'it is believed' if found is True else found}")
    print(f"caches: {path.name}, {points} points, {len(told)} failures", file=sys.stderr, flush=True)
    put_back(kept, path.parent)
    return points, told


def _wrongs(path: Path, scale: Scale) -> Iterator[tuple[str, Change, bool]]:
    """What is wrong, how to make it so, and whether only this user can have written it."""
    yield from ((what, change, what in BELIEVED) for what, change in PLANTED.items())
    if path.suffix == ".json":
        yield from ((what, change, True) for what, change in scale.sample(list(odd_values(path)), SHORT))
    for what, change in damage(path, scale.seed, SHORT if scale.short else FULL):
        yield what, change, False


def _attempt(path: Path, manifest: Path) -> bool | str:
    """Whether what the file says is believed; words when it was too much for us."""
    try:
        if path.name.startswith("looked"):
            return find_proof(manifest) is not None
        if path.name.startswith("dbt-parse"):
            return is_whole(path.with_suffix(".msgpack"))
        with Session(provisioner.load_manifest(manifest), surroundings(), lambda event: None) as session:
            session.graph(may_parse=False)
        return True
    except (NotCached, provisioner.ProvisionError):
        return False
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"

"""A world in a folder of its own, put there anew for every strike, and the judgement of what became of it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from campaign import Scale
from forked import Command, Ended, Forked, answer
from worlds import WORLDS, Facts, World, database_of, differences, facts_of, put

import provisioner

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ground:
    """wanted: the facts after an undisturbed apply. seconds: that it takes; seconds_of_child: that its child lives."""

    world: World
    folder: Path
    wanted: Facts
    seconds: float = 0.0

    @property
    def seconds_of_child(self) -> float:
        return self.seconds * (0.8 if self.world.dbt else 0.25)

    @property
    def database(self) -> Path:
        return database_of(self.folder / "here" / "provision.yaml")

    def put(self) -> Path:
        """The world as it is before the apply, with the cache of one that went before; its manifest."""
        put(self.folder / "cache-before", self.folder / "cache")
        put(self.folder / "tmp-before", self.folder / "tmp")
        return put(self.folder / "before", self.folder / "here")

    def command(self, *words: str) -> Command:
        """`provision` with these words."""
        return Command(self.folder / "here" / "provision.yaml", words)

    def provision(self, *words: str) -> Ended:
        """Run here to its end."""
        return Forked(self.command(*words), self.folder / "said").go().wait()

    def resume(self) -> list[str]:
        """Apply once more and tell what is not as in an undisturbed run."""
        ended = self.provision("apply", "--lock-timeout", "60s")
        if ended.code != 0 or not ended.clean:
            return [f"the next apply: {ended}"]
        return self.judge()

    def judge(self) -> list[str]:
        """What is not as after an undisturbed apply."""
        found, left = answer(lambda: _look(self.folder / "here" / "provision.yaml"), self.folder / "said")
        # An apply that finds nothing to do writes nothing: what a commit left in the WAL stays there, and counts.
        found["files"] = [name for name in found["files"] if name != f"{self.database.name}.wal"]
        return [*differences(self.wanted, found), *(f"{action} is still planned" for action in left)]


def lay(world: World, folder: Path) -> Ground:
    """A ground for this world. folder: an empty one; the cache and what is temporary are kept in it from now on."""
    folder.mkdir(parents=True)
    for name in ("tmp", "tmp-before", "cache"):
        (folder / name).mkdir()
    ground = Ground(world, folder, {})
    with surroundings(folder):
        manifest = folder / "here" / "provision.yaml"
        answer(lambda: world.make(folder / "here").name, folder / "said")
        shutil.copytree(folder / "here", folder / "before")
        if world.dbt:  # the first apply of all fills dbt's cache, and is not what the others are measured by
            ground.provision("apply")
            put(folder / "before", folder / "here")
        begun = time.monotonic()
        ended = ground.provision("apply")
        seconds = time.monotonic() - begun
        assert ended.code == 0, f"undisturbed: {ended}"
        put(folder / "cache", folder / "cache-before")
        wanted, left = answer(lambda: _look(manifest), folder / "said")
    assert not left, f"undisturbed, and {left} still planned"
    return Ground(world, folder, wanted, seconds)


def _look(manifest: Path) -> tuple[Facts, list[str]]:
    left = [action.unit or str(action.tables) for action in provisioner.plan(manifest, cache=False).actions]
    return facts_of(database_of(manifest)), left


@contextmanager
def surroundings(folder: Path) -> Iterator[None]:
    """Cache and temporary files of all children are in this folder."""
    before = {name: os.environ.get(name) for name in ("XDG_CACHE_HOME", "TMPDIR")}
    os.environ.update(XDG_CACHE_HOME=str(folder / "cache"), TMPDIR=str(folder / "tmp"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@cache
def _ground_of_this_process(name: str, folder: Path) -> Ground:
    return lay(WORLDS[name], folder / f"{name}-{os.getpid()}")


def _strike(strike: Callable[[Ground, T], Any], name: str, folder: Path, point: T) -> Any:
    ground = _ground_of_this_process(name, folder)
    with surroundings(ground.folder):
        try:
            return strike(ground, point)
        except AssertionError as problem:
            return [f"{problem}"]


def strike_all(
    strike: Callable[[Ground, T], list[str] | None], points: Sequence[tuple[str, T]], scale: Scale, what: str
) -> list[tuple[str, T, list[str] | None]]:
    """Strike at every point, each in the world that is named with it; of each point what `strike` returned.

    strike: puts the world, strikes, judges; returns complaints, or None for a point that did not come.
    what: the row, for the progress told on stderr; "" tells nothing.
    """
    begun, found = time.monotonic(), list[tuple[str, T, list[str] | None]]()
    with ProcessPoolExecutor(scale.jobs, mp_context=get_context("fork")) as pool:
        due = [(name, point, pool.submit(_strike, strike, name, scale.folder, point)) for name, point in points]
        for name, point, future in due:
            result = future.result()
            found.append((name, point, result))
            if what:
                _tell(what, [f"{name} {point}: {line}" for line in result or ()], len(found), len(due), begun)
    return found


def _tell(what: str, complaints: list[str], done: int, due: int, begun: float) -> None:
    for line in complaints:
        print(f"{what}: {line}"[:1500], file=sys.stderr, flush=True)
    if done % 25 == 0:
        print(f"{what}: {done} of {due}, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def failures_of(found: Sequence[tuple[str, T, list[str] | None]]) -> tuple[str, ...]:
    """One line for each point with complaints."""
    return tuple(f"{name} {point}: {'; '.join(complaints)}"[:1500] for name, point, complaints in found if complaints)

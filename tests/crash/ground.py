"""A world in a folder of its own, put there anew for every strike, and the judgement of what became of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from campaign import Scale
from forked import Command, Ended, Forked, answer
from side_by_side import Outcome, in_processes, try_all
from strike import cache_of, surroundings
from worlds import WORLDS, Facts, World, database_of, differences, facts_of, put

import provisioner

R = TypeVar("R")
T = TypeVar("T")
APPLY = ("apply",)


@dataclass(frozen=True, slots=True)
class Ground:
    """words: the command that is disturbed here. wanted: the facts after nobody disturbed it. seconds: that it takes.

    The world is always in the same place, which dbt's cache goes by; its own cache is put there with it.
    """

    world: World
    folder: Path
    words: tuple[str, ...] = APPLY
    wanted: Facts = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def manifest(self) -> Path:
        return self.folder / "here" / "provision.yaml"

    @property
    def database(self) -> Path:
        return database_of(self.manifest)

    @property
    def seconds_of_child(self) -> float:
        """How long its child lives."""
        return self.seconds * (0.8 if self.world.dbt else 0.25)

    def put(self) -> Path:
        """The world as it is before the command, in the place of what was there; its manifest."""
        return put(self.folder / "before", self.folder / "here")

    def command(self, *words: str) -> Command:
        """`provision` with these words, or with its own."""
        return Command(self.manifest, words or self.words, surroundings(self.manifest))

    def provision(self, *words: str) -> Ended:
        """The command, to its end."""
        return Forked(self.command(*words), self.folder / "said").go().wait()

    def resume(self) -> list[str]:
        """Give the command once more, and tell what is not as if nobody had disturbed it."""
        ended = self.provision()
        if ended.code != 0 or not ended.clean:
            return [f"the next {' '.join(self.words)}: {ended}"]
        return self.judge()

    def judge(self) -> list[str]:
        """What is not as if nobody had disturbed the command, a line each."""
        found, left = self.look()
        return [*differences(self.wanted, found), *(f"{action} is still planned" for action in left)]

    def look(self) -> tuple[Facts, list[str]]:
        """The facts as of now, and what a plan would do."""
        facts, left = self.answer(lambda: (facts_of(self.database), _planned(self.manifest)))
        return facts, left

    def answer(self, work: Callable[[], Any]) -> Any:
        """What `work` returns in a forked child with the surroundings of this ground."""

        def at_home() -> Any:
            os.environ.update(surroundings(self.manifest))
            tempfile.tempdir = None
            return work()

        return answer(at_home, self.folder / "said")


def _planned(manifest: Path) -> list[str]:
    return [action.unit or str(action.tables) for action in provisioner.plan(manifest, cache=False).actions]


def lay(world: World, folder: Path, words: tuple[str, ...] = APPLY, *, warm: bool = False) -> Ground:
    """A ground for this world and command, laid when it is first asked for in this process.

    folder: it gets one of its own in there. warm: with the cache of a run that went before, so that dbt is quick.
    """
    return _laid(world, folder, words, warm)


@cache
def _warm_up() -> None:
    """Apply and look once in this process: a fork of it then finds in memory what each would have to load."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = str(Path(name, ".cache"))
        manifest = WORLDS["fresh"].make(Path(name))
        provisioner.apply(manifest)
        facts_of(database_of(manifest))
        _planned(manifest)
    del os.environ["XDG_CACHE_HOME"]
    if before is not None:
        os.environ["XDG_CACHE_HOME"] = before


@cache
def _laid(world: World, folder: Path, words: tuple[str, ...], warm: bool) -> Ground:
    _warm_up()
    ground = Ground(world, folder / "-".join((world.name, *words)), words)
    ground.folder.mkdir(parents=True)
    (ground.folder / "here").mkdir()
    ground.answer(lambda: world.make(ground.manifest.parent).name)
    shutil.copytree(ground.folder / "here", ground.folder / "before")
    if warm:
        ground.provision()
        put(cache_of(ground.manifest), cache_of(ground.folder / "before" / "provision.yaml"))
        ground.put()
    begun = time.monotonic()
    ended = ground.provision()
    seconds = time.monotonic() - begun
    wanted, left = ground.look()
    assert ended.code == 0 and not left and not wanted["marks"], f"undisturbed: {ended}; still planned: {left}"
    return replace(ground, wanted=wanted, seconds=seconds)


@dataclass(frozen=True, slots=True)
class At(Generic[T]):
    """A point in a world. world: its name in WORLDS."""

    world: str
    point: T

    def __str__(self) -> str:
        return f"{self.world} {self.point}"


def strike_all(
    strike: Callable[[Ground, T], list[str] | None], points: Sequence[At[T]], scale: Scale
) -> list[tuple[At[T], Outcome]]:
    """Strike at every point, each in its world.

    strike: puts the world, strikes, judges; returns complaints, or None for a point that did not come.
    """
    return list(try_all(scale, partial(_strike, strike), points))


def ask_all(work: Callable[[Ground, T], R], points: Sequence[At[T]], scale: Scale) -> list[tuple[At[T], R]]:
    """What `work` returns for every point, each in its world."""
    return list(in_processes(scale, partial(_ask, work), points))


def _strike(strike: Callable[[Ground, T], list[str] | None], folder: Path, at: At[T]) -> Outcome:
    complaints = _ask(strike, folder, at)
    return Outcome(0) if complaints is None else Outcome(1, tuple(complaints))


def _ask(work: Callable[[Ground, T], R], folder: Path, at: At[T]) -> R:
    return work(lay(WORLDS[at.world], own(folder), warm=True), at.point)


def own(folder: Path) -> Path:
    """A folder in this one for this process alone."""
    return folder / f"process-{os.getpid()}"

"""Where worlds are set up again and again, in one place, and judged against a run that nobody disturbed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strike import cache_of, run
from worlds import Facts, World, database_of, differences, put

import provisioner

APPLY = ("apply",)


class Stage:
    """folder: for this alone. Each world is made once, in the place where it is used: dbt's cache goes by the path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._undisturbed: dict[tuple[str, tuple[str, ...]], Facts] = {}

    def set_up(self, world: World) -> Path:
        """The world as it begins, in the place of what was there; its manifest."""
        place, kept = self._folder / "places" / world.name, self._folder / "kept" / world.name
        if not kept.exists():
            with _cache(place):
                put(world.make(place).parent, kept)
        return put(kept, place)

    def undisturbed(self, world: World, words: tuple[str, ...] = APPLY) -> Facts:
        """What the command makes of the world when nobody disturbs it."""
        key = world.name, words
        if key not in self._undisturbed:
            manifest = self.set_up(world)
            ended = run(manifest, *words)
            assert ended.code == 0, ended
            self._undisturbed[key] = facts = world.facts(database_of(manifest))
            assert not facts["marks"], facts
        return self._undisturbed[key]

    def judge(self, world: World, manifest: Path, words: tuple[str, ...] = APPLY) -> list[str]:
        """Give the command once more; what is not then as if nobody had disturbed it, a line each."""
        wanted = self.undisturbed(world, words) if (world.name, words) in self._undisturbed else None
        ended = run(manifest, *words)
        if ended.code != 0:
            return [f"did not resume: {ended}"]
        if not ended.clean:
            return [f"said what nobody should see: {ended}"]
        assert wanted is not None, "ask for the undisturbed run first: it takes the same place"
        with _cache(manifest.parent):
            plan = provisioner.plan(manifest, cache=False)
        left = [] if plan.converged else [f"the next plan has {', '.join(action.unit for action in plan.actions)}"]
        return left + differences(wanted, world.facts(database_of(manifest)))


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    """What this process itself plans and applies keeps its notes where those that are killed do."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(cache_of(folder / "provision.yaml"))
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before

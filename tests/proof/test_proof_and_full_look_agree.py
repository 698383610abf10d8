"""Whatever happens to a project and its database: a proof that still holds is one that a full look agrees with."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from examples import examples
from hypothesis import HealthCheck, Phase, event, given
from hypothesis import strategies as st
from proved_projects import FILES, GRAIN, World, keeping_times, same_size

import provisioner

Happening = Callable[[World, random.Random], None]


def edit(world: World, chance: random.Random) -> None:
    keeping_times(same_size, world.folder / chance.choice(sorted(FILES)))


def touch(world: World, chance: random.Random) -> None:
    os.utime(world.folder / chance.choice(sorted(FILES)))


def undo(world: World, chance: random.Random) -> None:
    name = chance.choice(sorted(FILES))
    keeping_times(lambda path: path.write_text(FILES[name], encoding="utf-8") and None, world.folder / name)


def write_rows(world: World, chance: random.Random) -> None:
    statement = chance.choice(
        ["INSERT INTO visits (id) VALUES (1)", "DELETE FROM visits", "DELETE FROM people", "CHECKPOINT"]
    )
    world.write_here(statement, checkpoint=chance.random() < 0.5)


def change_tables(world: World, chance: random.Random) -> None:
    statement = chance.choice(
        [
            "DROP TABLE IF EXISTS made",
            "DROP VIEW IF EXISTS loud",
            "CREATE TABLE IF NOT EXISTS other (x INTEGER)",
            "ALTER TABLE visits ADD COLUMN IF NOT EXISTS extra INTEGER",
            "DELETE FROM _provisioner.stamps WHERE table_name = 'people'",
        ]
    )
    world.write_here(statement, checkpoint=chance.random() < 0.5)


def save(world: World, chance: random.Random) -> None:
    if not world.database.with_name("shop.duckdb.wal").exists():
        shutil.copy2(world.database, world.database.with_name("saved"))


def restore(world: World, chance: random.Random) -> None:
    saved, database = world.database.with_name("saved"), world.database
    if not saved.exists():
        return
    database.with_name("shop.duckdb.wal").unlink(missing_ok=True)
    if chance.random() < 0.5:
        os.replace(saved, database)
    else:
        keeping_times(lambda path: shutil.copyfile(saved, path) and None, database)


def look(world: World, chance: random.Random) -> None:
    if chance.random() < 0.5:
        time.sleep(GRAIN)
    try:
        chance.choice([provisioner.plan, provisioner.ensure])(world.manifest)
    except provisioner.ProvisionError:
        event("refused")


HAPPENINGS: tuple[Happening, ...] = (edit, touch, undo, write_rows, change_tables, save, restore, look, look, look)


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, dict[Path, bytes]]:
    world = World.make(tmp_path_factory.mktemp("made"))
    return world, world.content()


@examples(
    25, phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(happenings=st.lists(st.sampled_from(HAPPENINGS), min_size=2, max_size=8), seed=st.integers(0, 2**32))
def test_a_proof_that_holds_is_one_that_a_full_look_agrees_with(
    _made: tuple[World, dict[Path, bytes]], happenings: list[Happening], seed: int
) -> None:
    world, content = _made
    world.put_back(content)
    chance = random.Random(seed)
    for happening in happenings:
        happening(world, chance)
        if world.is_proved():
            event(f"proved after {happening.__name__}")
            assert provisioner.plan(world.manifest, cache=False) == provisioner.Plan()

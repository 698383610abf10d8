"""A proof rests on the dbt project too: its files and folders, the variables it reads, what its SQL reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from proved_projects import GRAIN, World, keeping_times, same_size

import provisioner

pytestmark = pytest.mark.usefixtures("dbt_is_imported")

FILES = {
    "provision.yaml": """version: 1
name: shop
database: build/shop.duckdb
tiers: [seed, mart]
dbt: {project_dir: shop, vars: {rate: 2}}
steps: {seeds: {dbt: seed}, models: {dbt: run}}
tables:
  prices: {tier: seed, step: seeds}
  costs: {tier: mart, step: models, expect: {min_rows: 1}}
""",
    "shop/dbt_project.yml": (
        "name: shop\nprofile: shop\nmodel-paths: [models, ../later]\nmodels: {+materialized: table}\n"
    ),
    "shop/seeds/prices.csv": "id,price\n1,10\n2,20\n",
    "shop/macros/twice.sql": "{% macro twice(x) %}({{ x }} * 2){% endmacro %}",
    "shop/data/more.csv": "id\n1\n",
    "shop/models/costs.sql": (
        "select id, {{ twice('price') }} * {{ var('rate') }} as cost, '{{ env_var('REGION', 'eu') }}' as region\n"
        "from {{ ref('prices') }} where id in (select id from read_csv('data/more.csv'))\n"
    ),
}


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """What the fixture `world` proves here. What a test changes is put back, and dbt's graph is still in the cache."""
    world = World(tmp_path_factory.mktemp("made"))
    for name, text in FILES.items():
        world.write(name, text)
    time.sleep(GRAIN)
    provisioner.apply(world.manifest)
    return world


def edited(name: str) -> Callable[[Path], object]:
    return lambda folder: keeping_times(same_size, folder / name)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a model": edited("shop/models/costs.sql"),
    "a macro": edited("shop/macros/twice.sql"),
    "a seed": edited("shop/seeds/prices.csv"),
    "a file that SQL reads": edited("shop/data/more.csv"),
    "the project file": edited("shop/dbt_project.yml"),
    "a new model in a new folder": lambda folder: new(folder / "shop/models/deep/new.sql"),
    "a folder outside that was not there": lambda folder: new(folder / "later/new.sql"),
    "a new macro": lambda folder: new(folder / "shop/macros/new.sql"),
    "a profile": lambda folder: new(folder / "shop/profiles.yml"),
    "packages asked for": lambda folder: new(folder / "shop/packages.yml"),
    "a seed gone": lambda folder: (folder / "shop/seeds/prices.csv").unlink(),
}


def new(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_the_project_leaves_the_proof_in_doubt(world: World, change: Callable[[Path], object]) -> None:
    change(world.folder)
    assert not world.is_proved()


def test_a_variable_that_a_model_reads_leaves_it_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNRELATED", "1")
    assert world.is_proved()
    monkeypatch.setenv("REGION", "us")
    assert not world.is_proved()


def test_what_dbt_writes_into_its_own_folders_is_no_change(world: World) -> None:
    for folder in ("target", "logs"):
        (world.folder / "shop" / folder).mkdir()
    time.sleep(GRAIN)
    provisioner.plan(world.manifest)
    (world.folder / "shop/target/manifest.json").write_text("{}")
    (world.folder / "shop/logs/dbt.log").write_text("x")
    assert world.is_proved()

"""Small dbt projects, and workers for them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.declare.values import DbtProject, Place
from provisioner.execute.dbt_client import DbtWorker

PLACE = Place("shop.yaml", 4, 1)
SLOW = "select sum(a.range * b.range) as s from range(10000000) a, range(100000) b"
BASE = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nvars: {year: 2025}\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: own.duckdb, threads: 1}\n",
    "seeds/ages.csv": "id,label\n1,young\n2,old\n",
    "models/stg_ages.sql": "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('ages') }}\n",
    "models/bands.sql": (
        "{{ config(materialized='table') }}\nselect id, label, {{ var('year') }} as y from {{ ref('stg_ages') }}\n"
    ),
    "models/shown.sql": "select * from {{ ref('bands') }}\n",
}

Write = Callable[..., DbtProject]


def write_files(folder: Path, files: Mapping[str, str | None]) -> None:
    """Make each file, or with None remove it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text)


def make_project(folder: Path, files: Mapping[str, str | None], **settings: Any) -> DbtProject:
    write_files(folder, files)
    return DbtProject(folder, PLACE, **settings)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(files, **settings): the base project with these files more or changed."""

    def write(files: Mapping[str, str | None] | None = None, **settings: Any) -> DbtProject:
        return make_project(tmp_path / "project", {**BASE, **(files or {})}, **settings)

    return write


@pytest.fixture
def worker_for(tmp_path: Path) -> Iterator[Callable[..., DbtWorker]]:
    """Workers of their own, for tests that end them; the database is `shop.duckdb`."""
    made: list[DbtWorker] = []

    def make(project: DbtProject, **settings: Any) -> DbtWorker:
        private = Path(tempfile.mkdtemp(dir=tmp_path))
        settings = {"variables": {}, "guard_fd": None, "private": private, "cache_dir": tmp_path / "cache", **settings}
        made.append(DbtWorker(project, tmp_path / "shop.duckdb", **settings))
        return made[-1]

    yield make
    for worker in made:
        worker.end()

"""dbt projects to write, and workers for them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from dbt_projects import BASE, Write, make_project  # type: ignore[import-not-found]

from provisioner.declare.values import DbtProject
from provisioner.execute.dbt_client import DbtWorker


@pytest.fixture(autouse=True, scope="session")
def _quick_workers(dbt_is_imported: None) -> None:
    """Before any worker."""


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

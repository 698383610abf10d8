"""Databases made from SQL, in folders and with a cache of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from making import Made


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The path of a database that the SQL made, in the working directory."""
    monkeypatch.chdir(tmp_path)

    def make(sql: str) -> Path:
        with duckdb.connect("live.duckdb") as connection:
            if sql:
                connection.execute(sql)
        return Path("live.duckdb")

    return make

"""Processes that hold a lock, ended after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lock_processes import Other


@pytest.fixture
def other() -> Iterator[Callable[..., Other]]:
    """Makes holders and ends them after the test."""
    made: list[Other] = []

    def make(database: Path, *words: str, cwd: Path | None = None) -> Other:
        made.append(Other(database, *words, cwd=cwd))
        return made[-1]

    yield make
    for process in made:
        process.die()

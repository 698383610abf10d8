"""One converged project, copied for every test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_projects import SECRET, SOUND, Shop  # type: ignore[import-not-found]


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """The sound project with its database."""
    with tempfile.TemporaryDirectory(prefix="bad-input-") as name:
        shop = Shop(Path(name, "made"), {"XDG_CACHE_HOME": f"{name}/cache"})
        for file, text in SOUND.items():
            shop.write(file, text)
        answer = shop.run("apply", "--format", "json")
        assert answer.exit_code == 0, answer
        yield shop.folder


@pytest.fixture
def shop(made: Path) -> Iterator[Shop]:
    with tempfile.TemporaryDirectory(prefix="shop-", dir=made.parent) as name:
        folder = Path(name, "shop")
        shutil.copytree(made, folder)
        yield Shop(folder, {"XDG_CACHE_HOME": f"{name}/cache", "SECRET": SECRET})

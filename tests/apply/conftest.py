"""Nothing here writes to, or reads from, the places of the user who runs the tests."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import Project, shop


@pytest.fixture(autouse=True, scope="session")
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PROVISION_ENV", raising=False)
        patch.delenv("NO_COLOR", raising=False)
        yield


@pytest.fixture(scope="session")
def _provisioned(tmp_path_factory: pytest.TempPathFactory, _own_places: None) -> Project:
    project = shop(tmp_path_factory.mktemp("shop"))
    project.apply()
    return project


@pytest.fixture
def shop_as_declared(tmp_path: Path, _provisioned: Project) -> Project:
    """The shop after its first apply. A copy: stamps travel with the file."""
    shutil.copytree(_provisioned.folder, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path, copy.deepcopy(_provisioned.manifest))

"""Nothing here writes to, or reads from, the places of the user who runs the tests."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from proved_projects import GRAIN, World

import provisioner


@pytest.fixture(autouse=True, scope="session")
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in ("PROVISION_ENV", "NO_COLOR", "WAREHOUSE", "TZ"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def world(_made: World) -> Iterator[World]:
    """The provisioned project, proved by a look. What a test changes is put back, so that the next look is short."""
    before = _made.content()
    if not _made.is_proved():
        time.sleep(GRAIN)
        provisioner.plan(_made.manifest)
    assert _made.is_proved()
    yield _made
    _made.put_back(before)

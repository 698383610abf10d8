"""Nothing here writes to, or reads from, the places of the user who runs the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in ("PROVISION_ENV", "NO_COLOR", "WAREHOUSE", "TZ"):
            patch.delenv(name, raising=False)
        yield

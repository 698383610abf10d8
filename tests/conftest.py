"""The whole run: what takes longest begins first, so that two workers end together."""

from __future__ import annotations

import pytest

SLOWEST_FIRST = ("dbt_apply", "docs", "apply", "dbt", "bad_input")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stable: within a folder the order stays."""
    items.sort(key=lambda item: _rank(item.path.parent.name))


def _rank(folder: str) -> int:
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)

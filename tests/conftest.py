"""The whole run: what takes longest begins first, so that two workers end together."""

from __future__ import annotations

import signal

import pytest
import warm_workers
from examples import USUAL
from hypothesis import settings

SLOWEST_FIRST = ("dbt_apply", "docs", "migrate", "crash", "apply", "dbt", "proof", "bad_input")

settings.register_profile("thorough", max_examples=30 * USUAL)


def pytest_configure(config: pytest.Config) -> None:
    # In the background, and under nohup, they are ignored: every process that the tests start would ignore them too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # By itself xdist puts the files with the most tests first: the few that take seconds each would come last.
    config.option.loadscopereorder = False


@pytest.fixture(scope="session")
def dbt_is_imported() -> None:
    """For tests that start dbt more than once: no worker takes the time for it again."""
    warm_workers.preload_dbt()


@pytest.fixture(scope="session", autouse=True)
def _python_steps_begin_at_once() -> None:
    """No worker for a python step takes the time that Python and DuckDB do."""
    warm_workers.preload_python()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stable: within a folder the order stays."""
    items.sort(key=lambda item: _rank(item.path.parent.name))


def _rank(folder: str) -> int:
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)

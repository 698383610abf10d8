"""How long a run still takes, as far as can be told, and how a person is told."""

from __future__ import annotations

import io

import pytest

from provisioner.execute.events import NodeFinished, RunStarted, UnitStarted
from provisioner.execute.time_left import TimeLeft
from provisioner.report.converged import plain
from provisioner.report.progress import Progress
from provisioner.report.words import about

RUNS = [
    # seconds on record, what is finished, seconds since the run began, seconds left
    ([1.0, 1.0], [], 5.0, None),
    ([1.0, 3.0], [1], 1.9, None),
    ([1.0, 3.0], [1], 2.0, 6.0),
    ([1.0, 3.0], [1, 1], 2.0, 6.0),
    ([1.0, None, 3.0], [1], 2.0, 10.0),
    ([None, None, None, None], [1, 2], 7.0, 7.0),
    ([0.0, 0.0], [1], 4.0, 4.0),
    ([1.0, 3.0], [1, 2], 9.0, 0.0),
]


@pytest.mark.parametrize(("estimates", "finished", "passed", "left"), RUNS)
def test_what_is_left_follows_the_share_that_is_over(
    estimates: list[float | None], finished: list[int], passed: float, left: float | None
) -> None:
    times = iter([0.0, passed])
    rest = TimeLeft(estimates, clock=lambda: next(times))
    rest.started()
    for number in finished:
        rest.finished(number)
    assert rest.seconds() == (None if left is None else pytest.approx(left, abs=0.05))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2, "about 1 s"), (40.3, "about 40 s"), (59.8, "about 1 min 00 s"), (125.0, "about 2 min 05 s")],
)
def test_what_nobody_knows_exactly_is_told_without_fractions(value: float, text: str) -> None:
    assert about(value) == text


def test_a_long_run_tells_how_far_it_is_what_it_does_and_what_is_left() -> None:
    out = io.StringIO()
    progress = Progress(out, plain)
    progress(RunStarted("r1", 100, 62.5))
    for number in range(1, 7):
        progress(UnitStarted("r1", f"model.shop.m{number}", "dbt", number, 100))
    progress(NodeFinished("r1", "model.shop.m2", "success", 0.5, 2, 100, 48.7))
    progress.close()
    assert out.getvalue().splitlines() == [
        "run r1: 100 actions, about 1 min 02 s",
        "  1/100  made     m2  0.50 s, about 49 s left",
    ]
    now = progress._under_way()
    assert now.startswith("1 of 100 done, about 49 s left: m1 (") and now.endswith("and 2 more")

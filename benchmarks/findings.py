"""What was measured against what, and the table that tells it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from place import Sample

Side = Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. ours, theirs: seconds, or MiB where unit says so; theirs is empty without a yardstick.

    bound: how many times the yardstick ours may be; without a yardstick, ours itself. None: told, not judged.
    """

    what: str
    yardstick: str
    ours: Sequence[float]
    theirs: Sequence[float]
    bound: float | None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Of the medians; ours itself without a yardstick."""
        middle = statistics.median(self.ours)
        return middle / statistics.median(self.theirs) if self.theirs else middle

    @property
    def verdict(self) -> str:
        return "" if self.bound is None else "ok" if self.ratio <= self.bound else "over"

    def cells(self) -> list[str]:
        """As text, in the order of HEAD."""
        theirs = shown(statistics.median(self.theirs), self.unit) if self.theirs else ""
        times = f"{self.ratio:.3f} x" if self.ratio < 0.1 else f"{self.ratio:.2f} x"
        bound = "" if self.bound is None else f"{self.bound:g} x" if self.theirs else shown(self.bound, self.unit)
        ours = shown(statistics.median(self.ours), self.unit)
        return [
            self.what, ours, self.yardstick, theirs, times if self.theirs else "", bound, self.verdict,
            str(len(self.ours)),
        ]  # fmt: skip


HEAD = ["what", "provision", "compared with", "takes", "ratio", "at most", "", "runs"]
_TO_THE_RIGHT = {1, 3, 4, 5, 7}


def shown(value: float, unit: str) -> str:
    """Three digits or so, in the unit that reads best."""
    if unit != "s":
        return f"{value:.0f} {unit}"
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def in_turn(runs: int, *sides: Side) -> list[list[Sample]]:
    """All sides once, then all again in the opposite order, and so on, so that what else goes on hits all alike.

    Each side is run once before that, uncounted.
    """
    for side in sides:
        side()
    found: dict[Side, list[Sample]] = {side: [] for side in sides}
    for number in range(runs):
        for side in sides if number % 2 == 0 else sides[::-1]:
            found[side].append(side())
    return list(found.values())


def seconds(samples: Sequence[Sample]) -> list[float]:
    return [sample.seconds for sample in samples]


def mebibytes(samples: Sequence[Sample]) -> list[float]:
    return [sample.mebibytes for sample in samples]


def aligned(findings: Sequence[Finding]) -> str:
    """The table for a terminal."""
    rows = [HEAD, *(finding.cells() for finding in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(_aligned_row(row, widths).rstrip() for row in rows)


def _aligned_row(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = zip(row, widths, range(len(row)), strict=True)
    return "  ".join(f"{text:>{width}}" if at in _TO_THE_RIGHT else f"{text:<{width}}" for text, width, at in cells)


def markdown(findings: Sequence[Finding]) -> str:
    """The table for a page."""
    rule = ["---:" if at in _TO_THE_RIGHT else "---" for at in range(len(HEAD))]
    rows = [HEAD, rule, *(finding.cells() for finding in findings)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)

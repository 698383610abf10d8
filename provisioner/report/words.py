"""Numbers, durations and names as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.declare.escape import one_line
from provisioner.observe.values import DECLARED_ID

# Of a message, in characters: what a program repeats of its input may be of any length.
LONGEST_PROBLEM, LONGEST_MESSAGE = 1_000, 20_000


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and its end, with the number of characters between them that are left out."""
    if len(text) <= longest:
        return text
    end = longest // 4
    return f"{text[: longest - end]} … ({len(text) - longest:,} characters left out) … {text[-end:]}"


def seconds(value: float) -> str:
    """`0.21 s`, `12.3 s`, `4 min 05 s`, `1 h 02 min`."""
    if value < 10:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def about(value: float) -> str:
    """A duration that nobody knows exactly: `about 40 s`, `about 4 min 05 s`."""
    whole = max(round(value), 1)
    return f"about {whole} s" if whole < 60 else f"about {seconds(whole)}"


def short(unit: str) -> str:
    """A unit's id without what a person can do without: dbt's `model.project.`, our own `table:`."""
    if unit.startswith(DECLARED_ID):
        return unit.removeprefix(DECLARED_ID)
    parts = unit.split(".")
    return ".".join(parts[2:]) if parts[0] in ("model", "seed", "snapshot") and len(parts) > 2 else unit


def columns(rows: Iterable[tuple[str, ...]]) -> list[list[str]]:
    """Every cell but the last of its row filled up to the width of its column, and each in one line."""
    rows = [tuple(map(one_line, row)) for row in rows]
    most = max(map(len, rows), default=0)
    width = [max((len(row[i]) for row in rows if i < len(row) - 1), default=0) for i in range(most)]
    return [[*(cell.ljust(width[i]) for i, cell in enumerate(row[:-1])), row[-1]] for row in rows]


def lines_of(rows: Iterable[tuple[str, ...]], indent: str = "") -> list[str]:
    """Aligned, one line a row, nothing behind its last word."""
    return [(indent + "  ".join(cells)).rstrip() for cells in columns(rows)]

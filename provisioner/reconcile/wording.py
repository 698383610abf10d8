"""What several facts say in the same words."""

from __future__ import annotations

from collections.abc import Iterable


def many(count: int, thing: str) -> str:
    """`1 row`, `2,654 rows`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def listed(names: Iterable[str], most: int = 10) -> str:
    """`a, b`; of more than `most` names the first ones, as in `a, b and 7 more`."""
    names = tuple(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def in_brackets(columns: tuple[str, ...]) -> str:
    """`(a, b)`, or `none`."""
    return f"({', '.join(columns)})" if columns else "none"


def another_maker(old: str, new: str) -> str:
    """old, new: units."""
    return f"was made by {old}, and {new} makes it now"

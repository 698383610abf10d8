"""What several facts say in the same words."""

from __future__ import annotations


def many(count: int, thing: str) -> str:
    """`1 row`, `2,654 rows`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def another_maker(old: str, new: str) -> str:
    """old, new: units."""
    return f"was made by {old}, and {new} makes it now"

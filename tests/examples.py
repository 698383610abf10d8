"""How many examples a property is tried with."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

USUAL = 100
"""What Hypothesis itself takes. A profile with more of them multiplies every property's own number."""


def examples(count: int, **others: Any) -> settings:
    """So many in the default run, and as many times more as the profile says (`--hypothesis-profile thorough`)."""
    return settings(max_examples=count * settings().max_examples // USUAL, deadline=None, **others)

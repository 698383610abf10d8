"""Times as people write them."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")


def seconds(text: str) -> float:
    """`90`, `1.5`, `1e3`, `90s`, `5m`, `1h30m` in seconds; whoever calls has seen to its form."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return float(text)
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + rest)

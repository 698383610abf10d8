"""Text that is too long, cut: here alone, since beside this mark redaction looks for what is left of a secret. Pure."""

from __future__ import annotations

CUT = "…"


def shorten(text: str, length: int) -> str:
    """The text, or its beginning and the mark: `length` characters at most."""
    return text if len(text) <= length else text[: length - 1] + CUT


def shorten_start(text: str, length: int) -> str:
    """The text, or the mark and its end: `length` characters at most."""
    return text if len(text) <= length else CUT + text[len(text) - length + 1 :]

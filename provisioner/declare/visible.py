"""What is no visible character: it could move a terminal's cursor, hide a part of a text or turn its direction."""

from __future__ import annotations

import unicodedata

# They join the letters of some languages, and the parts of pictures.
_JOINERS = "\u200c\u200d"
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def is_hidden(char: str) -> bool:
    """Whether the character controls, formats or parts text rather than being seen in it."""
    return unicodedata.category(char) in _HIDDEN and char not in _JOINERS


def first_hidden(text: str) -> str:
    """The first such character; empty when there is none."""
    return "" if text.isprintable() else next(filter(is_hidden, text), "")

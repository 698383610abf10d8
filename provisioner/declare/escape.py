"""Text for a terminal: what could move its cursor, hide a part or turn its direction is written out."""

from __future__ import annotations

import re

from provisioner.declare.visible import is_hidden

# Colours alone, as we paint them ourselves.
_COLOUR = re.compile(r"(\x1b\[(?:0|1|2|3[0-7]|9[0-7])m)")


def escape(text: str) -> str:
    """The text with such characters as `\\u001b`, which JSON reads back; lines, tabs and our colours stay."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    parts = _COLOUR.split(text)
    return "".join(part if number % 2 else part.translate(_WRITTEN) for number, part in enumerate(parts))


def one_line(text: str) -> str:
    """The same without lines and tabs, for a name in a row."""
    return text if text.isprintable() else escape(text).replace("\n", "\\n").replace("\t", "\\t")


class _Written(dict[int, str | int]):
    """What stands for a character, by its code; filled as characters are met."""

    def __missing__(self, code: int) -> str | int:
        char = chr(code)
        self[code] = _write_out(char) if is_hidden(char) and char not in "\n\t" else code
        return self[code]


def _write_out(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


_WRITTEN = _Written()

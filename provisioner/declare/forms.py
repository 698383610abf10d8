"""The forms in which a message may hold a value: all that quotes it, escapes it or makes one line of it."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from urllib.parse import quote, quote_plus

from provisioner.declare.escape import escape, one_line

# Of a value of several lines; among shorter ones are words that stand everywhere.
SHORTEST_LINE = 6
# What a path is told without.
_STEPS = re.compile(r"/(?:\.?/)+")


@lru_cache(maxsize=64)
def forms(value: str) -> frozenset[str]:
    """As it is, as others quote it, and as it is written out; Python and JSON also twice, as in a log of a log."""
    found = {form for one in _parts(value) for form in _quoted(one)}
    found |= {form for one in found for form in _written_out(one)}
    for _ in range(2):
        found |= {form for one in found for form in _escaped(one)}
    return frozenset(found)


def _parts(value: str) -> set[str]:
    """The value, its lines, and these joined: a message may indent them, or tell them in one line."""
    lines = [line for line in map(str.strip, value.splitlines()) if line]
    joined = {" ".join(value.split()), " ".join(lines), "".join(lines)}
    return {value, value.strip(), *joined, *(one for one in lines if len(one) >= SHORTEST_LINE)}


def _quoted(one: str) -> set[str]:
    data = one.encode(errors="surrogateescape")
    addresses = {quote(data), quote(data, ""), quote_plus(data)}
    return {
        one,
        # SQL: a text, a name; and as DuckDB shows a text in a list, and a blob.
        *(one.replace("'", "''"), one.replace('"', '""')),
        *(one.replace("\\", "\\\\").replace("'", "\\'"), "".join(map(_byte, data))),
        # A shell, a path, Python's bytes, an address.
        *(one.replace("'", "'\"'\"'"), _STEPS.sub("/", one), repr(data)[2:-1]),
        *(addresses | {re.sub("%..", lambda found: found[0].lower(), form) for form in addresses}),
    }


def _byte(value: int) -> str:
    char = chr(value)
    return char if char.isascii() and char.isprintable() and char not in "\\'\"" else f"\\x{value:02X}"


def _written_out(one: str) -> set[str]:
    """On a screen, in a line of it, in a table's name, and in a record that is read back."""
    seen = [(char, char.isprintable()) for char in one]
    name = "".join(char if visible else f"\\u{ord(char):04x}" for char, visible in seen)
    return {escape(one), one_line(one), name, "".join(char if visible else "?" for char, visible in seen)}


def _escaped(one: str) -> set[str]:
    # Python escapes a ' only where there is a " too, be it elsewhere in the same text.
    parts = one.split("'")
    python = {mark.join(write(part)[1:-1] for part in parts) for write in (repr, ascii) for mark in ("'", "\\'")}
    return python | {json.dumps(one, ensure_ascii=ascii)[1:-1] for ascii in (False, True)}

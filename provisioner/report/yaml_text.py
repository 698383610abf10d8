"""Plain values to YAML that a manifest's reader gives back exactly: text stays text, however odd it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What has no meaning of its own to YAML, whatever stands around it; all else is put in quotes.
_PLAIN = re.compile(r"[^\W\d](?:[\w ()<>=+*/.-]*[\w).])?")
# Where no bracket is open, a comma and a bracket mean nothing either.
_PLAIN_IN_BLOCK = re.compile(r"[^\W\d](?:[\w ()<>=+*/.,;'\"\[\]-]*[\w).\]\";'])?")
# Some readers of YAML take these for something else than text. So they do `on`, which is a key of ours.
_WORDS = frozenset({"null", "true", "false", "yes", "no", "off"})
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class Flow:
    """A value to be written on one line, within brackets."""

    value: Any


def block(value: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """The lines of a mapping. Its values are texts, numbers, truths, lists, mappings, Flow; keys keep their order."""
    lead = "  " * depth
    for key, item in value.items():
        name = scalar(key)
        if isinstance(item, Flow):
            yield f"{lead}{name}: {flow(item.value)}"
        elif isinstance(item, Mapping):
            yield f"{lead}{name}:"
            yield from block(item, depth + 1)
        elif isinstance(item, list | tuple):
            yield f"{lead}{name}:"
            yield from (f"{lead}  - {flow(one)}" for one in item)
        elif isinstance(item, str) and _is_many_lines(item):
            yield f"{lead}{name}: |-"
            yield from (f"{lead}  {line}" if line else "" for line in escape_references(item).split("\n"))
        else:
            yield f"{lead}{name}: {_text(item, _PLAIN_IN_BLOCK)}"


def flow(value: Any) -> str:
    """On one line: `{type: BIGINT, nullable: false}`, `[a, b]`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _text(value, _PLAIN)


def scalar(text: str, plain: re.Pattern[str] = _PLAIN) -> str:
    """A text as YAML, in quotes where it needs them; a key is not searched for references."""
    if plain.fullmatch(text) and text.isprintable() and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def escape_references(text: str) -> str:
    """As it has to be written so that `${` in it is no reference to a variable."""
    return text.replace("${", "$${")


def _text(value: Any, plain: re.Pattern[str]) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else scalar(escape_references(value), plain)


def _is_many_lines(text: str) -> bool:
    """Whether it reads best as it is: lines that YAML would give back as they are."""
    lines = text.split("\n")
    return len(lines) > 1 and all(line == line.rstrip() and line.isprintable() for line in lines) and _is_flush(lines)


def _is_flush(lines: list[str]) -> bool:
    """The first line tells YAML how far all are indented; an empty last one would need another sign."""
    return bool(lines[0]) and lines[0] == lines[0].lstrip() and bool(lines[-1])


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\U{ord(char):08x}"

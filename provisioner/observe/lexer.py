"""The tokens of SQL text, as slices of the source.

Written by hand, since a fingerprint hangs on it: a new version of a parser must not make every table stale.
It follows DuckDB's own rules: comments in `/* */` nest, a line comment ends at \\r or \\n, E'' strings know
backslashes, and a string goes on after a line break. A text may hold Jinja; its tags are tokens of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    WORD = "word"
    NUMBER = "number"
    STRING = "string"
    QUOTED = "quoted"
    SIGN = "sign"
    MARK = "mark"
    OTHER = "other"
    JINJA = "jinja"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Token:
    """text: the slice of the source. before: the white space and plain comments between it and the token before."""

    kind: TokenKind
    text: str
    start: int
    before: str


class LexError(ValueError):
    """The text ends inside a string, an identifier or a comment."""


_JINJA_TEXT = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_JINJA = rf"\{{\{{(?:{_JINJA_TEXT}|(?!\}}\}}).)*\}}\}}|\{{%(?:{_JINJA_TEXT}|(?!%\}}).)*%\}}|\{{#.*?#\}}"
_ESCAPED = re.compile(r"'(?:\\.|''|[^'\\])*'", re.DOTALL)
# DuckDB takes whatever is not ASCII for a letter, `€` too, but for the spaces of other alphabets, which it makes plain.
_LETTER = r"(?:[A-Za-z_]|[^\x00-\x7f\s\u200b-\u200d\u2060\ufeff])"
_BLOCK = re.compile(r"/\*|\*/")
_KINDS = {kind.value: kind for kind in TokenKind}


def _pattern(jinja: bool) -> re.Pattern[str]:
    inner = _JINJA + "|" if jinja else ""
    parts = [
        r"(?P<space>[ \t\n\r\f\v]+)",
        rf"(?P<line>--(?:{inner}[^\n\r])*)",
        r"(?P<block>/\*)",
        *([f"(?P<jinja>{_JINJA})"] if jinja else []),
        rf"(?P<string>'(?:{inner}''|[^'])*'|\$(?P<tag>(?:{_LETTER}(?:{_LETTER}|\d)*)?)\$.*?\$(?P=tag)\$)",
        rf'(?P<quoted>"(?:{inner}""|[^"])*")',
        rf"(?P<word>{_LETTER}(?:{_LETTER}|[\d$])*)",
        r"(?P<number>\.?\d(?:[eE][+-](?=\d)|[\w.])*)",
        r"(?P<sign>(?:(?!--|/\*)[-+*/<>=~!@#%^&|?:`])+)",
        r"(?P<mark>[()\[\]{},;])",
        r"(?P<other>.)",
    ]
    return re.compile("|".join(parts), re.DOTALL)


_PLAIN, _WITH_JINJA = _pattern(False), _pattern(True)


def lex(text: str, *, jinja: bool = False) -> Iterator[Token]:
    """The tokens of text in order; comments are dropped, but those with Jinja in them kept. Raises LexError."""
    pattern, at, end, escaped = _WITH_JINJA if jinja else _PLAIN, 0, 0, False
    while at < len(text):
        kind, stop = _next(pattern, text, at, escaped)
        if kind in _KINDS:
            token = Token(_KINDS[kind], text[at:stop], at, text[end:at])
            escaped = _is_escaped(token, text, stop, escaped)
            end = stop
            yield token
        at = stop


def _next(pattern: re.Pattern[str], text: str, at: int, escaped: bool) -> tuple[str, int]:
    match = _ESCAPED.match(text, at) if escaped and text[at] == "'" else pattern.match(text, at)
    if match is None:
        raise LexError(f"unterminated string at {at}")
    kind = match.lastgroup if match.re is pattern else "string"
    if match.re is pattern and match["string"]:
        kind = "string"
    if kind == "other" and match.group() in "'\"":
        raise LexError(f"unterminated quote at {at}")
    stop = _block_end(text, at) if kind == "block" else match.end()
    if kind in ("line", "block"):
        kind = "comment" if pattern is _WITH_JINJA and "{" in text[at:stop] else "space"
    return str(kind), stop


def _is_escaped(token: Token, text: str, stop: int, escaped: bool) -> bool:
    """Whether a string that follows knows backslashes: after a bare E, and where an E'' string goes on."""
    if token.kind is TokenKind.WORD:
        return token.text in ("e", "E") and text[stop : stop + 1] == "'"
    return escaped and token.kind is TokenKind.STRING


def _block_end(text: str, at: int) -> int:
    depth = 0
    for match in _BLOCK.finditer(text, at):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise LexError(f"unterminated comment at {at}")

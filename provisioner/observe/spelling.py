"""DuckDB's text of an expression, with the ways taken out in which it spells one thing before and after a reopening.

Pure, token by token: `CAST('t' AS BOOLEAN)` is `true`, `main.list_value(1)` is `list_value(1)`, and a plain type is in
capitals, without quotes and without the length that DuckDB does not keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from provisioner.declare.values import fold, quote
from provisioner.observe.brackets import deeper, find_closing
from provisioner.observe.lexer import LexError, Token, TokenKind, lex
from provisioner.observe.rewritten import as_older

_CASTS = ("cast", "try_cast")
# Words without brackets that look at a clock or at who is there, which DuckDB leaves in the case they were written in.
BARE_CALLS = (
    *("current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp"),
    *("current_user", "localtime", "localtimestamp", "session_user", "user"),
)
BARE = {name: name for name in BARE_CALLS}
_BOOLEANS = {"'t'": "true", "'f'": "false", "'true'": "true", "'false'": "false"}
_LENGTHLESS = ("VARCHAR", "BIT")
# Other names of types, which 1.5 leaves as they were written and 2.0 does not, or the other way around.
_TYPES = {
    **dict.fromkeys(("BOOL", "LOGICAL"), "BOOLEAN"),
    **dict.fromkeys(("INT1",), "TINYINT"),
    **dict.fromkeys(("INT2", "INT16", "SHORT"), "SMALLINT"),
    **dict.fromkeys(("INT", "INT4", "INT32", "SIGNED", "INTEGRAL"), "INTEGER"),
    **dict.fromkeys(("INT8", "INT64", "LONG", "OID"), "BIGINT"),
    **dict.fromkeys(("INT128",), "HUGEINT"),
    **{"UINT8": "UTINYINT", "UINT16": "USMALLINT", "UINT32": "UINTEGER", "UINT64": "UBIGINT", "UINT128": "UHUGEINT"},
    **dict.fromkeys(("VARINT",), "BIGNUM"),
    **dict.fromkeys(("FLOAT4", "REAL"), "FLOAT"),
    **dict.fromkeys(("FLOAT8", "DOUBLE PRECISION"), "DOUBLE"),
    **dict.fromkeys(("TEXT", "STRING", "CHAR", "BPCHAR", "NVARCHAR", "CHARACTER VARYING", "CHARACTER"), "VARCHAR"),
    **dict.fromkeys(("BYTEA", "BINARY", "VARBINARY"), "BLOB"),
    **dict.fromkeys(("DATETIME", "TIMESTAMP_US", "TIMESTAMP WITHOUT TIME ZONE"), "TIMESTAMP"),
    **dict.fromkeys(("TIMESTAMPTZ",), "TIMESTAMP WITH TIME ZONE"),
    **dict.fromkeys(("TIMETZ",), "TIME WITH TIME ZONE"),
    **dict.fromkeys(("TIME WITHOUT TIME ZONE",), "TIME"),
    **dict.fromkeys(("BITSTRING",), "BIT"),
    **dict.fromkeys(("GUID",), "UUID"),
    **dict.fromkeys(("NUMERIC", "DEC"), "DECIMAL"),
}
_NESTED = frozenset(("ENUM", "STRUCT", "MAP", "UNION", "ROW"))
# Those need no quotes; a type of the user's own may.
_KNOWN = frozenset((*_TYPES, *_TYPES.values(), "DATE", "INTERVAL", "JSON", "UUID", "UHUGEINT", "UBIGINT", "UINTEGER"))


@dataclass(frozen=True, slots=True)
class Cast:
    """Places in a list of tokens. start: of CAST. inner: what follows the bracket. type: what follows AS. end: `)`."""

    start: int
    inner: int
    type: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of text; none where it is no SQL."""
    try:
        return list(lex(text))
    except LexError:
        return []


def plain(text: str, columns: Mapping[str, str] | None = None) -> str:
    """The expression or query in the spelling of the house. columns: folded names, and how each is to be written."""
    tokens = tokens_of(text)
    edits = {**dict(_values_spelt(tokens)), **_without_main(tokens), **dict(_casts_spelt(tokens))}
    if columns:
        edits |= {start: edit for start, edit in _named(tokens, columns).items() if start not in edits}
    pieces: list[str] = []
    at = 0
    while at < len(tokens):
        end, written = edits.get(at, (at + 1, tokens[at].text))
        pieces.append((" " if tokens[at].before and pieces else "") + written)
        at = end
    return as_older("".join(pieces), tokens_of) or text


def without_table(text: str, table: str) -> str:
    """The expression with its columns as columns alone: `notes.body` is `body` in a check of notes."""
    tokens = tokens_of(text)
    names = (TokenKind.WORD, TokenKind.QUOTED)
    own = {
        at
        for at, (name, dot, column) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False))
        if dot.text == "." and name.kind in names and column.kind in names and fold(name_of(name)) == fold(table)
        and (at == 0 or tokens[at - 1].text != ".")
    }  # fmt: skip
    pieces = list[str]()
    for at, token in enumerate(tokens):
        if at not in own and at - 1 not in own:
            before = tokens[at - 2].before if at - 2 in own else token.before
            pieces.append((" " if before and pieces else "") + token.text)
    return "".join(pieces) if own else text


def without_brackets(text: str) -> str:
    """The expression without brackets around all of it."""
    tokens = tokens_of(text)
    while len(tokens) > 2 and tokens[0].text == "(" and find_closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return written(text, tokens) or text


def without_cast(text: str, type_text: str) -> str:
    """The expression without the casts around all of it to that very type."""
    tokens = tokens_of(text)
    for cast in find_casts(tokens):
        if cast.start == 0 and cast.end == len(tokens) - 1 and fold(tokens[0].text) == "cast":
            if _type(text, tokens[cast.type : cast.end]) != type_text:
                break
            return without_cast(without_brackets(written(text, tokens[cast.inner : cast.type - 1])), type_text)
    return text


def split(tokens: Sequence[Token], opening: int) -> list[list[Token]]:
    """What stands between the bracket at `opening` and its closing one, by the commas that are in no inner bracket."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[opening + 1 : find_closing(tokens, opening)]:
        depth += deeper(token)
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def written(text: str, tokens: Sequence[Token]) -> str:
    """The slice of text that these tokens of it span."""
    return text[tokens[0].start : tokens[-1].start + len(tokens[-1].text)] if tokens else ""


def name_of(token: Token) -> str:
    """The name that an identifier stands for."""
    return token.text[1:-1].replace('""', '"') if token.kind is TokenKind.QUOTED else token.text


def find_casts(tokens: Sequence[Token]) -> Iterator[Cast]:
    """Every CAST and TRY_CAST, inner ones first."""
    opened: list[tuple[int, int]] = []
    for at, token in enumerate(tokens):
        if token.text == "AS" and opened:
            opened[-1] = (opened[-1][0], at + 1)
        elif deeper(token) > 0:
            opened.append((at, 0))
        elif deeper(token) < 0 and opened:
            opening, type_at = opened.pop()
            if type_at and opening and fold(tokens[opening - 1].text) in _CASTS:
                yield Cast(opening - 1, opening + 1, type_at, at)


def _casts_spelt(tokens: Sequence[Token]) -> Iterator[tuple[int, tuple[int, str]]]:
    for cast in find_casts(tokens):
        type_text = _simple_type(tokens[cast.type : cast.end])
        given = tokens[cast.inner].text if cast.type - cast.inner == 2 else ""
        if type_text in ("BOOLEAN", "BOOL") and given in _BOOLEANS:
            yield cast.start, (cast.end + 1, _BOOLEANS[given])
        elif type_text:
            yield cast.type, (cast.end, type_text)
        else:
            # `enum('a')`, `struct(x int)`: the fields and values are the user's own.
            name = name_of(tokens[cast.type]).upper()
            yield cast.type, (cast.type + 1, name if name in _NESTED else tokens[cast.type].text)


def _type(text: str, tokens: Sequence[Token]) -> str:
    return _simple_type(tokens) or written(text, tokens)


def _simple_type(tokens: Sequence[Token]) -> str:
    """A type of nothing but words and numbers in one spelling; empty for one that holds more, as names of fields."""
    words = [name_of(token) for token in tokens]
    if not all(word in "(),[]" or word.replace("_", "").replace(" ", "").isalnum() for word in words):
        return ""
    quoted = [name_of(token).upper() for token in tokens if token.kind is TokenKind.QUOTED]
    if words.count("(") > 1 or not _KNOWN.issuperset(quoted):
        return ""
    if "(" in words and not all(
        word.isdigit() or word == "," for word in words[words.index("(") + 1 : words.index(")")]
    ):
        return ""
    text = "".join(f" {word}" if word[0].isalpha() else word for word in words).strip().upper()
    end = min((text.find(mark) for mark in "([" if mark in text), default=len(text))
    name, rest = _TYPES.get(text[:end], text[:end]), text[end:]
    if rest.startswith("(") and name in _LENGTHLESS:
        return name + rest.partition(")")[2]
    return name + (_digits(rest) if name == "DECIMAL" else rest)


def _digits(rest: str) -> str:
    """`(10)` is `(10,0)`, and nothing is what DuckDB takes for it."""
    if not rest.startswith("("):
        return f"(18,3){rest}"
    width, _, after = rest.partition(")")
    return rest if "," in width else f"{width},0){after}"


def _values_spelt(tokens: Sequence[Token]) -> Iterator[tuple[int, tuple[int, str]]]:
    """`1e3` is 1000.0, `1_000` is 1000, and the part of a date is in small letters."""
    for at, token in enumerate(tokens):
        if token.kind is TokenKind.NUMBER and "_" in token.text:
            yield at, (at + 1, token.text.replace("_", ""))
        if token.kind is TokenKind.NUMBER and "e" in fold(token.text) and not fold(token.text).startswith("0x"):
            # What is too large for a number of the engine stays as it is, for the engine to judge.
            if isfinite(value := float(token.text.replace("_", ""))):
                yield at, (at + 1, repr(value))
        elif token.kind is TokenKind.STRING and [one.text for one in tokens[max(at - 2, 0) : at]] == ["date_part", "("]:
            yield at, (at + 1, token.text.lower())


def _without_main(tokens: Sequence[Token]) -> dict[int, tuple[int, str]]:
    """`main.f(` without its schema."""
    return {
        at: (at + 3, tokens[at + 2].text)
        for at in range(len(tokens) - 3)
        if tokens[at].text == "main" and tokens[at + 1].text == "." and tokens[at + 3].text == "("
        and tokens[at + 2].kind in (TokenKind.WORD, TokenKind.QUOTED) and (at == 0 or tokens[at - 1].text != ".")
    }  # fmt: skip


def _named(tokens: Sequence[Token], columns: Mapping[str, str]) -> dict[int, tuple[int, str]]:
    """Columns by their names; what a bracket follows is a function, what follows a dot the field of a struct."""
    found = {}
    for at, token in enumerate(tokens):
        called = at + 1 < len(tokens) and tokens[at + 1].text == "("
        inner = at > 0 and tokens[at - 1].text == "."
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and fold(name_of(token)) in columns and not called | inner:
            name = columns[fold(name_of(token))]
            found[at] = (at + 1, quote(name) if token.kind is TokenKind.QUOTED else name)
    return found

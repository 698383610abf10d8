"""Defaults that are one value however they are written, in the shortest way of writing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.declare.values import fold
from provisioner.observe.ddl_text import literal
from provisioner.observe.lexer import TokenKind
from provisioner.observe.spelling import BARE_CALLS, name_of, tokens_of

if TYPE_CHECKING:
    import duckdb

# Calls that give the same for the same, everywhere and always; and what DuckDB writes with brackets and is no call.
_CALLS = frozenset(
    {
        *("cast", "try_cast", "list_value", "array_value", "struct_pack", "row", "map", "union_value", "trunc"),
        *(f"to_{unit}" for unit in ("decades", "years", "quarters", "months", "weeks", "days", "hours", "minutes")),
        *("to_seconds", "to_milliseconds", "to_microseconds"),
        *("decimal", "numeric", "dec", "varchar", "char", "bpchar", "text", "string", "bit", "struct", "enum", "union"),
        *("date", "timestamp", "interval", "in", "not", "and", "or", "as"),
    }
)
_LOOKS = frozenset((*BARE_CALLS, "select", "from"))
# What is written as a number, as it is.
_NUMBERS = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
        *("UHUGEINT", "FLOAT", "DOUBLE", "BOOLEAN"),
    }
)


def shorten_constant(connection: duckdb.DuckDBPyConnection, text: str, type_text: str) -> str:
    """A literal of the same value in a column of that type; the text itself where it is no constant.

    What depends on a time zone is none. NULL comes back as it is.
    """
    import duckdb

    if "TIME ZONE" in type_text or not _is_constant(text):
        return text
    try:
        query = f"SELECT CAST(CAST(({text}\n) AS {type_text}) AS VARCHAR)"
        ((value,),) = connection.execute(query).fetchall()
        if value is None:
            return "NULL"
        for short in _literals(value, type_text):
            same = f"SELECT CAST(({short}) AS {type_text}) IS NOT DISTINCT FROM CAST(({text}\n) AS {type_text})"
            if connection.execute(same).fetchall() == [(True,)]:
                return short
    except duckdb.Error:
        pass
    return text


def _literals(value: str, type_text: str) -> list[str]:
    if type_text in _NUMBERS or type_text.startswith("DECIMAL("):
        bare = value.lstrip("-")[:1].isdigit() or value in ("true", "false")
        return [value, literal(value)] if bare else [literal(value)]
    return [literal(value)]


def _is_constant(text: str) -> bool:
    tokens = tokens_of(text)
    for at, token in enumerate(tokens):
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            continue
        word = fold(name_of(token))
        called = at + 1 < len(tokens) and tokens[at + 1].text == "("
        if (called and word not in _CALLS) or word in _LOOKS:
            return False
    # A zone may stand in a cast within it, too.
    return bool(tokens) and not any(fold(name_of(token)) in ("zone", "timestamptz", "timetz") for token in tokens)

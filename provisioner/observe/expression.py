"""Whether a text is exactly one SQL expression, so that it can add nothing else to the statement it is put into."""

from __future__ import annotations

from provisioner.observe.lexer import LexError, lex

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


def is_one_expression(text: str) -> bool:
    """DuckDB parses it and runs nothing of it."""
    return _holds_together(text) and _parses(text)


def _holds_together(text: str) -> bool:
    """Whether there is something, brackets match, and no comma or semicolon stands outside of them."""
    depth, seen = 0, False
    try:
        for token in lex(text):
            seen = True
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
            if depth < 0 or token.text == ";" or (token.text == "," and depth == 0):
                return False
    except LexError:
        return False
    return seen and depth == 0


def _parses(text: str) -> bool:
    import duckdb

    try:
        return duckdb.SQLExpression(f"({text}\n)") is not None
    except (duckdb.Error, RuntimeError, ValueError):
        return False

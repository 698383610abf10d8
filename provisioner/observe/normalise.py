"""SQL text brought to one form, so that white space and comments make no table stale."""

from __future__ import annotations

import re

from provisioner.observe.lexer import LexError, Token, TokenKind, lex

# Text between these tags may end up inside a string, where every blank counts.
_CAPTURES = re.compile(r"\{%[-+]?\s*(?:raw|end(?:set|call|filter|raw|macro|block|test|materialization|snapshot))\b")
_QUOTE_IN_JINJA = re.compile(r"""'[^'"]*"|"[^"']*'|\\['"]""")
_JINJA = re.compile(r"\{[{%#]")
_APART = (TokenKind.SIGN, TokenKind.MARK)
_TIED = (TokenKind.OTHER, TokenKind.JINJA)


def normalise(sql: str) -> str:
    """The tokens of sql joined by one space, comments and white space dropped.

    Literals and quoted names are kept to the byte. Two texts of different meaning never come out equal; where that is
    not certain (text that does not lex, Jinja that may write half a string) the text comes back as it is. A comment
    that holds `{` is kept in a text with Jinja, for Jinja in a comment is carried out.
    """
    jinja = bool(_JINJA.search(sql))
    try:
        tokens = list(lex(sql, jinja=jinja))
    except LexError:
        return sql
    if jinja and (_CAPTURES.search(sql) or any(_doubtful(token) for token in tokens)):
        return sql
    return "".join(_gap(left, right) + right.text for left, right in zip([None, *tokens], tokens, strict=False))


def _doubtful(token: Token) -> bool:
    """Jinja that may open or close a string: a tag inside a literal, or an expression that itself holds a quote."""
    if token.kind is TokenKind.JINJA:
        return bool(_QUOTE_IN_JINJA.search(token.text))
    return token.kind in (TokenKind.STRING, TokenKind.QUOTED) and "{%" in token.text


def _gap(left: Token | None, right: Token) -> str:
    if left is None:
        return ""
    if left.kind is TokenKind.COMMENT and left.text.startswith("--"):
        return "\n"
    if not right.before:
        return "" if _tied(left, right) else " "
    continued = left.kind is right.kind is TokenKind.STRING and re.search(r"[\n\r]", right.before)
    return "\n" if continued else " "


def _tied(left: Token, right: Token) -> bool:
    """Whether a space between two tokens that touch could change what they say: `t.a`, `E'x'`, `{{ a }}_b`."""
    if left.kind in _TIED or right.kind in _TIED:
        return True
    return left.kind not in _APART and right.kind not in _APART

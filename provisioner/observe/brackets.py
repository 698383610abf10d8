"""Which bracket closes which, in a list of tokens."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.observe.lexer import Token, TokenKind


def find_closing(tokens: Sequence[Token], opening: int) -> int:
    """Where the bracket at `opening` is closed; behind the last token where it is not."""
    depth = 0
    for at in range(opening, len(tokens)):
        depth += deeper(tokens[at])
        if depth == 0:
            return at
    return len(tokens)


def split_places(tokens: Sequence[Token], opening: int) -> list[int]:
    """Where the commas stand that part what is in the bracket at `opening`."""
    found, depth = list[int](), 0
    for at in range(opening + 1, find_closing(tokens, opening)):
        depth += deeper(tokens[at])
        if depth == 0 and tokens[at].text == ",":
            found.append(at)
    return found


def deeper(token: Token) -> int:
    """1 for a bracket that opens, -1 for one that closes, else 0."""
    if token.kind is not TokenKind.MARK:
        return 0
    return (token.text in "([{") - (token.text in ")]}")

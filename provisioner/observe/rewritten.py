"""What DuckDB 1.5 rewrites as it reads it and 2.0 does not: denied comparisons, and `if`. Pure, over printed text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provisioner.observe.brackets import deeper, find_closing, split_places
from provisioner.observe.lexer import Token, TokenKind

_OPPOSITE = {"=": "!=", "!=": "=", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_JOINING = frozenset(("AND", "OR", "NOT", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "CASE", "SIMILAR", "COLLATE"))
_DISTINCT, _SAME = ["IS", "DISTINCT", "FROM"], ["IS", "NOT", "DISTINCT", "FROM"]
# Text to its tokens.
Lexing = Callable[[str], list[Token]]


def as_older(text: str, tokens_of: Lexing) -> str:
    """`NOT (a > 0)` is `a <= 0`, `"if"(a, b, c)` is a CASE; the text itself where it has neither."""
    while "NOT (" in text or '"if"(' in text:
        # Inner ones first, which an outer one may then be over.
        tokens = tokens_of(text)
        for at in reversed(range(len(tokens) - 1)):
            if changed := _denied(text, tokens, at) or _case(text, tokens, at):
                text = changed
                break
        else:
            break
    return text


def _denied(text: str, tokens: Sequence[Token], at: int) -> str:
    if tokens[at].text != "NOT" or tokens[at + 1].text != "(":
        return ""
    end = find_closing(tokens, at + 1)
    inner = tokens[at + 2 : end]
    if end == len(tokens) or not (found := _opposite(inner)):
        return ""
    first, last, operator = found
    begin = inner[0].start
    opposite = f"{text[begin : inner[first].start]}{operator}{text[_end(inner[last]) : tokens[end].start]}"
    # DuckDB puts brackets around NOT and what it denies, which are those of the comparison then.
    return text[: tokens[at].start] + opposite + text[_end(tokens[end]) :] if _stands_alone(tokens, at, end) else ""


def _stands_alone(tokens: Sequence[Token], at: int, end: int) -> bool:
    before, after = (tokens[at - 1].text if at else ""), (tokens[end + 1].text if end + 1 < len(tokens) else "")
    return before in ("", "(", ",") and after in ("", ")", ",")


def _opposite(inner: Sequence[Token]) -> tuple[int, int, str] | None:
    """The first and the last token of the one comparison there is, and what it is denied."""
    outer, depth = list[int](), 0
    for at, token in enumerate(inner):
        depth += deeper(token)
        if depth == 0 and not deeper(token):
            outer.append(at)
    joining = [at for at in outer if inner[at].kind is TokenKind.WORD and inner[at].text in (*_JOINING, *_SAME)]
    signs = [at for at in outer if inner[at].text in _OPPOSITE]
    if len(signs) == 1 and not joining:
        return signs[0], signs[0], _OPPOSITE[inner[signs[0]].text]
    if not signs and [inner[at].text for at in joining] in (_DISTINCT, _SAME):
        return joining[0], joining[-1], "IS DISTINCT FROM" if len(joining) == len(_SAME) else "IS NOT DISTINCT FROM"
    return None


def _case(text: str, tokens: Sequence[Token], at: int) -> str:
    if tokens[at].text != '"if"' or tokens[at + 1].text != "(" or (at and tokens[at - 1].text == "."):
        return ""
    end = find_closing(tokens, at + 1)
    commas = split_places(tokens, at + 1)
    if len(commas) != 2 or end == len(tokens):
        return ""
    bounds = zip((at + 1, *commas), (*commas, end), strict=True)
    condition, then, otherwise = (text[_end(tokens[one]) : tokens[two].start].strip() for one, two in bounds)
    case = f"CASE WHEN ({condition}) THEN ({then}) ELSE {otherwise} END"
    return text[: tokens[at].start] + case + text[_end(tokens[end]) :]


def _end(token: Token) -> int:
    return token.start + len(token.text)

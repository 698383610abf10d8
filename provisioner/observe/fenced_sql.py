"""The statements that a sandbox allows: those that make tables and views, from what the fence lets them read.

The fence alone would not do: SQL may write to a file that it may read, a macro that it leaves behind runs where there
is no fence, and some settings are changed although they are locked.
"""

from __future__ import annotations

import re
from itertools import accumulate

from provisioner.errors import StepError
from provisioner.observe.lexer import lex
from provisioner.observe.sql import Script, Statement

_ALLOWED = re.compile(
    r"(?:\(|(?:select|from|with|values|table|pivot|unpivot|describe|summarize|show|insert|update|delete|merge|truncate"
    r"|drop|alter|comment|analyze|copy|(?:re)?set variable"
    r"|create (?:or replace )?(?:temp |temporary )?(?:table|view|recursive view|sequence|type)"
    r"|create (?:schema|index|unique index)"
    r"|create (?:or replace )?(?:temp|temporary) (?:macro|function))(?![\w$]))",
    re.IGNORECASE,
)
_MACRO = re.compile(r"create (?:or replace )?(?:macro|function)(?![\w$])", re.IGNORECASE)
_SETTING = re.compile(r"(?:en|dis)able_(?:logging|profiling)", re.IGNORECASE)
_ELSEWHERE = "Take it out, or do it in a python step: these run outside of the sandbox."


def refuse_leaving(script: Script, path: str) -> None:
    """Raises StepError (sandbox) for a statement that no sandbox allows. path: for messages."""
    for statement in script.statements:
        if found := _fault(statement):
            why, cure = found
            shown = statement.words if len(statement.words) <= 60 else statement.words[:57] + "..."
            message = (
                f"{path}:{statement.line}: `{shown}` {why}; this manifest's policy.sandbox_sql keeps SQL from that."
            )
            raise StepError(message, code="sandbox", cure=cure)


def _fault(statement: Statement) -> tuple[str, str] | None:
    words = statement.words
    if _MACRO.match(words):
        return "leaves a macro that others run outside of the sandbox", "Write CREATE TEMP MACRO."
    if not _ALLOWED.match(words):
        return "does more than make tables and views", _ELSEWHERE
    if words[:4].lower() == "copy" and _direction(statement) != "from":
        return "writes a file", _ELSEWHERE
    if any(_SETTING.fullmatch(token.text.strip('"')) for token in lex(statement.text)):
        return "changes a setting", _ELSEWHERE
    return None


def _direction(statement: Statement) -> str:
    """Of a COPY: `from` or `to`, whichever comes first outside of parentheses."""
    words = [token.text.lower() for token in lex(statement.text)]
    depths = accumulate((word == "(") - (word == ")") for word in words)
    return next((word for word, depth in zip(words, depths, strict=True) if not depth and word in ("from", "to")), "")

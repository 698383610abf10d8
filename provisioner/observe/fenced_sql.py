"""The statements that a sandbox allows: those that make tables and views, from what the fence lets them read.

The fence alone would not do: SQL may write to a file that it may read, a macro that it leaves behind runs where there
is no fence, and some settings are changed although they are locked. A function
that runs text would hide all that from us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from provisioner.errors import StepError
from provisioner.observe.fenced_view import CALM, CATALOGUE, FILES
from provisioner.observe.lexer import TokenKind, lex
from provisioner.observe.sql import Script, Statement, table_functions
from provisioner.observe.writes import copies_in

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
# Beside those of fenced_view: what tells of DuckDB itself, and only while the step runs.
_HARMLESS = re.compile(r"summary|(?:duckdb|pragma)_\w+|(?:icu|pg)_\w+_names|test_\w+")
# No table functions: one plans text, the other writes into a log.
_NEITHER = ("json_serialize_plan", "write_log")
_ELSEWHERE = "Take it out, or do it in a python step: these run outside of the sandbox."


def refuse_leaving(script: Script, path: str) -> None:
    """Raises StepError (sandbox) for a statement that no sandbox allows. path: for messages."""
    for statement in script.statements:
        if found := _fault(statement):
            why, cure = found
            message = (
                f"{path}:{statement.line}: `{statement}` {why}; this manifest's policy.sandbox_sql keeps SQL from that."
            )
            raise StepError(message, code="sandbox", cure=cure)


def _fault(statement: Statement) -> tuple[str, str] | None:
    words = statement.words
    if _MACRO.match(words):
        return "leaves a macro that others run outside of the sandbox", "Write CREATE TEMP MACRO."
    if not _ALLOWED.match(words):
        return "does more than make tables and views", _ELSEWHERE
    if words[:4].lower() == "copy" and not copies_in(statement.text):
        return "writes a file", _ELSEWHERE
    if any(_SETTING.fullmatch(token.text.strip('"')) for token in lex(statement.text)):
        return "changes a setting", _ELSEWHERE
    if called := next(_called(statement), None):
        return f"calls {called}", f"{_ELSEWHERE} If it is a name of yours, write it in another way."
    return None


def _called(statement: Statement) -> Iterator[str]:
    """Functions of DuckDB that run text, change settings, or write: all but those that read. Also `x(` where x is
    no function, as in INSERT INTO query (a); and names in backticks, in which anything may be hidden.
    """
    # To DuckDB, spaces of other alphabets are spaces.
    tokens = [token for token in lex(statement.text) if token.kind is not TokenKind.OTHER]
    if any(token.kind is TokenKind.SIGN and "`" in token.text for token in tokens):
        yield "a name in backticks"
    for token, following in pairwise(tokens):
        name = token.text.strip('"').lower()
        if following.text == "(" and (name in _NEITHER or (name in table_functions() and not _reads(name))):
            yield name


def _reads(name: str) -> bool:
    return name in CALM or any(pattern.fullmatch(name) for pattern in (CATALOGUE, FILES, _HARMLESS))

"""A SQL script: its statements, what it reads, and what it must not do inside a transaction of ours."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import duckdb

from provisioner.declare.shorten import shorten
from provisioner.declare.values import TableName
from provisioner.errors import StepError
from provisioner.observe.complaints import NAMELESS, blame_surroundings
from provisioner.observe.in_memory import open_in_memory
from provisioner.observe.lexer import LexError, TokenKind, lex
from provisioner.observe.normalise import normalise
from provisioner.observe.writes import Writes, find_writes

__all__ = ["Script", "Statement", "normalise", "parse_script", "say_error"]

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Statement:
    """text: from its first token to its last. line: of that first token in the file, from 1. words: normalised."""

    text: str
    line: int
    words: str

    def __str__(self) -> str:
        """Its beginning as it is written, in one line, for messages."""
        return shorten(" ".join(self.text.split()), _SHOWN)


@dataclass(frozen=True, slots=True)
class Script:
    """reads: relations in the order they are met, without what the script makes itself. file_reads: paths as written.
    single_select: one query and nothing else. understood: False when only DuckDB could parse it; then nothing is known
    of its reads.
    """

    statements: tuple[Statement, ...]
    reads: tuple[TableName, ...]
    file_reads: tuple[str, ...]
    single_select: bool
    understood: bool = True
    writes: Writes = Writes()


@dataclass(frozen=True, slots=True)
class _Refusal:
    pattern: re.Pattern[str]
    why: str
    cure: str


def _refusal(pattern: str, why: str, cure: str) -> _Refusal:
    return _Refusal(re.compile(rf"(?:{pattern})(?![\w$])", re.IGNORECASE), why, cure)


_REFUSED = (
    _refusal(
        "begin|start transaction|commit|end|rollback|abort",
        "begins or ends a transaction, and every step runs inside one that commits when its tables are verified",
        "Take the statement out.",
    ),
    _refusal(
        "(?:force )?checkpoint|(?:call|pragma|from) (?:force_)?checkpoint",
        "cannot run inside a transaction, and every step runs inside one",
        "Take the statement out: DuckDB checkpoints by itself.",
    ),
    _refusal(
        "attach|detach|copy from database|alter database",
        "touches another database, and one transaction writes one database only",
        "Read the other database in a load step, from files it exported.",
    ),
    _refusal(
        r"use|(?:re)?set (?:session |global |local )?(?:schema|search_path|file_search_path|lock_configuration)",
        "changes where plain names lead, also for the steps that follow",
        "Write the schema before the names.",
    ),
    _refusal(
        "export database|import database",
        "moves a whole database, which no declared table stands for",
        "Use COPY for one table, or a load step.",
    ),
    _refusal(
        r"update extensions(?= \(|$)",
        "changes DuckDB's installation, which no rollback brings back",
        "Run it by hand.",
    ),
)
# What DuckDB itself calls such statements, should the words above ever miss one.
_REFUSED_TYPES = {"TRANSACTION": 0, "ATTACH": 2, "DETACH": 2, "COPY_DATABASE": 2, "EXPORT": 4}
_QUERY = re.compile(r"\(|(?:select|from|with|values|table|pivot|unpivot)(?![\w$])", re.IGNORECASE)
_LINE = re.compile(r"\n\s*LINE (\d+):")


def parse_script(text: str, path: str) -> Script:
    """path: for messages.

    Raises StepError: sql_syntax, sql_refused (a statement of the list above, or one that hides another), sql_empty.
    """
    statements = tuple(_checked(text, path))
    if not statements:
        raise StepError(f"{path} holds no statement.", code="sql_empty", cure=f"Write SQL into {path}.")
    from provisioner.observe.reads import find_reads  # sqlglot is slow to import

    found = find_reads(statement.text for statement in statements)
    single = len(statements) == 1 and _is_query(statements[0])
    writes = find_writes(statement.text for statement in statements)
    return Script(statements, found.tables, found.files, single, found.understood, writes)


def say_error(error: Exception, line: int) -> tuple[int, str]:
    """The file's line of an error in a statement that begins at `line`, and DuckDB's words without its drawing."""
    message = str(error).strip()
    match = _LINE.search(message)
    words = message[: match.start()] if match else message
    return line + (int(match[1]) - 1 if match else 0), words.strip()


def _checked(text: str, path: str) -> Iterator[Statement]:
    for statement in _split(text):
        if refusal := _refused_words(statement.words):
            raise _refuse(statement, refusal, path)
        types = _types(statement, path)
        if (at := _hidden_from_us(statement.text)) is not None:
            raise _hidden(statement, at, path)
        # A PIVOT is many statements to DuckDB, and outside a transaction it wraps them in one of its own.
        if len(types) == 1 and types[0] in _REFUSED_TYPES:
            raise _refuse(statement, _REFUSED[_REFUSED_TYPES[types[0]]], path)
        if types:
            yield statement


def _split(text: str) -> Iterator[Statement]:
    """Cut at the semicolons between statements."""
    try:
        tokens = list(lex(text))
    except LexError:
        yield Statement(text, 1, text)
        return
    first = end = None
    for token in tokens:
        if token.text == ";":
            if first is not None and end is not None:
                yield _statement(text, first, end)
            first = end = None
        else:
            first = token.start if first is None else first
            end = token.start + len(token.text)
    if first is not None and end is not None:
        yield _statement(text, first, end)


def _statement(text: str, start: int, end: int) -> Statement:
    return Statement(text[start:end], text.count("\n", 0, start) + 1, normalise(text[start:end]))


def _refused_words(words: str) -> _Refusal | None:
    return next((refusal for refusal in _REFUSED if refusal.pattern.match(words)), None)


def _refuse(statement: Statement, refusal: _Refusal, path: str) -> StepError:
    return StepError(f"{path}:{statement.line}: `{statement}` {refusal.why}.", code="sql_refused", cure=refusal.cure)


def _types(statement: Statement, path: str) -> list[str]:
    try:
        return [extracted.type.name for extracted in _parser().extract_statements(statement.text)]
    except (duckdb.Error, RuntimeError, ValueError) as error:
        if blamed := blame_surroundings(error, NAMELESS):
            raise blamed from error
        line, words = say_error(error, statement.line)
        cure = f"Mend {path} at line {line}."
        raise StepError(f"{path}:{line}: {words}", code="sql_syntax", cure=cure) from error


def _hidden_from_us(text: str) -> int | None:
    """Where DuckDB begins a token within what we take for a string, a quoted name or a comment; None for nowhere.

    What we look for in a statement must not be there for DuckDB alone.
    """
    try:
        ours = list(lex(text))
    except LexError:
        return 0  # DuckDB has taken it, and ends a string that has no end for us
    begins = [token.start for token in ours]
    for at, kind in _starts(text):
        token = ours[bisect_right(begins, at) - 1] if begins and at >= begins[0] else None
        if token is None or at >= token.start + len(token.text):
            if kind != "comment":
                return at
        elif at > token.start and token.kind in (TokenKind.STRING, TokenKind.QUOTED):
            return at
    return None


def _starts(text: str) -> Iterator[tuple[int, str]]:
    """Where DuckDB's own tokens begin, in characters, and of what kind they are."""
    found = [(start, str(kind).rpartition(".")[2]) for start, kind in duckdb.tokenize(text)]
    if text.isascii():
        yield from found
        return
    body = text.encode()
    at = done = 0
    for start, kind in found:
        at, done = at + len(body[done:start].decode(errors="replace")), start
        yield at, kind


def _hidden(statement: Statement, at: int, path: str) -> StepError:
    line = statement.line + statement.text.count("\n", 0, at)
    return StepError(
        f"{path}:{line}: DuckDB reads the quotes in this statement otherwise than provision does, which cannot tell"
        " then what it does.",
        code="sql_refused",
        cure="Write that string in plain quotes ('…'), on one line.",
    )


def _is_query(statement: Statement) -> bool:
    """Whether a table can be made as this statement; DuckDB's own parser decides."""
    if not _QUERY.match(statement.words):
        return False
    try:
        return bool(_parser().extract_statements(f"CREATE TABLE t AS {statement.text}"))
    except (duckdb.Error, RuntimeError, ValueError):
        return False


@cache
def table_functions() -> frozenset[str]:
    """The names of DuckDB's own, in small letters."""
    rows = _parser().execute(
        "SELECT system.main.lower(function_name) FROM system.main.duckdb_functions() WHERE function_type = 'table'"
    )
    return frozenset(name for (name,) in rows.fetchall())


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return open_in_memory()


def _parser() -> duckdb.DuckDBPyConnection:
    """A connection to parse with, an empty database in memory behind it; its own, since connections bear one thread."""
    return _database().cursor()

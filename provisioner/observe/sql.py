"""A SQL script: its statements, what it reads, and what it must not do inside a transaction of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import duckdb

from provisioner.declare.shorten import shorten
from provisioner.declare.values import TableName
from provisioner.errors import StepError
from provisioner.observe.lexer import LexError, lex
from provisioner.observe.normalise import normalise

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
    writes: relations that it makes, changes or drops, temporary ones left out.

    single_select: one query and nothing else. understood: False when only DuckDB could parse it;
    then nothing is known of its reads.
    """

    statements: tuple[Statement, ...]
    reads: tuple[TableName, ...]
    file_reads: tuple[str, ...]
    single_select: bool
    understood: bool = True
    writes: tuple[TableName, ...] = ()


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
    """path: for messages. Raises StepError: sql_syntax, sql_refused (a statement of the list above), sql_empty."""
    statements = tuple(_checked(text, path))
    if not statements:
        raise StepError(f"{path} holds no statement.", code="sql_empty", cure=f"Write SQL into {path}.")
    from provisioner.observe.reads import find_reads  # sqlglot is slow to import

    found = find_reads(statement.text for statement in statements)
    single = len(statements) == 1 and _is_query(statements[0])
    return Script(statements, found.tables, found.files, single, found.understood, found.writes)


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
        line, words = say_error(error, statement.line)
        cure = f"Mend {path} at line {line}."
        raise StepError(f"{path}:{line}: {words}", code="sql_syntax", cure=cure) from error


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
    rows = _parser().execute("SELECT lower(function_name) FROM duckdb_functions() WHERE function_type = 'table'")
    return frozenset(name for (name,) in rows.fetchall())


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})


def _parser() -> duckdb.DuckDBPyConnection:
    """A connection to parse with, an empty database in memory behind it; its own, since connections bear one thread."""
    return _database().cursor()

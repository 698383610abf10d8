"""Facts about rows: how many, how many NULLs, how many that repeat a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.declare.values import TableName, fold, quote
from provisioner.observe.values import Measure, Relation, Want
from provisioner.observe.verbatim import words_of_living

if TYPE_CHECKING:
    import duckdb

# Tables a statement: planning hundreds of aggregates in one costs more than the round trips it saves.
CHUNK = 50
# By their full names: a macro of the database, or of a step, may be called like them.
_ROWS, _COUNT = "system.main.count_star()", "system.main.count"
_ABORTED = "transaction is aborted"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of one relation, by the names that the manifest uses for its columns."""

    table: TableName
    not_null: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]

    @property
    def rows_alone(self) -> bool:
        """Whether nothing but the number of rows is asked; DuckDB plans that twice as fast."""
        return not (self.not_null or self.keys)


def measure(
    connection: duckdb.DuckDBPyConnection, wants: Iterable[Want], relations: Mapping[TableName, Relation]
) -> dict[TableName, Measure]:
    """The rows of each want's relation, with NULLs and duplicates where its Expect asks; only for relations that exist.

    duplicates: rows that must go for the key to be unique; a row with a NULL in the key is none. A relation that cannot
    be read has a Measure with its error. Raises duckdb.Error when the query was interrupted or the database is dead.
    """
    questions = [_ask(want, relations[want.table]) for want in wants if want.table in relations]
    answers: dict[TableName, Measure] = {}
    for rows_alone in (False, True):
        alike = [one for one in questions if one.rows_alone is rows_alone]
        for start in range(0, len(alike), CHUNK):
            answers |= _answer_all(connection, alike[start : start + CHUNK])
    cause = next((one.error for one in answers.values() if one.error and _ABORTED not in one.error), "")
    return {table: _with_cause(answer, cause) for table, answer in answers.items()} if cause else answers


def _ask(want: Want, relation: Relation) -> _Question:
    there = {fold(column.name) for column in relation.columns}
    not_null = tuple(name for name in want.expect.not_null if fold(name) in there)
    keys = tuple(key for key in want.expect.unique if all(fold(name) in there for name in key))
    return _Question(relation.name, not_null, keys)


def _answer_all(connection: duckdb.DuckDBPyConnection, questions: Sequence[_Question]) -> dict[TableName, Measure]:
    """One statement for all; when it fails, one each, so that a broken view is alone with its error."""
    import duckdb

    try:
        return _query(connection, questions)
    except duckdb.Error as error:
        words = words_of_living(error)
    if len(questions) == 1:
        return {questions[0].table: Measure(error=words)}
    answers: dict[TableName, Measure] = {}
    for question in questions:
        answers |= _answer_all(connection, [question])
    return {table: _with_cause(answer, words) for table, answer in answers.items()}


def _with_cause(answer: Measure, words: str) -> Measure:
    """Inside a transaction the first error ends every later query: then that first one is told."""
    return Measure(error=words) if answer.error and _ABORTED in answer.error else answer


def _query(connection: duckdb.DuckDBPyConnection, questions: Sequence[_Question]) -> dict[TableName, Measure]:
    sql = " UNION ALL ".join(_select(number, question) for number, question in enumerate(questions))
    answers = {}
    for number, rows, *lists in connection.execute(sql).fetchall():
        asked = questions[number]
        nulls, duplicates = lists or ((), ())
        by_key = dict(zip(asked.keys, duplicates, strict=True))
        answers[asked.table] = Measure(rows, dict(zip(asked.not_null, nulls, strict=True)), by_key)
    return answers


def _select(number: int, question: _Question) -> str:
    if question.rows_alone:
        return f"SELECT {number}, {_ROWS} FROM {question.table.sql}"
    nulls = ", ".join(f"{_ROWS} - {_COUNT}({quote(name)})" for name in question.not_null)
    duplicates = ", ".join(_duplicates(key) for key in question.keys)
    return f"SELECT {number}, {_ROWS}, [{nulls}]::BIGINT[], [{duplicates}]::BIGINT[] FROM {question.table.sql}"


def _duplicates(key: tuple[str, ...]) -> str:
    if len(key) == 1:
        return f"{_COUNT}({quote(key[0])}) - {_COUNT}(DISTINCT {quote(key[0])})"
    columns = ", ".join(map(quote, key))
    whole = " AND ".join(f"{quote(name)} IS NOT NULL" for name in key)
    return f"{_ROWS} FILTER (WHERE {whole}) - {_COUNT}(DISTINCT row({columns})) FILTER (WHERE {whole})"

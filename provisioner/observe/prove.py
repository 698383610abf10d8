"""Questions to the rows, answered: how many of them stand in the way of a change, and what the first of them hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from provisioner.declare.shorten import shorten
from provisioner.observe.change_values import Answer, Question
from provisioner.observe.complaints import NAMELESS, blame_surroundings
from provisioner.observe.verbatim import words_of_living

if TYPE_CHECKING:
    import duckdb

SAMPLES = 3
LONGEST = 60
# By its full name: a macro of the database may be called like it.
_ROWS = "system.main.count_star()"
_NOTHING = "NULL"


def prove(connection: duckdb.DuckDBPyConnection, questions: Iterable[Question]) -> dict[Question, Answer]:
    """The answer to each question; each is asked once.

    What DuckDB cannot do with the rows is an Answer with its error. Raises duckdb.Error when it was interrupted, or
    where memory, disk or the database are at fault.
    """
    return {question: _answer(connection, question) for question in dict.fromkeys(questions)}


def _answer(connection: duckdb.DuckDBPyConnection, question: Question) -> Answer:
    import duckdb

    try:
        # The condition may end in a comment.
        standing = f"FROM {question.source} WHERE ({question.condition}\n)"
        ((count,),) = connection.execute(f"SELECT {_ROWS} {standing}").fetchall()
        if not count or question.shown == _NOTHING:
            return Answer(count)
        # The least ones, so that the same rows give the same words.
        shown = f"SELECT DISTINCT CAST(({question.shown}\n) AS VARCHAR) AS shown {standing}"
        samples = connection.execute(f"{shown} ORDER BY shown LIMIT {SAMPLES}").fetchall()
        return Answer(count, tuple(shorten("NULL" if value is None else value, LONGEST) for (value,) in samples))
    except duckdb.Error as error:
        return Answer(error=words_of(error))


def words_of(error: Exception) -> str:
    """DuckDB's first line. What is no fault of rows or statements is raised again."""
    if blame_surroundings(error, NAMELESS) is not None:
        raise error
    return words_of_living(error)

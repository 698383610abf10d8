"""Questions to the rows and their answers."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from provisioner.declare.values import TableName
from provisioner.observe.change_values import Answer, Question
from provisioner.observe.prove import prove

T = TableName.parse("t")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a int, v varchar)")
        connection.execute("INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, 'y'), (4, 'x'), (5, 'z'), (6, 'w')")
        yield connection


CASES = [
    (Question(T, "t", "v IS NULL"), Answer(1)),
    (Question(T, "t", "a > 9", "a"), Answer(0)),
    (Question(T, "t", "true", "v"), Answer(6, ("w", "x", "y"))),
    (Question(T, "t", "v IS NULL", "v"), Answer(1, ("NULL",))),
    (Question(T, "t", "a > 4 -- a comment", "a -- too"), Answer(2, ("5", "6"))),
    (Question(T, "t", "a = 1", "repeat(v, 61)"), Answer(1, ("x" * 59 + "…",))),
    (Question(T, "t", "a = 1", "repeat(v, 60)"), Answer(1, ("x" * 60,))),
    (Question(T, "(SELECT v FROM t GROUP BY v HAVING count(*) > 1)", "true", "v"), Answer(1, ("x",))),
    (Question(T, "t", "a = 1", "{'a': a, 'l': [v]}"), Answer(1, ("{'a': 1, 'l': [x]}",))),
]


@pytest.mark.parametrize(("question", "answer"), CASES)
def test_rows_are_counted_and_three_are_shown(
    connection: duckdb.DuckDBPyConnection, question: Question, answer: Answer
) -> None:
    assert prove(connection, [question, question]) == {question: answer}


def test_what_cannot_be_counted_is_told_and_the_others_are_counted(connection: duckdb.DuckDBPyConnection) -> None:
    bad, cast = Question(T, "t", "nope > 1"), Question(T, "t", "v::int > 1")
    answers = prove(connection, [bad, cast, Question(T, "t", "true")])
    assert answers[bad].error.startswith("Binder Error: ") and answers[bad].count == 0
    assert answers[cast].error.startswith("Conversion Error: ") and "\n" not in answers[cast].error
    assert answers[Question(T, "t", "true")] == Answer(6)


def test_a_macro_of_the_database_is_not_asked(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE MACRO count_star() AS 42")
    assert prove(connection, [Question(T, "t", "true")]) == {Question(T, "t", "true"): Answer(6)}


def test_want_of_memory_is_no_answer(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET memory_limit = '4MB'; SET max_temp_directory_size = '0MB'; SET threads = 1")
    many = Question(T, "(SELECT range AS r, hash(range) AS h FROM range(5000000))", "h IS NOT NULL", "h")
    with pytest.raises(duckdb.Error):
        prove(connection, [many])

"""Rows, NULLs and repeated keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import duckdb
import pytest

from provisioner.declare.values import Expect, TableKind, TableName
from provisioner.observe.introspect import introspect
from provisioner.observe.measure import measure
from provisioner.observe.values import Measure, Want

T = TableName.parse("t")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def _measure(connection: duckdb.DuckDBPyConnection, *wants: Want) -> dict[TableName, Measure]:
    return measure(connection, wants, introspect(connection, ()).relations)


# rows of t(a INTEGER, "b c" VARCHAR), expectation, NULLs, duplicates
CASES: list[tuple[str, Expect, dict[str, int], dict[tuple[str, ...], int]]] = [
    ("(1, 'x')", Expect(min_rows=1), {}, {}),
    ("(1, 'x'), (NULL, 'x'), (NULL, NULL)", Expect(not_null=("a", "b c")), {"a": 2, "b c": 1}, {}),
    ("(1, 'x'), (2, 'x')", Expect(unique=(("a",), ("b c",))), {}, {("a",): 0, ("b c",): 1}),
    ("(1, 'x'), (1, 'x'), (1, 'x'), (2, 'x'), (2, 'x')", Expect(unique=(("a", "b c"),)), {}, {("a", "b c"): 3}),
    ("(1, 'x'), (1, 'y')", Expect(unique=(("a", "b c"),)), {}, {("a", "b c"): 0}),
    ("(NULL, 'x'), (NULL, 'x'), (1, NULL), (1, NULL)", Expect(unique=(("a",), ("a", "b c"))), {},
     {("a",): 1, ("a", "b c"): 0}),
    ("(1, 'x'), (NULL, 'x')", Expect(not_null=("A", "B C"), unique=(("A",),)), {"A": 1, "B C": 0}, {("A",): 0}),
    ("(1, 'x')", Expect(not_null=("nope",), unique=(("nope",), ("a", "nope"))), {}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "expect", "nulls", "duplicates"), CASES)
def test_what_an_expectation_asks_is_counted(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    expect: Expect,
    nulls: dict[str, int],
    duplicates: dict[tuple[str, ...], int],
) -> None:
    connection.execute('CREATE TABLE t (a INTEGER, "b c" VARCHAR)')
    connection.execute(f"INSERT INTO t VALUES {rows}")
    want = Want(T, TableKind.TABLE, expect=expect)
    assert _measure(connection, want) == {T: Measure(rows.count("("), nulls, duplicates)}


def test_an_empty_table_has_no_nulls_and_no_duplicates(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE t (a INTEGER)")
    want = Want(T, TableKind.TABLE, expect=Expect(not_null=("a",), unique=(("a",),)))
    assert _measure(connection, want) == {T: Measure(0, {"a": 0}, {("a",): 0})}


@pytest.mark.parametrize(
    "value", ["[1, 2]", "{'x': 1}", "MAP {'x': 1}", "'x'::BLOB", "now()", "'nan'::DOUBLE", "'{}'::JSON"]
)
def test_a_key_of_any_type_is_compared(connection: duckdb.DuckDBPyConnection, value: str) -> None:
    connection.execute(f"CREATE TABLE t AS SELECT {value} AS a, range AS n FROM range(3)")
    want = Want(T, TableKind.TABLE, expect=Expect(unique=(("a",), ("a", "n"))))
    assert _measure(connection, want) == {T: Measure(3, {}, {("a",): 2, ("a", "n"): 0})}


def test_a_relation_that_is_not_there_has_no_measure(connection: duckdb.DuckDBPyConnection) -> None:
    assert _measure(connection, Want(T, TableKind.TABLE)) == {}


def test_more_tables_than_fit_in_one_statement_are_measured(connection: duckdb.DuckDBPyConnection) -> None:
    wants = []
    for number in range(401):
        connection.execute(f"CREATE TABLE t{number} AS FROM range({number})")
        wants.append(Want(TableName.parse(f"t{number}"), TableKind.TABLE))
    assert [found.rows for found in _measure(connection, *wants).values()] == list(range(401))


def test_inside_a_transaction_the_first_error_is_told_for_all_that_it_ended(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("CREATE TABLE t AS SELECT 'x' AS a; CREATE VIEW v AS SELECT CAST(a AS INTEGER) AS n FROM t")
    wants = [
        Want(TableName.parse("v"), TableKind.VIEW, expect=Expect(not_null=("n",))),
        Want(T, TableKind.TABLE),
    ]
    connection.execute("BEGIN")
    found = _measure(connection, *wants)
    connection.execute("ROLLBACK")
    for answer in found.values():
        assert answer.error is not None and "Could not convert string 'x'" in answer.error


def test_an_interruption_is_raised_and_no_fault_of_a_table(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE VIEW t AS SELECT a.range FROM range(1_000_000_000) a, range(1_000_000) b WHERE a.range % 7 = b.range"
    )
    clock = threading.Timer(0.1, connection.interrupt)
    clock.start()
    with pytest.raises(duckdb.InterruptException):
        _measure(connection, Want(T, TableKind.VIEW))
    clock.join()

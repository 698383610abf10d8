"""One way of writing what DuckDB writes in several."""

from __future__ import annotations

import duckdb
import pytest

from provisioner.observe.spelling import plain, without_brackets, without_cast

SAME = [
    ("CAST('t' AS BOOLEAN)", "true"),
    ("a = CAST('f' AS BOOLEAN)", "a = false"),
    ("main.list_value(1, 2)", "list_value(1, 2)"),
    ("main.\"map\"(list_value('a'), list_value(1))", "\"map\"(list_value('a'), list_value(1))"),
    ("main.t.a", "main.t.a"),
    ("other.main.f(1)", "other.main.f(1)"),
    ("CAST(a AS \"BLOB\")", "CAST(a AS BLOB)"),
    ("CAST(a AS blob)", "CAST(a AS BLOB)"),
    ("CAST(a AS VARCHAR(3))", "CAST(a AS VARCHAR)"),
    ("CAST(a AS text[])", "CAST(a AS VARCHAR[])"),
    ("CAST(a AS DECIMAL(10, 2))", "CAST(a AS DECIMAL(10,2))"),
    ("CAST(a AS numeric(10, 2)[][3])", "CAST(a AS DECIMAL(10,2)[][3])"),
    ("CAST(a AS \"TIMESTAMP WITH TIME ZONE\")", "CAST(a AS TIMESTAMP WITH TIME ZONE)"),
    ("CAST(a AS TIMESTAMPTZ)", "CAST(a AS TIMESTAMP WITH TIME ZONE)"),
    ("CAST(CAST(a AS int8) AS text)", "CAST(CAST(a AS BIGINT) AS VARCHAR)"),
    ("TRY_CAST(a AS int)", "TRY_CAST(a AS INTEGER)"),
    ("CAST(a AS enum('A b', 'c'))", "CAST(a AS ENUM('A b', 'c'))"),
    ("CAST(a AS \"ENUM\"('A b', 'c'))", "CAST(a AS ENUM('A b', 'c'))"),
    ("CAST(a AS struct(\"X y\" integer))", "CAST(a AS STRUCT(\"X y\" integer))"),
    ("CAST(a AS \"my Type\")", "CAST(a AS \"my Type\")"),
    ("CAST(a AS \"select\")", "CAST(a AS \"select\")"),
    ("a > 1e3", "a > 1000.0"),
    ("a < 1_000", "a < 1000"),
    ("a < 1e400", "a < 1e400"),
    ("CAST(a AS DECIMAL)", "CAST(a AS DECIMAL(18,3))"),
    ("CAST(a AS DEC[])", "CAST(a AS DECIMAL(18,3)[])"),
    ("CAST(a AS NUMERIC(5)[])", "CAST(a AS DECIMAL(5,0)[])"),
    ("CAST(a AS VARINT)", "CAST(a AS BIGNUM)"),
    ("CAST(a AS uint8)", "CAST(a AS UTINYINT)"),
    ("NOT (a > 0)", "a <= 0"),
    ("(NOT (a != 0)) AND (NOT (b = 'x > y'))", "(a = 0) AND (b != 'x > y')"),
    ("(NOT (NOT (a >= 0)))", "(a >= 0)"),
    ("(NOT (a IS DISTINCT FROM 1))", "(a IS NOT DISTINCT FROM 1)"),
    ("(NOT (a IS NOT DISTINCT FROM 1))", "(a IS DISTINCT FROM 1)"),
    ("(NOT ((a = 1) OR (a = 2)))", "(NOT ((a = 1) OR (a = 2)))"),
    ("(NOT (b ~~ 'x = y'))", "(NOT (b ~~ 'x = y'))"),
    ("NOT (a > 0) IS NULL", "NOT (a > 0) IS NULL"),
    ("'NOT (a > 0)'", "'NOT (a > 0)'"),
    ("\"if\"((a > 0), 1, 2)", "CASE WHEN ((a > 0)) THEN (1) ELSE 2 END"),
    (
        "\"if\"((NOT (a > 0)), b, \"if\"(c, 1, f(2, 3)))",
        "CASE WHEN ((a <= 0)) THEN (b) ELSE CASE WHEN (c) THEN (1) ELSE f(2, 3) END END",
    ),
    ("my.\"if\"(a, b, c)", "my.\"if\"(a, b, c)"),
    ("date_part('YEAR', d)", "date_part('year', d)"),
    ("'CAST(a AS blob) main.f(1)  x'", "'CAST(a AS blob) main.f(1)  x'"),
    ("a  +   1 -- why", "a + 1"),
    ("\"Total\" > totaL", "\"total\" > total"),
    ("total.\"Total\" > total(1)", "total.\"Total\" > total(1)"),
    ("'no end", "'no end"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "spelt"), SAME)
def test_text_is_written_in_one_way(text: str, spelt: str) -> None:
    assert plain(text, {"total": "total"}) == spelt
    assert plain(spelt, {"total": "total"}) == spelt


BRACKETS = [
    ("(a)", "a"),
    ("((a + 1))", "a + 1"),
    ("(a) + (b)", "(a) + (b)"),
    ("(')')", "')'"),
    ("()", "()"),
    ("a", "a"),
]


@pytest.mark.parametrize(("text", "inner"), BRACKETS)
def test_brackets_around_all_of_it_are_taken_away(text: str, inner: str) -> None:
    assert without_brackets(text) == inner


CASTS = [
    ("CAST((a + 1) AS INTEGER)", "INTEGER", "a + 1"),
    ("CAST(CAST(a AS INTEGER) AS INTEGER)", "INTEGER", "a"),
    ("CAST(CAST(a AS BIGINT) AS INTEGER)", "INTEGER", "CAST(a AS BIGINT)"),
    ("CAST(a AS INTEGER) + CAST(b AS INTEGER)", "INTEGER", "CAST(a AS INTEGER) + CAST(b AS INTEGER)"),
    ("TRY_CAST(a AS INTEGER)", "INTEGER", "TRY_CAST(a AS INTEGER)"),
    ("CAST(a AS STRUCT(x INTEGER))", "STRUCT(x INTEGER)", "a"),
]


@pytest.mark.parametrize(("text", "type_text", "inner"), CASTS)
def test_casts_to_the_columns_own_type_are_taken_away(text: str, type_text: str, inner: str) -> None:
    assert without_cast(text, type_text) == inner


@pytest.mark.parametrize(
    ("name", "type_text"),
    [("int8", "BIGINT"), ("real", "FLOAT"), ("char(3)", "VARCHAR"), ("bytea", "BLOB"), ("datetime", "TIMESTAMP"),
     ("int1", "TINYINT"), ("long", "BIGINT"), ("numeric(5,1)", "DECIMAL(5,1)"), ("timetz", "TIME WITH TIME ZONE"),
     ("float8", "DOUBLE"), ("logical", "BOOLEAN"), ("signed", "INTEGER"), ("oid", "BIGINT"), ("guid", "UUID"),
     ("bitstring", "BIT"), ("int128", "HUGEINT"), ("short", "SMALLINT"), ("varbinary", "BLOB")],
)  # fmt: skip
def test_other_names_of_types_mean_what_duckdb_means_by_them(name: str, type_text: str) -> None:
    assert plain(f"CAST(a AS {name})") == f"CAST(a AS {type_text})"
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT typeof(CAST(NULL AS {name}))").fetchall() == [(type_text,)]

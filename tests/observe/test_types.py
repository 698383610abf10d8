"""A declared type's canonical text is the one that the catalog reports, on every DuckDB, before and after reopening."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from provisioner.observe.introspect import introspect
from provisioner.observe.types import PLAIN, resolve_types

CANONICAL: dict[str, str] = {
    **dict.fromkeys(["TINYINT", "INT1", "tinyint"], "TINYINT"),
    **dict.fromkeys(["SMALLINT", "INT2", "SHORT"], "SMALLINT"),
    **dict.fromkeys(["INTEGER", "INT", "int4", "SIGNED", " INT ", "INT\n", "INT /* c */"], "INTEGER"),
    **dict.fromkeys(["BIGINT", "INT8", "LONG"], "BIGINT"),
    **dict.fromkeys(["HUGEINT", "INT128"], "HUGEINT"),
    **{name: name for name in ["UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]},
    **dict.fromkeys(["FLOAT", "REAL", "FLOAT4"], "FLOAT"),
    **dict.fromkeys(["DOUBLE", "FLOAT8", "DOUBLE PRECISION"], "DOUBLE"),
    **dict.fromkeys(["DECIMAL", "NUMERIC", "DEC"], "DECIMAL(18,3)"),
    **dict.fromkeys(["DECIMAL(10,2)", "numeric( 10 , 2 )"], "DECIMAL(10,2)"),
    **{"DECIMAL(38)": "DECIMAL(38,0)", "NUMERIC(5)": "DECIMAL(5,0)", "BIGNUM": "BIGNUM"},
    **dict.fromkeys(["BOOLEAN", "BOOL", "LOGICAL"], "BOOLEAN"),
    **dict.fromkeys(["VARCHAR", "VARCHAR(10)", "TEXT", "STRING", "CHAR", "CHAR(3)", "BPCHAR", "NVARCHAR"], "VARCHAR"),
    **dict.fromkeys(["BLOB", "BYTEA", "BINARY", "VARBINARY"], "BLOB"),
    **dict.fromkeys(["BIT", "BITSTRING"], "BIT"),
    **dict.fromkeys(["UUID", "GUID"], "UUID"),
    **{"JSON": "JSON", "DATE": "DATE", "TIME": "TIME", "INTERVAL": "INTERVAL"},
    **dict.fromkeys(["TIMETZ", "TIME WITH TIME ZONE"], "TIME WITH TIME ZONE"),
    **dict.fromkeys(["TIMESTAMP", "DATETIME", "TIMESTAMP_US"], "TIMESTAMP"),
    **{name: name for name in ["TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"]},
    **dict.fromkeys(["TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"], "TIMESTAMP WITH TIME ZONE"),
    **{"INT[]": "INTEGER[]", "TEXT[][]": "VARCHAR[][]", "INT[3]": "INTEGER[3]", "INT ARRAY": "INTEGER[]"},
    'STRUCT(a INT, "x y" STRUCT(b TEXT))': 'STRUCT(a INTEGER, "x y" STRUCT(b VARCHAR))',
    "ROW(a INT)": "STRUCT(a INTEGER)",
    "MAP(TEXT, DECIMAL(4,1)[])": "MAP(VARCHAR, DECIMAL(4,1)[])",
    "UNION(i INT, s TEXT)": "UNION(i INTEGER, s VARCHAR)",
    "ENUM('a','b')": "ENUM('a', 'b')",
    "ENUM('it''s','a;b','--')[]": "ENUM('it''s', 'a;b', '--')[]",
    "STRUCT(e ENUM('x'), m MAP(INT, STRUCT(t TIMESTAMPTZ)[]))": (
        "STRUCT(e ENUM('x'), m MAP(INTEGER, STRUCT(t TIMESTAMP WITH TIME ZONE)[]))"
    ),
}
NO_TYPES = [
    "", " ", "nope", "INTT", "VARCHAR2", "INT NOT NULL", "INT DEFAULT 3", "INT PRIMARY KEY", "INT CHECK (x > 1)",
    "VARCHAR COLLATE NOCASE", "VARCHAR USING COMPRESSION zstd", "DECIMAL(99,1)", "DECIMAL(2,5)", "MAP", "ENUM",
    "'INT'", "NULL", "INT, b INT", "INT)", "INT)--", "INT))--", "INT -- c\n)", "INT; SELECT 1", "VARCHAR\x00", "INT[",
    "INTEGER); DROP TABLE x; --", "INT), (SELECT 1", "INT) AS a, CAST(1 AS INT", "INT)); COPY (SELECT 1) TO 'x'; --",
]  # fmt: skip


def test_every_alias_has_its_canonical_text() -> None:
    resolved, unknown = resolve_types(CANONICAL)
    assert unknown == ()
    assert resolved == CANONICAL


def test_the_canonical_text_is_canonical_itself() -> None:
    texts = set(CANONICAL.values())
    assert resolve_types(texts) == ({text: text for text in texts}, ())


def test_a_table_made_with_a_type_has_its_canonical_text_before_and_after_reopening(tmp_path: Path) -> None:
    path, resolved = str(tmp_path / "types.duckdb"), resolve_types(CANONICAL)[0]
    columns = ", ".join(f"c{number} {text}" for number, text in enumerate(CANONICAL))
    canonical = ", ".join(f"c{number} {resolved[text]}" for number, text in enumerate(CANONICAL))
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE TABLE written ({columns})")
        connection.execute(f"CREATE TABLE canonical ({canonical})")
        connection.execute("CREATE VIEW seen AS FROM written")
        before = introspect(connection, ()).relations
    with duckdb.connect(path, read_only=True) as connection:
        after = introspect(connection, ()).relations
    assert before == after and len(before) == 3
    for relation in before.values():
        assert [column.type for column in relation.columns] == list(CANONICAL.values())


@pytest.mark.parametrize("text", NO_TYPES)
def test_what_is_no_type_is_unknown(text: str) -> None:
    assert resolve_types([text, "INT"]) == ({"INT": "INTEGER"}, (text,))


def test_no_texts_need_no_types() -> None:
    assert resolve_types(()) == ({}, ())


PIECES = [
    "INT", "VARCHAR", "STRUCT(a INT)", "(", ")", ",", ";", "--", "\n", "/*", "*/", "'", '"', "[", "]", "[3]", "$$", " ",
    " AS ", "SELECT 1", "NOT NULL", "ENUM('a')", "MAP(INT, INT)", "DECIMAL(4,1)", "x", "DROP TABLE t", "1",
]  # fmt: skip


@examples(30)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_whatever_is_taken_for_a_type_makes_one_column_and_nothing_else(text: str) -> None:
    resolved, unknown = resolve_types([text])
    assert set(resolved) | set(unknown) == {text}
    for canonical in resolved.values():
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t (a {canonical})")
            assert connection.execute(
                "SELECT table_name, data_type FROM duckdb_columns() WHERE NOT internal"
            ).fetchall() == [("t", canonical)]


@pytest.mark.parametrize("start", range(0, len(PLAIN), 100))
def test_what_is_known_of_plain_types_is_what_duckdb_says(start: int) -> None:
    texts = list(PLAIN)[start : start + 100]
    columns = ", ".join(f"c{number} {text}" for number, text in enumerate(texts))
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({columns})")
        found = connection.execute("SELECT data_type FROM duckdb_columns() WHERE NOT internal").fetchall()
        assert [type_text for (type_text,) in found] == [PLAIN[text] for text in texts]
        for text in texts:
            connection.execute(f"SELECT CAST(NULL AS {text.lower()})")


def test_letters_beyond_ascii_make_no_plain_type() -> None:
    assert resolve_types(["\u017ftring", "INT\u0131"]) == ({}, ("INT\u0131", "\u017ftring"))

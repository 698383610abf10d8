"""Migrations on an empty copy: what is refused, what is left, and which views break."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from provisioner.declare.values import ForeignKey, TableName
from provisioner.observe.carbon import MANY, read_parts
from provisioner.observe.change_values import Rehearsal, Shape
from provisioner.observe.rehearse import staged
from provisioner.observe.shape import read_shapes

T = TableName.parse("t")
MADE = """
    CREATE TYPE mood AS ENUM ('good', 'it''s bad'); CREATE SCHEMA "s x"; CREATE SEQUENCE "s x".numbers START 5;
    CREATE MACRO more(a, b) AS a + b; CREATE MACRO "s x".listed(x) AS TABLE SELECT x AS y;
    CREATE TABLE t (a int PRIMARY KEY, v varchar DEFAULT 'x', n int DEFAULT nextval('"s x".numbers'),
        self int REFERENCES t (a));
    CREATE INDEX i ON t (v); COMMENT ON TABLE t IS 'it''s';
    CREATE TABLE child (x int REFERENCES t (a)); CREATE TABLE other (m mood);
    CREATE VIEW "a first" AS SELECT a FROM t; CREATE VIEW by_name AS SELECT v FROM {database}.main.t;
    CREATE VIEW above AS SELECT * FROM by_name; CREATE VIEW aside AS SELECT m, more(1, 2) AS x FROM other;
    CREATE VIEW of_macro AS SELECT * FROM "s x".listed(1); INSERT INTO t (a) VALUES (1), (2)"""


@pytest.fixture(params=["memory", "in a file"])
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    path = ":memory:" if request.param == "memory" else str(tmp_path / "my shop.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute(MADE.format(database="memory" if path == ":memory:" else '"my shop"'))
        yield connection


def _rehearse(live: duckdb.DuckDBPyConnection, *statements: str) -> Rehearsal:
    before = live.execute("FROM t").fetchall()
    with staged(live, [T]) as stage:
        found = stage.rehearse(Shape(T), statements)
        assert stage.rehearse(Shape(T), ()).broken == (), "what was tried before is undone"
    assert live.execute("FROM t").fetchall() == before
    return found


def test_nothing_done_leaves_all_as_it_is(live: duckdb.DuckDBPyConnection) -> None:
    found = _rehearse(live)
    assert (found.refused, found.broken) == ("", ())
    assert found.left is not None and found.left == read_shapes(live, [T])[T]


REFUSED = [
    ("ALTER TABLE t ALTER COLUMN v SET DATA TYPE int", "Catalog Error: Cannot change the type of this column"),
    ("INSERT INTO nope SELECT 1", "Catalog Error: Table with name nope does not exist!"),
    ("SELECT error('no')", "Invalid Input Error: no"),
    ("COPY (SELECT 1) TO '/tmp/never.csv'", "Permission Error: "),
    ("not even SQL", "Parser Error: "),
]


@pytest.mark.parametrize(("statement", "words"), REFUSED)
def test_what_duckdb_refuses_is_told_in_its_words(live: duckdb.DuckDBPyConnection, statement: str, words: str) -> None:
    found = _rehearse(live, "CREATE TABLE new (a int)", statement)
    assert found.refused.startswith(words) and "\n" not in found.refused and found.left is None


def test_a_table_made_anew_with_its_children_is_read_again_and_views_it_breaks_are_named(
    live: duckdb.DuckDBPyConnection,
) -> None:
    found = _rehearse(
        live,
        "CREATE TABLE child_kept AS FROM child",
        "DROP TABLE child",
        "CREATE TABLE t_kept AS FROM t",
        "DROP TABLE t",
        "CREATE TABLE t (a bigint PRIMARY KEY, self bigint REFERENCES t (a))",
        "INSERT INTO t (a) SELECT a FROM t_kept",
        "SELECT CASE WHEN (SELECT count(*) FROM t) = (SELECT count(*) FROM t_kept) THEN true ELSE error('lost') END",
        "CREATE TABLE child (x bigint REFERENCES t (a))",
    )
    assert found.refused == "" and found.left is not None
    assert [column.type for column in found.left.columns] == ["BIGINT", "BIGINT"]
    assert found.left.foreign_keys == (ForeignKey(("self",), T, ("a",)),)
    assert [str(view) for view, _ in found.broken] == ["above", "by_name"]
    assert all(words and "\n" not in words for _, words in found.broken)


def test_a_table_that_is_gone_leaves_nothing(live: duckdb.DuckDBPyConnection) -> None:
    found = _rehearse(live, "DROP TABLE child", "DROP TABLE t")
    assert found.left is None and {str(view) for view, _ in found.broken} == {"a first", "above", "by_name"}


def test_a_view_that_could_not_be_read_before_is_not_called_broken(live: duckdb.DuckDBPyConnection) -> None:
    live.execute("CREATE TABLE gone (a int); CREATE VIEW stale AS FROM gone; DROP TABLE gone")
    assert _rehearse(live, "CREATE TABLE gone (b int)").broken == ()


def test_of_many_relations_those_that_could_matter_are_copied() -> None:
    with duckdb.connect() as live:
        live.execute(MADE.format(database="memory"))
        live.execute(";".join(f"CREATE TABLE far_{number} (a int)" for number in range(MANY)))
        live.execute("CREATE VIEW wide AS SELECT far_3.a FROM far_3 JOIN child ON x = a")
        parts = read_parts(live, [T])
        text = " ".join(parts.statements)
        assert {str(view) for view in parts.views} == {"a first", "above", "by_name", "wide"}
        assert "child" in text and "far_3" in text and "far_4" not in text
        with staged(live, [T]) as stage:
            assert stage.rehearse(Shape(T), ("ALTER TABLE far_3 RENAME a TO b",)).broken[0][0] == TableName.parse(
                "wide"
            )
            assert stage.rehearse(Shape(T), ("ALTER TABLE far_9 RENAME a TO b",)).refused
        with staged(live, [T, TableName.parse("far_9")]) as stage:
            assert not stage.rehearse(Shape(T), ("ALTER TABLE far_9 RENAME a TO b",)).refused

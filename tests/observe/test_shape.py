"""The structure of tables and views as the catalog tells it, and the statements that make the same again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from provisioner.declare.values import ForeignKey, TableName
from provisioner.observe.change_values import ColumnShape, IndexShape, Shape
from provisioner.observe.ddl_text import create_statements, drop_index
from provisioner.observe.shape import digest_of_shape, read_family, read_shapes
from provisioner.observe.structure import read_structures

T = TableName.parse("t")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def _read(connection: duckdb.DuckDBPyConnection, made: str, table: TableName = T) -> Shape:
    connection.execute(made)
    return read_shapes(connection, [table])[table]


def _column(text: str, **facts: object) -> tuple[str, ColumnShape]:
    return f"CREATE TABLE t ({text})", replace(ColumnShape("a", "INTEGER"), **facts)  # type: ignore[arg-type]


COLUMNS = [
    _column("a INTEGER"),
    _column("A int NOT NULL", name="A", nullable=False),
    _column("a int PRIMARY KEY", nullable=False),
    _column("a int DEFAULT 3", default="3"),
    _column("a int DEFAULT (1 + 1)", default="1 + 1"),
    _column("a int DEFAULT NULL"),
    _column("a int DEFAULT 3 PRIMARY KEY", default="3", nullable=False),
    _column("a boolean DEFAULT true", type="BOOLEAN", default="true"),
    _column("a boolean DEFAULT 't'::boolean", type="BOOLEAN", default="true"),
    _column("a blob DEFAULT 'x'::blob", type="BLOB", default="CAST('x' AS BLOB)"),
    _column("a int[] DEFAULT [1, 2]", type="INTEGER[]", default="list_value(1, 2)"),
    _column("a varchar DEFAULT 'it''s, (so) COLLATE x'", type="VARCHAR", default="'it''s, (so) COLLATE x'"),
    _column("a varchar COLLATE nocase.noaccent", type="VARCHAR", collation="nocase.noaccent"),
    _column("a varchar COLLATE NOCASE DEFAULT 'x'", type="VARCHAR", collation="nocase", default="'x'"),
    _column('a STRUCT("collate" varchar, "b c" int)', type='STRUCT("collate" VARCHAR, "b c" INTEGER)'),
    _column("a ENUM('x', 'y, z)')", type="ENUM('x', 'y, z)')"),
    _column("a varchar GENERATED ALWAYS AS (upper(b) || 'z'), b varchar", type="VARCHAR", generated="upper(b) || 'z'"),
    _column("a bigint GENERATED ALWAYS AS (CAST(B AS bigint)), b int", type="BIGINT", generated="b"),
    _column("a int GENERATED ALWAYS AS (b::varchar(3)::int), b int", generated="CAST(b AS VARCHAR)"),
]


@pytest.mark.parametrize(("made", "column"), COLUMNS)
def test_a_column_is_read_whole(connection: duckdb.DuckDBPyConnection, made: str, column: ColumnShape) -> None:
    assert _read(connection, made).columns[0] == column


def test_keys_checks_and_references_are_read(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE p (x int PRIMARY KEY, y int UNIQUE)")
    shape = _read(
        connection,
        "CREATE TABLE t (b int CHECK (B > 1), a int REFERENCES p, c int REFERENCES p (y), s int REFERENCES t (a), "
        "PRIMARY KEY (a), UNIQUE (c, b), UNIQUE (b), UNIQUE (b), CHECK (\"A\" <> b AND 'a''B' <> 'b'))",
    )
    assert shape.key == ("a",)
    assert shape.unique == (("b",), ("c", "b"))
    assert shape.checks == ("(a != b) AND ('a''B' != 'b')", "b > 1")
    p = TableName.parse("p")
    assert shape.foreign_keys == (
        ForeignKey(("a",), p, ("x",)),
        ForeignKey(("c",), p, ("y",)),
        ForeignKey(("s",), T, ("a",)),
    )


def test_indexes_are_read_with_their_columns_as_the_table_spells_them(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute('CREATE TABLE t (a int, "B, (c" varchar)')
    connection.execute('CREATE INDEX "j ""x" ON t ("b, (C", (a + 1), lower("B, (c")); CREATE UNIQUE INDEX i ON t (A)')
    assert read_shapes(connection, [T])[T].indexes == (
        IndexShape("i", ('"a"',), True),
        IndexShape('j "x', ('"B, (c"', "(a + 1)", '(lower("b, (c"))')),
    )
    connection.execute(drop_index(IndexShape('j "x', ()), T))


VIEWS = [
    ("CREATE VIEW t AS SELECT 1 AS a", "SELECT 1 AS a"),
    ('CREATE VIEW t (x, "y z") AS SELECT 1, 2', 'SELECT * FROM (SELECT 1, 2) AS renamed(x, "y z")'),
    ("CREATE VIEW t AS SELECT 't'::boolean AS \"AS\"", 'SELECT true AS "AS"'),
    ("CREATE VIEW t AS SELECT ' AS ;' AS a", "SELECT ' AS ;' AS a"),
]


@pytest.mark.parametrize(("made", "query"), VIEWS)
def test_a_view_is_its_query(connection: duckdb.DuckDBPyConnection, made: str, query: str) -> None:
    connection.execute(made)
    connection.execute("COMMENT ON VIEW t IS 'it''s'")
    assert read_shapes(connection, [T])[T] == Shape(T, comment="it's", view=query)


ODD = [
    'CREATE TABLE "odd ""n.t" ("a ""b" int DEFAULT 3, "select" int CHECK ("select" > 2), "é" int NOT NULL, "A.b" int)',
    'CREATE SCHEMA "s.x"; CREATE TABLE "s.x"."odd ""n.t" ("from" int UNIQUE, "generated" varchar COLLATE nocase)',
    'CREATE TABLE "odd ""n.t" ("collate" varchar, "CAST" int, "AS" int, CHECK ("AS" > "CAST"), CHECK ("AS" IN (1, 2)))',
    'CREATE TABLE "odd ""n.t" (a int PRIMARY KEY, "Ä" int REFERENCES "odd ""n.t" (a), '
    'c int GENERATED ALWAYS AS (a + "Ä"), CHECK (CASE WHEN a = 1 THEN true ELSE a BETWEEN 2 AND 3 END))',
    'CREATE TABLE "odd ""n.t" (a int, b varchar); CREATE INDEX "i" ON "odd ""n.t" (a, (lower(b)));'
    'COMMENT ON TABLE "odd ""n.t" IS \'it\'\'s\'; COMMENT ON COLUMN "odd ""n.t".b IS \'b -- b\'',
    'CREATE VIEW "odd ""n.t" ("x y", z) AS SELECT 1, 2',
]


@pytest.mark.parametrize("made", ODD)
def test_the_statements_of_a_shape_make_the_same_again(connection: duckdb.DuckDBPyConnection, made: str) -> None:
    table = TableName("s.x" if "s.x" in made else "main", 'odd "n.t')
    shape = _read(connection, made, table)
    with duckdb.connect() as other:
        other.execute('CREATE SCHEMA "s.x"')
        for statement in create_statements(shape):
            other.execute(statement)
        again = read_shapes(other, [table])[table]
        assert replace(again, view=None) == replace(shape, view=None)
        assert digest_of_shape(again) == digest_of_shape(shape)


def test_the_digest_is_the_same_after_a_reopening(tmp_path: object) -> None:
    path = f"{tmp_path}/t.duckdb"
    with duckdb.connect(path) as first:
        shape = _read(
            first,
            "CREATE TABLE t (a int CHECK (a::decimal(10,2) > 1 AND a IN (1, 2)), "
            "b boolean DEFAULT true CHECK (b = true), "
            "l int[] DEFAULT [1], v blob DEFAULT 'a'::blob CHECK (v::varchar(3) <> 'x' AND date '2020-01-01' > now()), "
            "g varchar GENERATED ALWAYS AS (a::text)); CREATE INDEX i ON t ((a::bigint))",
        )
        first.execute("CREATE VIEW v AS SELECT [1]::int[] AS l, true AS b, 'a'::blob AS c")
        view = read_shapes(first, [TableName.parse("v")])
    with duckdb.connect(path) as second:
        assert read_shapes(second, [T])[T] == shape
        assert read_shapes(second, [TableName.parse("v")]) == view


def test_what_is_absent_temporary_or_elsewhere_is_not_there(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TEMP TABLE t (a int); ATTACH ':memory:' AS o; CREATE TABLE o.t (a int)")
    assert read_shapes(connection, [T, TableName.parse("nope")]) == {}
    assert read_shapes(connection, []) == {}


def test_many_tables_are_read_with_no_filter(connection: duckdb.DuckDBPyConnection) -> None:
    tables = [TableName.parse(f"t{number}") for number in range(60)]
    for table in tables:
        connection.execute(f"CREATE TABLE {table.sql} (a int)")
    assert read_shapes(connection, tables).keys() == set(tables)
    assert read_shapes(connection, tables[:3]).keys() == set(tables[:3])


def test_the_family_comes_each_after_what_it_refers_to(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE TABLE t (a int PRIMARY KEY, s int REFERENCES t (a)); CREATE TABLE z (a int PRIMARY KEY REFERENCES t);"
        "CREATE TABLE b (a int REFERENCES z, t int REFERENCES t); CREATE TABLE alone (a int)"
    )
    family = read_family(connection, [T, TableName.parse("alone")])
    assert [child.table.name for child in family.pop(T)] == ["z", "b"]
    assert family == {}


def test_a_table_that_refers_to_itself_is_told_whole(connection: duckdb.DuckDBPyConnection) -> None:
    shape = _read(connection, "CREATE TABLE t (a int PRIMARY KEY, s int REFERENCES t (a))")
    statements = read_structures(connection, [T])[T]
    with duckdb.connect() as other:
        for statement in statements:
            other.execute(statement)
        assert read_shapes(other, [T])[T] == shape


def test_a_foreign_key_cannot_leave_its_schema(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE p (a int PRIMARY KEY); CREATE SCHEMA s")
    with pytest.raises(duckdb.Error):
        connection.execute("CREATE TABLE s.t (a int, FOREIGN KEY (a) REFERENCES main.p (a))")

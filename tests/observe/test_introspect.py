"""What the catalog says of a live database."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from provisioner.declare.values import Column, Expect, Place, TableKind, TableName
from provisioner.observe.introspect import FEW, introspect, introspect_made, read_recorded
from provisioner.observe.layout import read_layouts
from provisioner.observe.measure import CHUNK
from provisioner.observe.records import CREATE_RECORDS, encode_parts
from provisioner.observe.values import Catalog, ColumnFact, Measure, Parts, Relation, Want

WORLD = """
CREATE SCHEMA "Mart";
CREATE TABLE plain (a INTEGER, "b c" TEXT NOT NULL);
INSERT INTO plain VALUES (1, 'x'), (2, 'y');
CREATE TABLE keyed (a INTEGER, b INTEGER, c INTEGER UNIQUE, PRIMARY KEY (b, a));
CREATE TABLE child (a INTEGER, b INTEGER, FOREIGN KEY (b, a) REFERENCES keyed (b, a));
CREATE TABLE only_unique (a INTEGER UNIQUE);
CREATE TABLE with_index (a INTEGER);
CREATE INDEX by_a ON with_index (a);
CREATE TABLE "Mart"."we ird.ß""q" (d DATE);
CREATE VIEW seen AS SELECT a FROM plain;
CREATE VIEW broken AS SELECT a FROM with_index;
CREATE VIEW twice_broken AS SELECT a FROM broken;
CREATE VIEW failing AS SELECT CAST("b c" AS INTEGER) AS n FROM plain;
DROP TABLE with_index;
CREATE TABLE with_index (z INTEGER);
CREATE INDEX by_z ON with_index (z);
CREATE TEMP TABLE fleeting (a INTEGER);
CREATE TEMP VIEW fleeting_view AS SELECT 1 AS a;
CREATE SEQUENCE numbers;
CREATE MACRO one() AS 1;
ATTACH ':memory:' AS other;
CREATE TABLE other.main.elsewhere (a INTEGER);
CREATE TABLE other.main.plain (zzz INTEGER);
"""


NOTHING = Expect()


def _table(name: str, expect: Expect = NOTHING, kind: TableKind = TableKind.TABLE) -> Want:
    return Want(TableName.parse(name), kind, expect=expect)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "world.duckdb")) as connection:
        for statement in [*WORLD.split(";\n"), *CREATE_RECORDS]:
            connection.execute(statement)
        yield connection


def _stamp(connection: duckdb.DuckDBPyConnection, *tables: str) -> None:
    for table in tables:
        connection.execute(
            "INSERT INTO _provisioner.stamps VALUES ('main', ?, 'u', 'f', 'b', ?, 'r', 't', false, false, '')",
            [table, encode_parts(Parts())],
        )


def test_every_relation_of_this_database_is_there_and_no_other(world: duckdb.DuckDBPyConnection) -> None:
    tables, views = TableKind.TABLE, TableKind.VIEW
    assert {str(name): relation.kind for name, relation in introspect(world, ()).relations.items()} == {
        "plain": tables, "keyed": tables, "child": tables, "only_unique": tables, "with_index": tables,
        'Mart."we ird.ß""q"': tables, "seen": views, "broken": views, "twice_broken": views, "failing": views,
    }  # fmt: skip


def test_columns_types_nullability_keys_and_indexes_are_told(world: duckdb.DuckDBPyConnection) -> None:
    relations = introspect(world, ()).relations
    plain, keyed = TableName.parse("PLAIN"), TableName.parse("keyed")
    assert relations[plain] == Relation(
        plain, TableKind.TABLE, (ColumnFact("a", "INTEGER"), ColumnFact("b c", "VARCHAR", nullable=False))
    )
    assert relations[keyed].key == ("b", "a")
    assert [column.nullable for column in relations[keyed].columns] == [False, False, True]
    assert {str(name) for name, relation in relations.items() if relation.indexed} == {
        "keyed", "child", "only_unique", "with_index",
    }  # fmt: skip


def test_the_catalog_is_the_same_after_reopening(world: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    before = introspect(world, ())
    world.close()
    with duckdb.connect(str(tmp_path / "world.duckdb"), read_only=True) as connection:
        assert introspect(connection, ()) == before


def test_an_empty_database_exists_and_holds_nothing() -> None:
    with duckdb.connect() as connection:
        catalog = introspect(connection, [_table("plain", Expect(min_rows=1))])
    assert catalog.exists and not (catalog.relations or catalog.stamps or catalog.marks or catalog.measures)


COUNTED: list[tuple[str, Want, int | None]] = [
    ("an unstamped table", _table("plain"), 2),
    ("a stamped table", _table("stamped"), None),
    ("a stamped table with an expectation", _table("stamped", Expect(min_rows=1)), 1),
    ("a view", _table("seen"), None),
    ("a view with an expectation", _table("seen", Expect(min_rows=1)), 2),
]


@pytest.mark.parametrize(("want", "rows"), [case[1:] for case in COUNTED], ids=[case[0] for case in COUNTED])
def test_rows_are_counted_where_they_matter(world: duckdb.DuckDBPyConnection, want: Want, rows: int | None) -> None:
    world.execute("CREATE TABLE stamped AS SELECT 1 AS a")
    _stamp(world, "stamped")
    catalog = introspect(world, [want])
    assert catalog.relations[want.table].rows == rows
    assert (want.table in catalog.measures) == (not want.expect.empty)


def test_a_broken_view_is_read_and_only_its_measure_tells(world: duckdb.DuckDBPyConnection) -> None:
    some = Expect(min_rows=1)
    views = ["broken", "twice_broken", "failing"]
    wants = [_table("plain", some), *(_table(name, some, TableKind.VIEW) for name in views), _table("keyed", some)]
    wants[3] = _table("failing", Expect(not_null=("n",)), TableKind.VIEW)
    measures = introspect(world, wants).measures
    assert measures[TableName.parse("plain")] == Measure(rows=2)
    assert measures[TableName.parse("keyed")] == Measure(rows=0)
    for name in views:
        assert measures[TableName.parse(name)].error and measures[TableName.parse(name)].rows is None


def test_one_units_tables_are_read_alone_within_their_transaction(world: duckdb.DuckDBPyConnection) -> None:
    _stamp(world, "plain", "keyed", "new")
    world.execute("BEGIN")
    world.execute('CREATE TABLE "NEW" AS SELECT 1 AS a')
    world.execute('CREATE TABLE "Mart".new AS SELECT 1 AS a')
    world.execute("INSERT INTO _provisioner.marks VALUES ('main', 'New', 'u', 'r', NULL, NULL, NULL, 't', false, NULL)")
    new = TableName.parse("new")
    catalog = read_recorded(world, {new, TableName.parse("absent")})
    world.execute("ROLLBACK")
    assert list(catalog.relations) == list(catalog.stamps) == list(catalog.marks) == [new]
    assert new not in introspect(world, ()).relations


def _all_of(connection: duckdb.DuckDBPyConnection) -> tuple[Catalog, list[Want]]:
    listed = introspect(connection, ())
    return listed, [Want(name, relation.kind) for name, relation in listed.relations.items()]


MORE = """
CREATE TABLE kinds (e ENUM('a','it''s'), s STRUCT(a INT, "x y" VARCHAR), d DECIMAL(4,1)[] NOT NULL, t TIMESTAMPTZ,
    u UNION(i INT, s TEXT), m MAP(INT, TEXT), k VARCHAR COLLATE NOCASE, g INT GENERATED ALWAYS AS (1 + 1));
CREATE SCHEMA "S ""q"".x";
CREATE TABLE "S ""q"".x"."PLAIN" (a INTEGER PRIMARY KEY DEFAULT (3), b VARCHAR CHECK (length(b) > 0));
CREATE TABLE "nämé" (a INTEGER);
CREATE TABLE "NÄMÉ" (a VARCHAR)
"""


def _recorded(connection: duckdb.DuckDBPyConnection, wants: Iterable[Want]) -> Catalog:
    return read_recorded(connection, {want.table for want in wants})


@pytest.mark.parametrize("read", [_recorded, introspect_made])
def test_a_few_relations_are_read_as_the_listing_has_them(
    world: duckdb.DuckDBPyConnection, read: Callable[..., Catalog]
) -> None:
    world.execute("BEGIN")
    for statement in MORE.split(";\n"):
        world.execute(statement)
    listed, wants = _all_of(world)
    for few in ([want] for want in wants):
        found = read(world, few).relations
        assert list(found) == [few[0].table]
        assert [replace(one, rows=None) for one in found.values()] == [listed.relations[few[0].table]]
    assert len(wants) < FEW and read(world, wants).relations.keys() == listed.relations.keys()
    assert world.execute("SELECT count(*) FROM kinds").fetchall() == [(0,)]
    world.execute("ROLLBACK")


@pytest.mark.parametrize(
    "name", ["absent", "no.schema", "fleeting", "fleeting_view", "elsewhere", "other.elsewhere", "numbers"]
)
def test_what_is_not_there_is_found_out_without_ending_the_transaction(
    world: duckdb.DuckDBPyConnection, name: str
) -> None:
    world.execute("BEGIN")
    world.execute("CREATE TABLE made AS SELECT 1 AS a")
    assert read_recorded(world, {TableName.parse(name)}).relations == {}
    assert introspect_made(world, [_table("made")]).relations[TableName.parse("made")].rows == 1
    world.execute("COMMIT")


@pytest.mark.parametrize("form", ["no JSON", "{}", '{"error": true, "error_type": "new", "error_message": ""}'])
def test_a_duckdb_that_answers_in_another_form_is_asked_for_its_lists(
    world: duckdb.DuckDBPyConnection, form: str
) -> None:
    class Newer:
        """A DuckDB whose plans look otherwise."""

        def execute(self, sql: str, values: Any = None) -> Any:
            changed = sql.replace("json_serialize_plan(", f"concat('{form}', left(") if "json_serialize" in sql else sql
            return world.execute(
                changed.replace("asked.table_name\n        )\n    )", "asked.table_name), 0))"), values
            )

    tables = [*introspect(world, ()).relations, TableName.parse("absent"), TableName.parse("nowhere.absent")]
    newer: Any = Newer()
    assert read_layouts(newer, tables) == read_layouts(world, tables) != {}


def test_more_than_a_few_relations_are_read_as_the_listing_has_them(world: duckdb.DuckDBPyConnection) -> None:
    for number in range(FEW + 1):
        world.execute(f"CREATE TABLE t{number} (a INTEGER PRIMARY KEY)")
    listed, wants = _all_of(world)
    found = _recorded(world, wants).relations
    assert {table: replace(one, rows=None) for table, one in found.items()} == listed.relations


COLUMNS = (Column("A", "INTEGER", Place("m", 1, 1)), Column("b c", "VARCHAR", Place("m", 1, 1), nullable=False))
DECLARED: list[tuple[str, Want, int | None]] = [
    ("as declared", Want(TableName.parse("plain"), TableKind.TABLE, COLUMNS, declared=True), None),
    ("another type", Want(TableName.parse("plain"), TableKind.TABLE, COLUMNS[:1], declared=True), 2),
    ("a key", Want(TableName.parse("plain"), TableKind.TABLE, COLUMNS, ("a",), declared=True), 2),
    ("made by a step now", Want(TableName.parse("plain"), TableKind.TABLE, COLUMNS), 2),
]


@pytest.mark.parametrize(("want", "rows"), [case[1:] for case in DECLARED], ids=[case[0] for case in DECLARED])
def test_users_rows_are_counted_where_something_may_happen_to_them(
    world: duckdb.DuckDBPyConnection, want: Want, rows: int | None
) -> None:
    world.execute(
        "INSERT INTO _provisioner.stamps VALUES "
        "('main', 'plain', 'table:plain', 'f', 'b', ?, 'r', 't', false, false, '')",
        [encode_parts(Parts())],
    )
    assert introspect(world, [want]).relations[want.table].rows == rows


@pytest.mark.parametrize(("remembers", "rows"), [(True, None), (False, 2)])
def test_rows_that_earlier_runs_gathered_are_counted_when_their_unit_no_longer_remembers(
    world: duckdb.DuckDBPyConnection, remembers: bool, rows: int | None
) -> None:
    world.execute(
        "INSERT INTO _provisioner.stamps VALUES ('main', 'plain', 'log', 'f', 'b', ?, 'r', 't', false, true, '')",
        [encode_parts(Parts())],
    )
    want = Want(TableName.parse("plain"), TableKind.TABLE, remembers=remembers)
    assert introspect(world, [want]).relations[want.table].rows == rows


class Counted:
    """A real connection with an ear on it, for DuckDB does not tell how many queries it ran."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.queries = 0

    def execute(self, *query: Any) -> duckdb.DuckDBPyConnection:
        self.queries += 1
        return self._connection.execute(*query)


@pytest.mark.parametrize("tables", [1, 300])
def test_the_catalog_takes_a_handful_of_queries_however_many_tables_there_are(tables: int) -> None:
    wants = [_table(f"t{number}") for number in range(tables)]
    with duckdb.connect() as connection:
        for number in range(tables):
            connection.execute(f"CREATE TABLE t{number} AS SELECT {number} AS a")
        counted: Any = Counted(connection)
        catalog = introspect(counted, wants)
    assert [catalog.relations[want.table].rows for want in wants] == [1] * tables
    assert counted.queries == 4 + math.ceil(tables / CHUNK)

"""Stamps and marks: what is written is read, what is damaged is absent, what is newer is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.declare.values import TableName
from provisioner.errors import DatabaseError
from provisioner.execute.stamps import create_records, grant
from provisioner.observe.records import (
    CREATE_RECORDS,
    decode_parts,
    decode_stamp,
    encode_parts,
    encode_stamp,
    read_records,
)
from provisioner.observe.values import Mark, Parts, Stamp

ORDERS = TableName("main", "orders")
PARTS = Parts({"sql": "a1"}, {"data/ü.csv": "b2"}, {"model.x": "c3"})
STAMP = Stamp(ORDERS, "orders", "f1", "b1", PARTS, "run-1", "2026-01-02T03:04:05Z", protect=True)
STAMP_VALUES = {
    "schema_name": "main", "table_name": "orders", "unit": "orders", "fingerprint": "f1", "base": "b1",
    "parts": encode_parts(PARTS), "run": "run-1", '"at"': "2026-01-02T03:04:05Z", "protect": True,
}  # fmt: skip
MARK_VALUES = {
    "schema_name": "Mart", "table_name": "Orders", "unit": "orders", "run": "run-2", "existed": False,
    "kept": "orders__kept", "stamp": encode_stamp(STAMP), '"at"': "2026-01-02T03:04:05Z",
}  # fmt: skip


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in CREATE_RECORDS:
            connection.execute(statement)
        yield connection


def _insert(connection: duckdb.DuckDBPyConnection, table: str, values: dict[str, object]) -> None:
    places = ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO _provisioner.{table} ({', '.join(values)}) VALUES ({places})", list(values.values())
    )


def test_a_database_without_records_has_none() -> None:
    with duckdb.connect() as connection:
        assert read_records(connection) == ({}, {})


def test_making_the_records_twice_changes_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    for statement in CREATE_RECORDS:
        connection.execute(statement)
    assert connection.execute("FROM _provisioner.format").fetchall() == [(1,)]
    assert read_records(connection) == ({}, {})


def test_a_stamp_and_a_mark_are_read_as_they_were_written(connection: duckdb.DuckDBPyConnection) -> None:
    _insert(connection, "stamps", STAMP_VALUES)
    _insert(connection, "marks", MARK_VALUES)
    mart = TableName("mart", "orders")
    assert read_records(connection) == (
        {ORDERS: STAMP},
        {mart: Mark(mart, "orders", "run-2", False, "orders__kept", STAMP)},
    )


def test_only_the_named_tables_are_read_and_case_is_folded_in_ascii_only(connection: duckdb.DuckDBPyConnection) -> None:
    for name in ("Orders", "É", "é"):
        _insert(connection, "stamps", {**STAMP_VALUES, "table_name": name})
        _insert(connection, "marks", {**MARK_VALUES, "table_name": name})
    for names, expected in [(["orders"], {"Orders"}), (["é"], {"é"}), (["É", "no"], {"É"}), ([], set())]:
        stamps, marks = read_records(connection, names)
        assert {table.name for table in stamps} == {table.name for table in marks} == expected


DAMAGED_STAMPS: list[tuple[str, object]] = [
    ("schema_name", None), ("table_name", ""), ("unit", None), ("fingerprint", ""), ("fingerprint", None),
    ("base", None), ("run", None), ('"at"', None), ("parts", None), ("parts", ""), ("parts", "{"), ("parts", "[]"),
    ("parts", "{}"), ("parts", '{"definition":{"a":1},"inputs":{},"upstream":{}}'), ("parts", "[" * 100_000),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), DAMAGED_STAMPS)
def test_a_damaged_stamp_is_an_absent_stamp(connection: duckdb.DuckDBPyConnection, column: str, value: object) -> None:
    _insert(connection, "stamps", {**STAMP_VALUES, column: value})
    other = {**STAMP_VALUES, "table_name": "other"}
    _insert(connection, "stamps", other)
    assert list(read_records(connection)[0]) == [TableName("main", "other")]


OF_OLDER = '{"at":"t","base":"b","fingerprint":"f","parts":{"definition":{},"inputs":{},"upstream":{}},"protect":true,'
OF_OLDER += '"run":"r","table":{"name":"orders","schema":"main"},"unit":"u"}'


def test_what_an_older_provision_wrote_remembers_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("ALTER TABLE _provisioner.stamps DROP COLUMN memory")
    _insert(connection, "stamps", STAMP_VALUES)
    assert read_records(connection)[0] == {ORDERS: STAMP}
    create_records(connection)
    grant(connection, [replace(STAMP, memory=True)])
    assert read_records(connection)[0] == {ORDERS: replace(STAMP, memory=True)}
    assert decode_stamp(OF_OLDER) == Stamp(ORDERS, "u", "f", "b", Parts(), "r", "t", protect=True)


def test_two_stamps_for_one_table_contradict_each_other(connection: duckdb.DuckDBPyConnection) -> None:
    _insert(connection, "stamps", STAMP_VALUES)
    _insert(connection, "stamps", {**STAMP_VALUES, "table_name": "ORDERS", "fingerprint": "f2"})
    assert read_records(connection)[0] == {}


DAMAGED_MARKS: list[tuple[str, object]] = [
    ("unit", None), ("run", None), ("existed", None), ("kept", None), ("stamp", None), ("stamp", "{"), ("stamp", "{}"),
    ('"at"', None),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), DAMAGED_MARKS)
def test_a_damaged_mark_is_still_a_mark(connection: duckdb.DuckDBPyConnection, column: str, value: object) -> None:
    _insert(connection, "marks", {**MARK_VALUES, column: value})
    (mark,) = read_records(connection)[1].values()
    assert mark.table == TableName("mart", "orders")
    assert mark.existed == (column == "existed")


DAMAGED_TABLES = [
    "DROP TABLE _provisioner.stamps",
    "ALTER TABLE _provisioner.stamps DROP COLUMN fingerprint",
    "ALTER TABLE _provisioner.stamps DROP COLUMN table_name",
    "ALTER TABLE _provisioner.stamps ALTER parts TYPE INTEGER USING 1",
    "ALTER TABLE _provisioner.stamps ALTER table_name TYPE INTEGER[] USING [1]",
    "CREATE OR REPLACE TABLE _provisioner.stamps (a INTEGER)",
    "DROP TABLE _provisioner.stamps; CREATE VIEW _provisioner.stamps AS FROM _provisioner.marks",
]


@pytest.mark.parametrize("damage", DAMAGED_TABLES)
@pytest.mark.parametrize("names", [None, ["orders"]])
def test_a_damaged_table_of_stamps_is_no_stamps_and_keeps_the_marks(
    connection: duckdb.DuckDBPyConnection, damage: str, names: list[str] | None
) -> None:
    _insert(connection, "stamps", STAMP_VALUES)
    _insert(connection, "marks", MARK_VALUES)
    connection.execute(damage)
    stamps, marks = read_records(connection, names)
    assert ORDERS not in stamps and len(marks) == 1


DAMAGED_MARK_TABLES = [
    "ALTER TABLE _provisioner.marks DROP COLUMN stamp",
    "ALTER TABLE _provisioner.marks DROP COLUMN existed",
    "ALTER TABLE _provisioner.marks ALTER run TYPE TIMESTAMPTZ USING now()",
]


@pytest.mark.parametrize("damage", DAMAGED_MARK_TABLES)
def test_a_damaged_table_of_marks_keeps_its_marks(connection: duckdb.DuckDBPyConnection, damage: str) -> None:
    _insert(connection, "marks", MARK_VALUES)
    connection.execute(damage)
    assert list(read_records(connection)[1]) == [TableName("mart", "orders")]


@pytest.mark.parametrize("statement", ["UPDATE {} SET version = 2", "INSERT INTO {} VALUES (7)"])
def test_records_of_a_newer_format_are_refused(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    connection.execute(statement.format("_provisioner.format"))
    with pytest.raises(DatabaseError) as caught:
        read_records(connection)
    assert caught.value.code == "records_newer" and "pip install --upgrade" in caught.value.cure


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "DROP TABLE {}", "UPDATE {} SET version = NULL"])
def test_a_damaged_format_is_this_format(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    _insert(connection, "stamps", STAMP_VALUES)
    connection.execute(statement.format("_provisioner.format"))
    assert read_records(connection)[0] == {ORDERS: STAMP}


LABELS = st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5), max_size=3)
PARTS_OF_ANYTHING = st.builds(Parts, LABELS, LABELS, LABELS)
NAMES = st.text(min_size=1, max_size=6)
STAMPS = st.builds(
    Stamp,
    st.builds(TableName, NAMES, NAMES),
    *(NAMES, NAMES, NAMES, PARTS_OF_ANYTHING, NAMES, NAMES),
    protect=st.booleans(),
    memory=st.booleans(),
)


@given(STAMPS)
def test_a_stamp_survives_its_text(stamp: Stamp) -> None:
    found = decode_stamp(encode_stamp(stamp))
    assert found == stamp and found.table.name == stamp.table.name
    assert decode_parts(encode_parts(stamp.parts)) == stamp.parts


def test_the_text_does_not_depend_on_the_order_of_the_labels() -> None:
    assert encode_parts(Parts({"a": "1", "b": "2"})) == encode_parts(Parts({"b": "2", "a": "1"}))


@given(st.one_of(st.text(max_size=10), st.sampled_from(["{}", "[]", "null", "1", '{"table":{}}', '{"protect":1}'])))
def test_any_other_text_is_a_value_error(text: str) -> None:
    for decode in (decode_parts, decode_stamp):
        with pytest.raises(ValueError):
            decode(text)

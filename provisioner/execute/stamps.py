"""Writing what makes a table trusted. Every function runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import UTC, datetime

import duckdb

from provisioner.declare.values import TableName, quote
from provisioner.observe.records import COLUMNS, CREATE_RECORDS, FOLDED, encode_parts, encode_stamp, read_records
from provisioner.observe.values import Mark, Stamp, Unit
from provisioner.reconcile.values import Fingerprint

Connection = duckdb.DuckDBPyConnection
_NAMED = f"{FOLDED.format('schema_name')} = ? AND {FOLDED.format('table_name')} = ?"


def create_records(connection: Connection) -> None:
    """Make the schema that stamps and marks live in, or what of it is not there."""
    for statement in CREATE_RECORDS:
        connection.execute(statement)
    for table, columns in COLUMNS.items():
        there = {row[0] for row in connection.execute(f"DESCRIBE _provisioner.{table}").fetchall()}
        for name in columns.keys() - there:
            connection.execute(f"ALTER TABLE _provisioner.{table} ADD COLUMN {quote(name)} {columns[name]}")


def make_stamps(
    unit: Unit, fingerprint: Fingerprint, run: str, protected: Container[TableName] = ()
) -> tuple[Stamp, ...]:
    """The stamps that the unit's tables get when they are verified.

    protected: tables that are protected by now; they stay so unless the manifest says `protect: false`.
    """
    at, made = now(), fingerprint
    return tuple(
        Stamp(
            want.table, unit.id, made.value, made.base, made.parts, run, at,
            want.table in protected if want.protect is None else want.protect,
        )
        for want in unit.wants
    )  # fmt: skip


def grant(connection: Connection, stamps: Iterable[Stamp]) -> None:
    """Stamp tables; whatever was on record about them is replaced."""
    for stamp in stamps:
        forget(connection, stamp.table)
        connection.execute(
            "INSERT INTO _provisioner.stamps"
            ' (schema_name, table_name, unit, fingerprint, base, parts, run, "at", protect)'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                stamp.table.schema,
                stamp.table.name,
                stamp.unit,
                stamp.fingerprint,
                stamp.base,
                encode_parts(stamp.parts),
                stamp.run,
                stamp.at,
                stamp.protect,
            ],
        )


def withdraw(connection: Connection, marks: Iterable[Mark]) -> None:
    """Take the stamps away and leave marks, also where there was no stamp: only a table without both may be adopted."""
    for mark in marks:
        forget(connection, mark.table)
        connection.execute(
            'INSERT INTO _provisioner.marks (schema_name, table_name, unit, run, existed, kept, stamp, died, "at")'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                mark.table.schema,
                mark.table.name,
                mark.unit,
                mark.run,
                mark.existed,
                mark.kept,
                encode_stamp(mark.stamp) if mark.stamp else None,
                mark.died,
                now(),
            ],
        )


def forget(connection: Connection, table: TableName) -> None:
    """Take away stamp and mark of a table."""
    for records in ("stamps", "marks"):
        connection.execute(f"DELETE FROM _provisioner.{records} WHERE {_NAMED}", table.key)


def are_on_record(connection: Connection, stamps: Iterable[Stamp]) -> bool:
    """Whether the stamps are really there: a COMMIT of an aborted transaction reports success and rolls back."""
    stamps = tuple(stamps)
    found, _ = read_records(connection, [stamp.table.key[1] for stamp in stamps])
    return all(
        (have := found.get(stamp.table)) is not None and (have.fingerprint, have.run) == (stamp.fingerprint, stamp.run)
        for stamp in stamps
    )


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

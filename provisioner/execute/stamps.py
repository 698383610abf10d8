"""Writing what makes a table trusted. Every function runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import UTC, datetime

import duckdb

from provisioner.declare.values import TableName, quote
from provisioner.errors import StepError
from provisioner.observe.layout import read_layouts
from provisioner.observe.records import (
    COLUMNS,
    CREATE_RECORDS,
    IS_TABLE,
    RECORDS,
    encode_parts,
    encode_stamp,
    encode_structure,
)
from provisioner.observe.values import Mark, Stamp, Unit
from provisioner.reconcile.values import Fingerprint

Connection = duckdb.DuckDBPyConnection


def create_records(connection: Connection) -> None:
    """Make the schema that stamps and marks live in, or what of it is not there."""
    layouts = read_layouts(connection, RECORDS.values())
    if len(layouts) < len(RECORDS) or not connection.execute("FROM _provisioner.format LIMIT 1").fetchall():
        *making, filling = CREATE_RECORDS
        for statement in making:
            connection.execute(statement)
        layouts = read_layouts(connection, RECORDS.values())
        _refuse_others(layouts)
        connection.execute(filling)
    for table, columns in COLUMNS.items():
        for name in columns.keys() - set(layouts[RECORDS[table]].columns):
            connection.execute(f"ALTER TABLE _provisioner.{table} ADD COLUMN {quote(name)} {columns[name]}")


def _refuse_others(layouts: Container[TableName]) -> None:
    """Raises StepError where a view stands in the place of our records."""
    if others := [f"_provisioner.{name}" for name, table in RECORDS.items() if table not in layouts]:
        raise StepError(
            f"{', '.join(others)} is no table: somebody else made it, in the schema that provision keeps for itself.",
            code="records_foreign",
            cure="Find out who did. Then drop it, and run `provision apply` again.",
        )


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
            want.remembers,
        )
        for want in unit.wants
    )  # fmt: skip


def grant(connection: Connection, stamps: Iterable[Stamp]) -> None:
    """Stamp tables; whatever was on record about them is replaced."""
    for stamp in stamps:
        forget(connection, stamp.table)
        connection.execute(
            "INSERT INTO _provisioner.stamps"
            ' (schema_name, table_name, unit, fingerprint, base, parts, run, "at", protect, memory, shape)'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                stamp.memory,
                stamp.shape,
            ],
        )


def withdraw(connection: Connection, marks: Iterable[Mark]) -> None:
    """Take the stamps away and leave marks, also where there was no stamp: only a table without both may be adopted."""
    for mark in marks:
        forget(connection, mark.table)
        connection.execute(
            "INSERT INTO _provisioner.marks (schema_name, table_name, unit, run, existed, kept, stamp,"
            ' died, structure, "at")'
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                mark.table.schema,
                mark.table.name,
                mark.unit,
                mark.run,
                mark.existed,
                mark.kept,
                encode_stamp(mark.stamp) if mark.stamp else None,
                mark.died,
                encode_structure(mark.structure),
                now(),
            ],
        )


def forget(connection: Connection, table: TableName) -> None:
    """Take away stamp and mark of a table."""
    for records in ("stamps", "marks"):
        connection.execute(f"DELETE FROM _provisioner.{records} WHERE {IS_TABLE}", table.key)


def are_on_record(connection: Connection, stamps: Iterable[Stamp]) -> bool:
    """Whether the stamps are really there: a COMMIT of an aborted transaction reports success and rolls back."""
    found = f"SELECT fingerprint, run FROM _provisioner.stamps WHERE {IS_TABLE}"
    try:
        return all(
            connection.execute(found, stamp.table.key).fetchall() == [(stamp.fingerprint, stamp.run)]
            for stamp in stamps
        )
    except duckdb.CatalogException:
        return False


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

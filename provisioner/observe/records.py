"""What we keep inside the database, in schema `_provisioner`: stamps of trusted tables, marks of begun ones.

A damaged stamp is an absent stamp: it costs repeated work, never a wrong answer. A damaged mark is still a mark, since
without it a table that a dead run left half-made could be adopted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioner.declare.values import TableName, fold, quote
from provisioner.errors import DatabaseError
from provisioner.observe.change_values import Structure
from provisioner.observe.layout import NAMED, read_layouts
from provisioner.observe.values import Mark, Parts, Stamp

if TYPE_CHECKING:
    import duckdb

FORMAT = 1
# Every column of the records with its type.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "stamps": dict.fromkeys(
        ("schema_name", "table_name", "unit", "fingerprint", "base", "parts", "run", "at"), "VARCHAR"
    )
    | {"protect": "BOOLEAN", "memory": "BOOLEAN", "shape": "VARCHAR"},
    "marks": dict.fromkeys(("schema_name", "table_name", "unit", "run", "kept", "stamp", "died", "at"), "VARCHAR")
    | {"existed": "BOOLEAN", "structure": "VARCHAR"},
}
CREATE_RECORDS: tuple[str, ...] = (
    "CREATE SCHEMA IF NOT EXISTS _provisioner",
    "CREATE TABLE IF NOT EXISTS _provisioner.format (version INTEGER)",
    *(
        f"CREATE TABLE IF NOT EXISTS _provisioner.{table} "
        f"({', '.join(f'{quote(name)} {kind}' for name, kind in columns.items())})"
        for table, columns in COLUMNS.items()
    ),
    f"INSERT INTO _provisioner.format SELECT {FORMAT} WHERE NOT EXISTS (FROM _provisioner.format)",
)
RECORDS = {name: TableName("_provisioner", name) for name in ("format", *COLUMNS)}
# Names are folded in ASCII only, as DuckDB compares them; its lower() folds more, and twenty times as fast.
_FOLDED = "system.main.translate({}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
IS_TABLE = (
    f"CASE WHEN system.main.lower(table_name) = system.main.lower($2) THEN {_FOLDED.format('schema_name')} = $1"
    f" AND {_FOLDED.format('table_name')} = $2 ELSE false END"
)
_PATH = "SELECT path FROM system.main.duckdb_databases() WHERE database_name = system.main.current_database()"
Row = Mapping[str, str | None]


def read_records(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str] | None = None
) -> tuple[dict[TableName, Stamp], dict[TableName, Mark]]:
    """The stamps and marks on record, of all tables or of those with one of these folded names, whatever their schema.

    Raises DatabaseError (records_newer) when a newer provision wrote them.
    """
    there = read_layouts(connection, RECORDS.values())
    _refuse_newer(connection, _rows(connection, "format") if RECORDS["format"] in there else [])
    stamps = _rows(connection, "stamps", names) if RECORDS["stamps"] in there else []
    marks = _rows(connection, "marks", names) if RECORDS["marks"] in there else []
    return _stamps(stamps), {mark.table: mark for mark in map(_mark, marks) if mark}


def encode_parts(parts: Parts) -> str:
    """As JSON; the same parts give the same text."""
    return _dump(_parts_values(parts))


def decode_parts(text: str) -> Parts:
    """From encode_parts's text; raises ValueError."""
    return _parts(_load(text))


def encode_stamp(stamp: Stamp) -> str:
    """As JSON; the same stamp gives the same text."""
    names = ("unit", "fingerprint", "base", "run", "at", "protect", "memory", "shape")
    values = {name: getattr(stamp, name) for name in names}
    table = {"schema": stamp.table.schema, "name": stamp.table.name}
    return _dump({**values, "table": table, "parts": _parts_values(stamp.parts)})


def decode_stamp(text: str) -> Stamp:
    """From encode_stamp's text; raises ValueError."""
    values = _mapping(_load(text))
    table, protect = _mapping(values.get("table")), values.get("protect")
    if not isinstance(protect, bool):
        raise ValueError(f"protect is {protect!r}")
    name = TableName(_text(table, "schema"), _text(table, "name"))
    return _make_stamp(name, values, _parts(values.get("parts")), protect, values.get("memory") is True)


def encode_structure(structure: Structure) -> str | None:
    """As JSON; None for none."""
    return _dump(structure) if structure else None


def decode_structure(text: str) -> Structure:
    """From encode_structure's text; none where it is damaged: the rows are what counts."""
    try:
        found = _load(text)
    except ValueError:
        return ()
    return tuple(found) if isinstance(found, list) and all(isinstance(one, str) for one in found) else ()


def _rows(connection: duckdb.DuckDBPyConnection, table: str, names: Sequence[str] | None = None) -> list[Row]:
    """All columns as text, whatever they have become; none when the table cannot be read."""
    import duckdb

    where = "" if names is None else f" WHERE {NAMED}"
    try:
        found = connection.execute(
            f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM _provisioner.{table}{where}",
            {} if names is None else {"names": list(names)},
        )
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException):
        return []
    columns = [column[0] for column in found.description or ()]
    rows: list[Row] = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return rows if names is None else [row for row in rows if fold(row.get("table_name") or "") in names]


def _refuse_newer(connection: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    versions = [int(text) for row in rows if (text := row.get("version")) and text.isdecimal()]
    if max(versions, default=FORMAT) > FORMAT:
        (found,) = connection.execute(_PATH).fetchall()
        where = found[0] or "a database in memory"
        raise DatabaseError(
            f"The records in schema _provisioner of {where} have format {max(versions)}; "
            f"this provision knows up to {FORMAT}.",
            cure="Run `pip install --upgrade provisioner`.",
            code="records_newer",
        )


def _stamps(rows: Sequence[Row]) -> dict[TableName, Stamp]:
    """Two stamps for one table contradict each other: then it has none."""
    stamps = [stamp for row in rows if (stamp := _stamp(row))]
    count = Counter(stamp.table for stamp in stamps)
    return {stamp.table: stamp for stamp in stamps if count[stamp.table] == 1}


def _stamp(row: Row) -> Stamp | None:
    table = _table(row)
    try:
        parts = decode_parts(_text(row, "parts"))
        flags = row.get("protect") == "true", row.get("memory") == "true"
        return _make_stamp(table, row, parts, *flags) if table else None
    except ValueError:
        return None


def _mark(row: Row) -> Mark | None:
    """Where it is damaged, the table counts as having existed: what existed is never thrown away."""
    table = _table(row)
    if table is None:
        return None
    try:
        stamp = decode_stamp(row.get("stamp") or "")
    except ValueError:
        stamp = None
    existed = row.get("existed") != "false"
    return Mark(
        table, row.get("unit") or "", row.get("run") or "", existed, row.get("kept"), stamp, row.get("died"),
        decode_structure(row.get("structure") or ""),
    )  # fmt: skip


def _make_stamp(table: TableName, values: Mapping[str, Any], parts: Parts, protect: bool, memory: bool) -> Stamp:
    """memory, shape: an older provision did not record them."""
    unit, fingerprint, base, run, at = (_text(values, name) for name in ("unit", "fingerprint", "base", "run", "at"))
    shape = values.get("shape")
    return Stamp(
        table, unit, fingerprint, base, parts, run, at, protect, memory, shape if isinstance(shape, str) else ""
    )


def _table(row: Row) -> TableName | None:
    schema, name = row.get("schema_name"), row.get("table_name")
    return TableName(schema, name) if schema and name else None


def _parts_values(parts: Parts) -> dict[str, dict[str, str]]:
    return {name: dict(getattr(parts, name)) for name in ("definition", "inputs", "upstream")}


def _parts(found: object) -> Parts:
    values = _mapping(found)
    definition, inputs, upstream = (_mapping(values.get(name)) for name in ("definition", "inputs", "upstream"))
    for part in (definition, inputs, upstream):
        for label in part:
            _text(part, label)
    return Parts(definition, inputs, upstream)


def _mapping(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, found {found!r}")
    return found


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    if not isinstance(found, str) or not found:
        raise ValueError(f"expected a text as {name}, found {found!r}")
    return found


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply to be a record") from error


def _dump(values: object) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))

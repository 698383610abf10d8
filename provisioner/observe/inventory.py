"""What a database holds, taken down so that a manifest can be written of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.declare.values import Sequence, TableName
from provisioner.observe.change_values import Shape
from provisioner.observe.shape import read_shapes

if TYPE_CHECKING:
    import duckdb

_THIS = "database_name = system.main.current_database()"
_OURS = "schema_name = '_provisioner'"
_RELATIONS = f"""
    SELECT schema_name, table_name FROM system.main.duckdb_tables()
    WHERE NOT internal AND NOT temporary AND {_THIS} AND NOT {_OURS}
    UNION ALL SELECT schema_name, view_name FROM system.main.duckdb_views()
    WHERE NOT internal AND NOT temporary AND {_THIS} AND NOT {_OURS} ORDER BY ALL"""
_SEQUENCES = f"""
    SELECT schema_name, sequence_name, start_value, increment_by, min_value, max_value, cycle, comment
    FROM system.main.duckdb_sequences() WHERE NOT temporary AND {_THIS} AND NOT {_OURS} ORDER BY ALL"""
# What a manifest has no words for.
_OTHERS = f"""
    SELECT DISTINCT 'macro', schema_name, function_name FROM system.main.duckdb_functions()
    WHERE NOT internal AND {_THIS} AND NOT {_OURS} AND function_type LIKE '%macro'
    UNION ALL SELECT DISTINCT 'type', schema_name, type_name FROM system.main.duckdb_types()
    WHERE NOT internal AND {_THIS} AND NOT {_OURS}
    UNION ALL SELECT 'comment of index', schema_name, index_name FROM system.main.duckdb_indexes()
    WHERE comment IS NOT NULL AND {_THIS} AND NOT {_OURS}
    UNION ALL SELECT DISTINCT 'comments of the columns of view', schema_name, table_name
    FROM system.main.duckdb_columns()
    WHERE comment IS NOT NULL AND {_THIS} AND NOT {_OURS}
        AND (schema_name, table_name) IN (SELECT (schema_name, view_name) FROM system.main.duckdb_views() WHERE {_THIS})
    UNION ALL SELECT DISTINCT 'records of provision', schema_name, '' FROM system.main.duckdb_tables() WHERE {_THIS}
    AND {_OURS}
    ORDER BY ALL"""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that a manifest cannot say. what: its kind and name. why: empty where the kind tells."""

    what: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.why}" if self.why else self.what


@dataclass(frozen=True, slots=True)
class Inventory:
    """shapes: of tables and views, sorted by name. sequences: sorted by name. left_out: what is told of instead."""

    shapes: tuple[Shape, ...]
    sequences: tuple[Sequence, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def list_relations(connection: duckdb.DuckDBPyConnection) -> tuple[TableName, ...]:
    """The tables and views of the current database, sorted by name; neither temporary ones nor our own records."""
    return tuple(sorted(TableName(*row) for row in connection.execute(_RELATIONS).fetchall()))


def take_inventory(connection: duckdb.DuckDBPyConnection) -> Inventory:
    """All that the database holds. Raises duckdb.Error."""
    found = read_shapes(connection, list_relations(connection))
    sequences, limits = _read_sequences(connection)
    others = (LeftOut(_named(*row), _WHY.get(row[0], "")) for row in connection.execute(_OTHERS).fetchall())
    return Inventory(tuple(shape for _, shape in sorted(found.items())), sequences, (*limits, *others))


def choose(inventory: Inventory, tables: Iterable[TableName]) -> Inventory:
    """These tables alone, with those that their foreign keys refer to and the sequences that their defaults use."""
    shapes = {shape.table: shape for shape in inventory.shapes}
    chosen: dict[TableName, Shape] = {}
    waiting = [table for table in tables if table in shapes]
    while waiting:
        shape = shapes[waiting.pop()]
        if shape.table not in chosen:
            chosen[shape.table] = shape
            waiting += [key.table for key in shape.foreign_keys if key.table in shapes]
    defaults = " ".join(column.default or "" for shape in chosen.values() for column in shape.columns)
    used = tuple(one for one in inventory.sequences if one.name.name in defaults and "nextval" in defaults)
    return Inventory(tuple(shape for _, shape in sorted(chosen.items())), used)


def _read_sequences(connection: duckdb.DuckDBPyConnection) -> tuple[tuple[Sequence, ...], list[LeftOut]]:
    sequences, limits = [], []
    for schema, name, start, increment, least, most, cycle, comment in connection.execute(_SEQUENCES).fetchall():
        one = Sequence(TableName(schema, name), start, increment)
        sequences.append(one)
        if cycle or (least, most) != _usual_limits(one):
            limits.append(LeftOut(f"limits of sequence {one.name}", "a new one has the usual ones and does not cycle"))
        if comment is not None:
            limits.append(LeftOut(f"comment of sequence {one.name}"))
    return tuple(sorted(sequences, key=lambda one: one.name)), limits


def _usual_limits(sequence: Sequence) -> tuple[int, int]:
    """What a declared one is made with."""
    start = sequence.start
    return (min(start, 1), 2**63 - 1) if sequence.increment > 0 else (-(2**63), max(start, -1))


def _named(kind: str, schema: str, name: str) -> str:
    return f"{kind} {TableName(schema, name)}" if name else f"{kind} (schema {schema})"


_WHY = {"type": "the columns that use it are declared with what it stands for"}

"""What a database holds, as the text of a manifest that declares it."""

from __future__ import annotations

from typing import Any

from provisioner.declare.escape import one_line
from provisioner.declare.values import DEFAULT_SCHEMA, ForeignKey, Sequence, TableName, fold, quote
from provisioner.observe.change_values import ColumnShape, IndexShape, Shape
from provisioner.observe.inventory import Inventory
from provisioner.report.yaml_text import Flow, block

TABLES, VIEWS = "tables", "views"
_EMPTY: tuple[Any, ...] = ([], {}, Flow(()), Flow([]))


def manifest_text(inventory: Inventory, name: str, database: str) -> str:
    """The manifest, with what it cannot say in comments at its end. database: its path, as the manifest is to have it.

    inventory: expressible (see expressible.py). Names are written as the database has them.
    """
    tables = [shape for shape in inventory.shapes if shape.view is None]
    views = [shape for shape in inventory.shapes if shape.view is not None]
    tiers = [TABLES, VIEWS] if views else [TABLES]
    head: dict[str, Any] = {"version": 1, "name": name, "database": database, "tiers": Flow(tiers)}
    parts = [head]
    if inventory.sequences:
        parts.append({"sequences": {name_text(one.name): Flow(_sequence(one)) for one in inventory.sequences}})
    lines = ["\n".join(block(part)) for part in parts]
    entries = [_table(shape) for shape in tables] + [_view(shape) for shape in views]
    if entries:
        lines.append("tables:\n" + "\n\n".join("\n".join(block(entry, 1)) for entry in entries))
    if inventory.left_out:
        lines.append("\n".join(f"# left out: {one_line(str(one))}" for one in inventory.left_out))
    return "\n\n".join(lines) + "\n"


def name_text(table: TableName) -> str:
    """A name as a manifest has it, and reads it back."""
    parts = [table.name] if fold(table.schema) == DEFAULT_SCHEMA else [table.schema, table.name]
    return ".".join(quote(part) if "." in part or '"' in part else part for part in parts)


def _table(shape: Shape) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "tier": TABLES,
        "comment": shape.comment,
        "columns": {column.name: _column(column, column.name in shape.key) for column in shape.columns},
        "primary_key": Flow(shape.key),
        "unique": Flow([columns if len(columns) > 1 else columns[0] for columns in shape.unique]),
        "check": list(shape.checks),
        "foreign_keys": [_foreign_key(key) for key in shape.foreign_keys],
        "indexes": {index.name: Flow(_index(index)) for index in shape.indexes},
    }
    given = {key: value for key, value in entry.items() if value is not None and value not in _EMPTY}
    return {name_text(shape.table): given}


def _view(shape: Shape) -> dict[str, Any]:
    comment = {} if shape.comment is None else {"comment": shape.comment}
    return {name_text(shape.table): {"tier": VIEWS, **comment, "sql": shape.view}}


def _column(column: ColumnShape, in_key: bool) -> Any:
    """in_key: of the primary key, where nothing may be NULL anyway."""
    said: dict[str, Any] = {
        "type": column.type,
        "nullable": None if column.nullable or in_key else False,
        "collation": column.collation or None,
        "default": column.default,
        "generated": column.generated,
        "comment": column.comment,
    }
    given = {key: value for key, value in said.items() if value is not None}
    return Flow(given) if len(given) > 1 else column.type


def _foreign_key(key: ForeignKey) -> dict[str, Any]:
    references = {"table": name_text(key.table), "columns": list(key.references)}
    return {"columns": list(key.columns), "references": references}


def _index(index: IndexShape) -> Any:
    on = [_indexed(part) for part in index.on]
    return {"columns": on, "unique": True} if index.unique else on


def _indexed(part: str) -> str:
    """A column by its bare name; an expression stays in its parentheses."""
    is_quoted = len(part) > 1 and part[0] == part[-1] == '"'
    name = part[1:-1].replace('""', '"') if is_quoted else part
    # A column whose name begins with a parenthesis is an expression like any other.
    return f"({part})" if is_quoted and name.startswith("(") else name


def _sequence(one: Sequence) -> dict[str, int]:
    said = {"start": one.start, "increment": one.increment}
    usual = {"start": 1, "increment": 1}
    return {key: value for key, value in said.items() if value != usual[key]}

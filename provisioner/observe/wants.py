"""Tables of the manifest -> wants: kinds decided, types canonical. What is wrong comes back as problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from itertools import chain
from operator import attrgetter

from provisioner.declare.problems import show
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import Column, Manifest, Table, TableKind, TableName
from provisioner.errors import Problem
from provisioner.observe.types import resolve_types
from provisioner.observe.values import DbtGraphNode, Want

TYPES = (
    "BIGINT", "BLOB", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "INTEGER", "INTERVAL", "JSON",
    "SMALLINT", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "TINYINT", "UBIGINT", "UINTEGER", "UUID", "VARCHAR",
)  # fmt: skip


def make_wants(
    manifest: Manifest, nodes: Mapping[TableName, DbtGraphNode]
) -> tuple[dict[TableName, Want], Iterator[Problem]]:
    """nodes: the dbt node behind each relation; what dbt makes of it decides the kind where the manifest is silent."""
    resolved, unknown = resolve_types({column.type for table in manifest.tables for column in table.columns})
    others: list[Problem] = []
    wants = {}
    for table in manifest.tables:
        node = nodes.get(table.name)
        made = node.kind if node and table.step and node.kind else None
        if made and table.kind and made is not table.kind:
            others.append(_other_kind(table, made))
        wants[table.name] = Want(
            table.name,
            TableKind.VIEW if table.sql is not None else table.kind or made or TableKind.TABLE,
            tuple(_canonical(column, resolved.get(column.type, column.type)) for column in table.columns),
            table.primary_key,
            table.expect,
            table.protect,
            True,
            table.place,
            table.step is None,
            declaration=table if table.step is None else None,
        )
    return wants, chain(_unknown_types(manifest.tables, frozenset(unknown)), others)


_REST = attrgetter(*(field.name for field in fields(Column) if field.name not in ("name", "type")))


def _canonical(column: Column, type_text: str) -> Column:
    return column if column.type == type_text else Column(column.name, type_text, *_REST(column))


def _unknown_types(tables: Iterable[Table], unknown: frozenset[str]) -> Iterator[Problem]:
    for table in tables:
        for column in table.columns:
            if column.type in unknown:
                yield Problem(
                    str(column.place),
                    "unknown_type",
                    f"{table.name}.{column.name} has the type {show(column.type)}, which DuckDB does not know.",
                    did_you_mean(column.type.upper(), TYPES, "types"),
                )


def _other_kind(table: Table, made: TableKind) -> Problem:
    return Problem(
        str(table.place),
        "kind",
        f"{table.name} is declared as a {table.kind}, and dbt materializes it as a {made}.",
        f"Write `kind: {made}`, or change `materialized` in dbt.",
    )

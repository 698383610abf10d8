"""The tables of a sound tree -> values."""

from __future__ import annotations

from dataclasses import replace

from provisioner.declare.outline import dicts, flag, items, number, parse_name, section, text_of, texts
from provisioner.declare.values import (
    Column,
    Expect,
    ForeignKey,
    Index,
    Sequence,
    Table,
    TableKind,
    TableName,
)
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode

# What a column may say that is a text, but for its type.
_TEXTS = frozenset(("default", "comment", "generated", "check", "collation", "backfill"))


def build_tables(tree: DictNode) -> tuple[Table, ...]:
    """Every table under `tables`, sorted by name."""
    tables = {table.name: table for table in (_table(*entry) for entry in dicts(tree, "tables"))}
    return tuple(_with_references(tables[name], tables) for name in sorted(tables))


def build_sequences(tree: DictNode) -> tuple[Sequence, ...]:
    """Every sequence, sorted by name."""
    return tuple(sorted((_sequence(*entry) for entry in dicts(tree, "sequences")), key=lambda one: one.name))


def _sequence(name: str, node: DictNode) -> Sequence:
    start, increment = number(node, "start"), number(node, "increment")
    increment = 1 if increment is None else increment
    # As DuckDB does: what counts down begins below zero.
    first = 1 if increment > 0 else -1
    return Sequence(parse_name(name), first if start is None else start, increment)


def _table(name: str, node: DictNode) -> Table:
    kind, sql = text_of(node, "kind"), text_of(node, "sql")
    expect = node.get("expect")
    return Table(
        name=parse_name(name),
        tier=text_of(node, "tier") or "",
        place=node.place,
        step=text_of(node, "step"),
        kind=TableKind.VIEW if sql is not None else TableKind(kind) if kind else None,
        columns=tuple(_column(column, node) for column in section(node, "columns")),
        primary_key=tuple(column.text for column in texts(node, "primary_key")),
        expect=_expect(expect) if isinstance(expect, DictNode) else Expect(),
        protect=flag(node, "protect", False) if "protect" in node.entries else None,
        description=text_of(node, "description") or "",
        unique=_unique(node),
        checks=tuple(sorted({check.text for check in texts(node, "check")})),
        foreign_keys=tuple(sorted({_foreign_key(key) for key in items(node, "foreign_keys")}, key=_order)),
        indexes=tuple(sorted((_index(*entry) for entry in section(node, "indexes").items()), key=_name)),
        comment=text_of(node, "comment"),
        renamed_from=tuple(parse_name(old.text) for old in texts(node, "renamed_from")),
        strict_order=flag(node, "strict_order", False),
        sql=sql,
    )


def _column(name: str, table: DictNode) -> Column:
    columns = table.entries["columns"]
    assert isinstance(columns, DictNode)
    node, place = columns.entries[name], columns.keys[name]
    if not isinstance(node, DictNode):
        return Column(name, text_of(columns, name) or "", place)
    given = {word: part.text for word, part in node.entries.items() if word in _TEXTS and isinstance(part, TextNode)}
    former = tuple(old.text for old in texts(node, "renamed_from")) if "renamed_from" in node.entries else ()
    nullable = flag(node, "nullable", True)
    return Column(name, text_of(node, "type") or "", place, nullable, renamed_from=former, **given)


def _unique(table: DictNode) -> tuple[tuple[str, ...], ...]:
    """Those of the table and those of its columns, each once."""
    columns = section(table, "columns").items()
    alone = {(name,) for name, node in columns if isinstance(node, DictNode) and flag(node, "unique", False)}
    return tuple(sorted(alone.union(_keys(table))))


def _keys(node: DictNode) -> tuple[tuple[str, ...], ...]:
    unique = node.get("unique")
    return tuple(_names(item) for item in unique.items) if isinstance(unique, ListNode) else ()


def _names(node: Node | None) -> tuple[str, ...]:
    """Of a list, or of the one name that stands in its place."""
    listed = node.items if isinstance(node, ListNode) else (node,)
    return tuple(item.text for item in listed if isinstance(item, TextNode))


def _foreign_key(node: DictNode) -> ForeignKey:
    references = node.entries["references"]
    assert isinstance(references, DictNode)
    other = parse_name(text_of(references, "table") or "")
    return ForeignKey(_names(node.get("columns")), other, _names(references.get("columns")))


def _with_references(table: Table, tables: dict[TableName, Table]) -> Table:
    """A foreign key that names no columns of the other table means its primary key."""
    if all(key.references for key in table.foreign_keys):
        return table
    keys = (key if key.references else _to_primary_key(key, tables) for key in table.foreign_keys)
    return replace(table, foreign_keys=tuple(sorted(set(keys), key=_order)))


def _to_primary_key(key: ForeignKey, tables: dict[TableName, Table]) -> ForeignKey:
    return replace(key, references=tables[key.table].primary_key)


def _order(key: ForeignKey) -> tuple[tuple[str, ...], TableName, tuple[str, ...]]:
    return key.columns, key.table, key.references


def _index(name: str, node: Node) -> Index:
    if isinstance(node, DictNode):
        return Index(name, _names(node.get("columns")), flag(node, "unique", False))
    return Index(name, _names(node))


def _name(index: Index) -> str:
    return index.name


def _expect(node: DictNode) -> Expect:
    return Expect(
        rows=number(node, "rows"),
        min_rows=number(node, "min_rows"),
        max_rows=number(node, "max_rows"),
        not_null=tuple(column.text for column in texts(node, "not_null")),
        unique=_keys(node),
    )

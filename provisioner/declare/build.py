"""A sound tree -> the manifest's values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.declare.digest import digest_of
from provisioner.declare.duration import seconds
from provisioner.declare.outline import items, kind_of, parse_name, section, terms, text_of, texts
from provisioner.declare.paths import absolute
from provisioner.declare.scalars import free_value
from provisioner.declare.values import (
    Column,
    DbtProject,
    Expect,
    HazardKind,
    Manifest,
    Origin,
    Policy,
    Selection,
    Step,
    StepKind,
    Table,
    TableKind,
    TablesFrom,
)
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode


def build_manifest(tree: DictNode, path: Path, root: Path, environment: str | None, origin: Origin) -> Manifest:
    """The values of a tree in which nobody found a problem. path: absolute."""
    steps = sorted((_step(*entry) for entry in _dicts(tree, "steps")), key=lambda step: step.name)
    tables = sorted((_table(*entry) for entry in _dicts(tree, "tables")), key=lambda table: table.name)
    selected = sorted((_tables_from(node) for node in items(tree, "tables_from")), key=str)
    values: dict[str, Any] = {
        "name": text_of(tree, "name"),
        "database": absolute(path.parent, text_of(tree, "database") or ""),
        "tiers": tuple(tier.text for tier in texts(tree, "tiers")),
        "steps": tuple(steps),
        "tables": tuple(tables),
        "tables_from": tuple(selected),
        "dbt": _dbt(tree.get("dbt"), path.parent),
        "policy": _policy(tree.get("policy")),
    }
    return Manifest(
        **values, path=path, root=root, digest=digest_of(values, path.parent), environment=environment, origin=origin
    )


def _dicts(tree: DictNode, key: str) -> list[tuple[str, DictNode]]:
    return [(name, node) for name, node in section(tree, key).items() if isinstance(node, DictNode)]


def _flag(node: DictNode, key: str, default: bool) -> bool:
    text = text_of(node, key)
    return default if text is None else text == "true"


def _number(node: DictNode, key: str) -> int | None:
    text = text_of(node, key)
    return None if text is None else int(text)


def _step(name: str, node: DictNode) -> Step:
    kind = StepKind(kind_of(node))
    timeout = text_of(node, "timeout")
    return Step(
        name=name,
        kind=kind,
        source=text_of(node, kind) or "",
        place=node.place,
        options=_free(node.get("options")),
        format=text_of(node, "format"),
        reads=tuple(sorted({parse_name(read.text) for read in texts(node, "reads")}))
        if "reads" in node.entries
        else None,
        inputs=tuple(item.text for item in texts(node, "inputs")),
        timeout=None if timeout is None else seconds(timeout),
        retries=_number(node, "retries") or 0,
        deterministic=_flag(node, "deterministic", True),
        description=text_of(node, "description") or "",
    )


def _table(name: str, node: DictNode) -> Table:
    kind = text_of(node, "kind")
    expect = node.get("expect")
    return Table(
        name=parse_name(name),
        tier=text_of(node, "tier") or "",
        place=node.place,
        step=text_of(node, "step"),
        kind=TableKind(kind) if kind else None,
        columns=_columns(node.get("columns")),
        primary_key=tuple(column.text for column in texts(node, "primary_key")),
        expect=_expect(expect) if isinstance(expect, DictNode) else Expect(),
        protect=_flag(node, "protect", False) if "protect" in node.entries else None,
        description=text_of(node, "description") or "",
    )


def _tables_from(node: DictNode) -> TablesFrom:
    selection = Selection(terms(node, "select"), terms(node, "exclude"), text_of(node, "selector"))
    return TablesFrom(text_of(node, "step") or "", text_of(node, "tier") or "", selection, node.place)


def _columns(node: Node | None) -> tuple[Column, ...]:
    if not isinstance(node, DictNode):
        return ()
    return tuple(_column(name, column, node) for name, column in node.entries.items())


def _column(name: str, node: Node, columns: DictNode) -> Column:
    place = columns.keys[name]
    if not isinstance(node, DictNode):
        return Column(name, text_of(columns, name) or "", place)
    nullable, default, comment = _flag(node, "nullable", True), text_of(node, "default"), text_of(node, "comment")
    return Column(name, text_of(node, "type") or "", place, nullable, default, comment)


def _expect(node: DictNode) -> Expect:
    unique = node.get("unique")
    return Expect(
        rows=_number(node, "rows"),
        min_rows=_number(node, "min_rows"),
        max_rows=_number(node, "max_rows"),
        not_null=tuple(column.text for column in texts(node, "not_null")),
        unique=tuple(_key(item) for item in unique.items) if isinstance(unique, ListNode) else (),
    )


def _key(node: Node) -> tuple[str, ...]:
    items = node.items if isinstance(node, ListNode) else (node,)
    return tuple(item.text for item in items if isinstance(item, TextNode))


def _dbt(node: Node | None, folder: Path) -> DbtProject | None:
    if not isinstance(node, DictNode):
        return None
    profiles = text_of(node, "profiles_dir")
    return DbtProject(
        project_dir=absolute(folder, text_of(node, "project_dir") or ""),
        place=node.place,
        profiles_dir=None if profiles is None else absolute(folder, profiles),
        target=text_of(node, "target"),
        vars=_free(node.get("vars")),
    )


def _free(node: Node | None) -> Mapping[str, Any]:
    value = {} if node is None else free_value(node)
    return value if isinstance(value, dict) else {}


def _policy(node: Node | None) -> Policy:
    if not isinstance(node, DictNode):
        return Policy()
    allow = frozenset(HazardKind(kind.text) for kind in texts(node, "allow"))
    return Policy(allow, _flag(node, "allow_outside_paths", False), _flag(node, "sandbox_sql", False))

"""A sound tree -> the manifest's values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.declare.allowance import parse_allowance
from provisioner.declare.build_tables import build_sequences, build_tables
from provisioner.declare.digest import digest_of
from provisioner.declare.duration import seconds
from provisioner.declare.outline import dicts, flag, items, kind_of, number, parse_name, terms, text_of, texts
from provisioner.declare.paths import absolute
from provisioner.declare.scalars import free_value
from provisioner.declare.values import (
    DbtProject,
    Manifest,
    Origin,
    Policy,
    Selection,
    Step,
    StepKind,
    TablesFrom,
)
from provisioner.declare.yaml_tree import DictNode, Node


def build_manifest(tree: DictNode, path: Path, root: Path, environment: str | None, origin: Origin) -> Manifest:
    """The values of a tree in which nobody found a problem. path: absolute."""
    steps = sorted((_step(*entry) for entry in dicts(tree, "steps")), key=lambda step: step.name)
    selected = sorted((_tables_from(node) for node in items(tree, "tables_from")), key=str)
    values: dict[str, Any] = {
        "name": text_of(tree, "name"),
        "database": absolute(path.parent, text_of(tree, "database") or ""),
        "tiers": tuple(tier.text for tier in texts(tree, "tiers")),
        "steps": tuple(steps),
        "tables": build_tables(tree),
        "tables_from": tuple(selected),
        "sequences": build_sequences(tree),
        "forget": tuple(sorted({parse_name(name.text) for name in texts(tree, "forget")})),
        "dbt": _dbt(tree.get("dbt"), path.parent),
        "policy": _policy(tree.get("policy")),
    }
    return Manifest(
        **values, path=path, root=root, digest=digest_of(values, path.parent), environment=environment, origin=origin
    )


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
        retries=number(node, "retries") or 0,
        deterministic=flag(node, "deterministic", True),
        description=text_of(node, "description") or "",
    )


def _tables_from(node: DictNode) -> TablesFrom:
    selection = Selection(terms(node, "select"), terms(node, "exclude"), text_of(node, "selector"))
    return TablesFrom(text_of(node, "step") or "", text_of(node, "tier") or "", selection, node.place)


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
    allow = frozenset(parse_allowance(text.text) for text in texts(node, "allow"))
    return Policy(allow, flag(node, "allow_outside_paths", False), flag(node, "sandbox_sql", False))

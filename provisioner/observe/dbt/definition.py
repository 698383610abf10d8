"""What defines a dbt node: its code, settings, macros, vars and environment, each as a labelled digest."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from provisioner.observe.dbt.variables import Variables, named_env_vars, named_vars, reads_unnamed_var
from provisioner.observe.digest import digest
from provisioner.observe.normalise import normalise

Node = Mapping[str, Any]

# Their text is known by dbt's version.
BUILT_IN = ("dbt", "dbt_duckdb")
# Settings that do not reach the relation.
_NO_EFFECT = ("docs", "meta", "tags", "group", "access", "packages", "freshness", "static_analysis", "enabled")
# What these give is all in the relation's name.
_NAMING = ("generate_schema_name", "generate_alias_name", "generate_database_name")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
# Its arguments are settings; a hook in them may well name `this`.
_CONFIG = re.compile(r"\{\{-?\s*config\(.*?\)\s*-?\}\}", re.S)
_CHANGES_ROWS = re.compile(r"\b(insert|update|delete|merge)\b", re.I)
_HOOKS = ("pre-hook", "post-hook")


@dataclass(frozen=True, slots=True)
class Texts:
    """A node's code in the form in which comments do not count, its hooks, and the macros both use, by id."""

    code: str
    hooks: tuple[str, ...]
    macros: Mapping[str, str]

    @property
    def all(self) -> tuple[str, ...]:
        return (self.code, *self.hooks, *self.macros.values())


class Macros:
    """The macros of a dbt manifest. Those of project and packages count; dbt's own are known by its version."""

    def __init__(self, macros: Mapping[str, Node]) -> None:
        self._macros = macros
        self._normalised: dict[str, str] = {}
        self._closures: dict[frozenset[str], tuple[str, ...]] = {}

    def texts(self, node: Node) -> Texts:
        """All text that takes part in making the node's relation."""
        named = (*node["depends_on"].get("macros", ()), *self._materializations(node), *self._overrides)
        code = normalise_code(node)
        hooks = tuple(normalise(hook) for hook in _hooks(node))
        return Texts(code, hooks, {name: self._text(name) for name in self._counting(frozenset(named))})

    def _counting(self, names: frozenset[str]) -> tuple[str, ...]:
        """Those that these macros come to and that are not dbt's own, sorted. Most nodes name the same few."""
        if names not in self._closures:
            self._closures[names] = tuple(sorted(n for n in self._closure(names) if not self._is_built_in(n)))
        return self._closures[names]

    def _closure(self, names: Iterable[str]) -> set[str]:
        seen, waiting = set[str](), list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen and name in self._macros:
                seen.add(name)
                waiting += self._macros[name]["depends_on"].get("macros", ())
        return seen

    def _materializations(self, node: Node) -> list[str]:
        """dbt does not list the macro that materializes a node among what the node depends on."""
        kind = node["config"].get("materialized")
        names = (f"materialization_{kind}_duckdb", f"materialization_{kind}_default")
        return [unique_id for name in names for unique_id in self._by_name.get(name, ())]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for unique_id, macro in self._macros.items():
            found.setdefault(macro["name"], []).append(unique_id)
        return found

    @cached_property
    def _overrides(self) -> list[str]:
        """Macros of the project that stand in for dbt's own: any node may pass through them."""
        own = {_dispatched(macro["name"]) for name, macro in self._macros.items() if self._is_built_in(name)}
        return [
            name for name, macro in self._macros.items()
            if not self._is_built_in(name) and _dispatched(macro["name"]) in own
            and _dispatched(macro["name"]) not in _NAMING and not macro["name"].startswith("materialization_")
        ]  # fmt: skip

    def _is_built_in(self, name: str) -> bool:
        return self._macros[name]["package_name"] in BUILT_IN

    def _text(self, name: str) -> str:
        if name not in self._normalised:
            self._normalised[name] = normalise(self._macros[name]["macro_sql"])
        return self._normalised[name]


def define(
    node: Node, texts: Texts, variables: Variables, target: str | None, versions: Mapping[str, str]
) -> dict[str, str]:
    """Label to digest for each part of the definition, sorted. The file's place and descriptions are no part."""
    package, everything = node["package_name"], texts.all
    parts: dict[str, Any] = {
        "code": texts.code,
        "config": _config(node, texts),
        "dbt": dict(versions),
        "relation": _relation(node),
    }
    if (node.get("contract") or {}).get("enforced"):
        parts["contract"] = _contract(node)
    parts |= {f"macro {name.removeprefix('macro.')}": text for name, text in texts.macros.items()}
    parts |= {f"var {name}": variables.get(name, package) for name in named_vars(everything)}
    parts |= {f"env {name}": variables.environment.get(name) for name in named_env_vars(everything)}
    if reads_unnamed_var(everything):
        parts["vars"] = [variables.given, variables.project, variables.packages]
    if any(_in_jinja("target", text) for text in everything):
        parts["target"] = target
    return {label: digest(part) for label, part in sorted(parts.items())}


def has_memory(node: Node, texts: Texts) -> bool:
    """Whether the rows that are there matter to the next run: then a node is run again, never made afresh by itself."""
    if node["config"].get("materialized") in ("incremental", "snapshot") or node["resource_type"] == "snapshot":
        return True
    if node.get("language") == "python":
        return bool(re.search(r"\bdbt\.this\b", texts.code))
    if _in_jinja("this", _CONFIG.sub("", texts.code)):
        return True
    named = [text for name, text in texts.macros.items() if any(_names(name, hook) for hook in texts.hooks)]
    return any(_CHANGES_ROWS.search(text) for text in (*texts.hooks, *named))


def normalise_code(node: Node) -> str:
    """The node's code without comments and free white space; as it is where that is not certain."""
    code = node.get("raw_code") or ""
    if node.get("language") != "python":
        return normalise(code)
    try:
        return ast.unparse(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError):
        return str(code)


def _config(node: Node, texts: Texts) -> dict[str, Any]:
    kept = {name: value for name, value in node["config"].items() if name not in (*_NO_EFFECT, *_HOOKS)}
    inputs = (node["config"].get("meta") or {}).get("inputs")
    return {**kept, "hooks": list(texts.hooks), "inputs": inputs}


def _relation(node: Node) -> list[str | None]:
    """A view holds the database's name in its SQL, a table does not: it stays good in a copy under another name."""
    database = node.get("database") if node["config"].get("materialized") == "view" else None
    return [database, node["schema"], node.get("alias") or node["name"]]


def _contract(node: Node) -> dict[str, Any]:
    said: Mapping[str, Node] = node.get("columns") or {}
    columns = {name: [column.get("data_type"), column.get("constraints")] for name, column in said.items()}
    return {"alias_types": node["contract"].get("alias_types"), "columns": columns, "all": node.get("constraints")}


def _hooks(node: Node) -> list[str]:
    said = [hook for kind in _HOOKS for hook in node["config"].get(kind) or ()]
    return [str(hook["sql"] if isinstance(hook, Mapping) else hook) for hook in said]


def _names(macro: str, text: str) -> bool:
    return bool(re.search(rf"\b{re.escape(macro.rpartition('.')[2])}\b", text))


def _in_jinja(word: str, text: str) -> bool:
    return any(re.search(rf"(?<![\w.]){word}\b", block) for block in _JINJA.findall(text))


def _dispatched(name: str) -> str:
    """`duckdb__x` and `default__x` stand behind `x`."""
    return name.removeprefix("duckdb__").removeprefix("default__")

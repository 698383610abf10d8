"""What defines a dbt node: its code, settings, macros, vars and environment, each as a labelled digest."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from provisioner.observe.dbt.jinja import attributes, in_jinja, says, without_config
from provisioner.observe.dbt.profile_output import Target
from provisioner.observe.dbt.variables import Variables, named_vars, reads_unnamed_var
from provisioner.observe.digest import digest
from provisioner.observe.normalise import normalise

Node = Mapping[str, Any]

# Their text is known by dbt's version.
BUILT_IN = ("dbt", "dbt_duckdb")
# Settings that do not reach the relation, unless its own code asks for them.
_NO_EFFECT = ("docs", "meta", "tags", "group", "access", "packages", "freshness", "static_analysis", "enabled")
# What these give is all in the relation's name.
_NAMING = ("generate_schema_name", "generate_alias_name", "generate_database_name")
_HOOKS = ("pre-hook", "post-hook")
# What code may read of `model`, beside its text and its relation, which count anyway.
_OF_MODEL = (
    "name", "unique_id", "resource_type", "package_name", "original_file_path", "columns", "constraints", "description",
    "tags", "meta", "config", "depends_on",
)  # fmt: skip
_IN_RELATION = ("database", "schema", "alias", "raw_code", "compiled_code", "language")


@dataclass(frozen=True, slots=True)
class Texts:
    """A node's code in the form in which comments do not count, its hooks, and the macros both use, by id.

    called: of the macros, those that the code comes to, and not its hooks alone.
    """

    code: str
    hooks: tuple[str, ...]
    macros: Mapping[str, str]
    called: tuple[str, ...] = ()

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
        own = node["depends_on"].get("macros", ())
        named = (*own, *self._materializations(node), *self._overrides)
        code = normalise_code(node)
        hooks = tuple(normalise(hook) for hook in _hooks(node))
        called = frozenset(name for name in own if not _only_in_hooks(name, code, hooks))
        macros = {name: self._text(name) for name in self._counting(frozenset(named))}
        return Texts(code, hooks, macros, self._counting(called))

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
    node: Node, texts: Texts, variables: Variables, target: Target, versions: Mapping[str, str]
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
    parts |= {f"env {name}": value for name, value in variables.env(everything, package).items()}
    if reads_unnamed_var(everything):
        parts["vars"] = [variables.given, variables.project, variables.packages]
    if any(in_jinja("target", text) for text in everything):
        parts["target"] = target.read(attributes("target", everything))
    if read := _read_of_model(node, everything):
        parts["model"] = read
    if target.session:
        parts["profile settings"] = target.session
    return {label: digest(part) for label, part in sorted(parts.items())}


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
    asking = (texts.code,) if node.get("language") == "python" else (without_config(texts.code), *texts.macros.values())
    left_out = [name for name in _NO_EFFECT if not _asks_for(name, node, asking)]
    kept = {name: value for name, value in node["config"].items() if name not in (*left_out, *_HOOKS)}
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


def _asks_for(setting: str, node: Node, texts: tuple[str, ...]) -> bool:
    if node.get("language") == "python":
        return any(re.search(rf"\b{setting}(?:\b|_)", text) for text in texts)
    return says(setting, texts)


def _read_of_model(node: Node, texts: Iterable[str]) -> dict[str, Any]:
    """What the code asks its own node for through `model`."""
    texts = [without_config(text) for text in texts]
    read = attributes("model", texts)
    names = set(_OF_MODEL) if read is None or read - {*_OF_MODEL, *_IN_RELATION} else read - {*_IN_RELATION}
    # An absent list is an empty one.
    return {name: node.get(name) or None for name in sorted(names)}


def names_macro(macro: str, text: str) -> bool:
    """Whether the text names the macro with that id."""
    return bool(re.search(rf"\b{re.escape(macro.rpartition('.')[2])}\b", text))


def _only_in_hooks(macro: str, code: str, hooks: tuple[str, ...]) -> bool:
    """A hook comes after the rows, or before them: what it looks at says nothing of what the code does."""
    if not hooks or names_macro(macro, without_config(code)):
        return False
    return any(names_macro(macro, text) for text in (*hooks, code))


def _dispatched(name: str) -> str:
    """`duckdb__x` and `default__x` stand behind `x`."""
    return name.removeprefix("duckdb__").removeprefix("default__")

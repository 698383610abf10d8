"""The manifest's JSON Schema, and the walk that holds a tree against it.

The walk is ours and not a library's, since a scalar here is still text and it is the schema that says how to read it;
it also knows where everything stands. The tests hold it against the jsonschema package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from provisioner.declare.problems import Problems, TreePath, show
from provisioner.declare.scalars import plain_type
from provisioner.declare.suggest import did_you_mean, nearest
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode

Rule = Mapping[str, Any]
_FOUND = {"null": "nothing", "boolean": "{}", "integer": "{}", "number": "{}", "string": '"{}"'}


def schema_text() -> str:
    """The JSON Schema of a manifest (draft 2020-12), as it is shipped."""
    return files("provisioner.declare").joinpath("manifest.schema.json").read_text(encoding="utf-8")


@cache
def _schema() -> Rule:
    schema: Rule = json.loads(schema_text())
    return schema


@cache
def _referred(pointer: str) -> Rule:
    rule: Rule = _schema()["$defs"][pointer.removeprefix("#/$defs/")]
    return rule


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # `$` of JSON Schema is the end; Python's also stands before a last newline.
    return re.compile(text.removesuffix("$") + r"\Z" if text.endswith("$") else text)


def validate(tree: Node, problems: Problems) -> None:
    """Hold the tree against the schema; every breach is a problem with its place, its path and a cure."""
    _check(tree, _schema(), (), problems)


def _check(node: Node, rule: Rule, path: TreePath, problems: Problems) -> None:
    while "$ref" in rule:
        # What stands beside a reference is for the reader, but for a title of its own.
        rule = {**_referred(rule["$ref"]), "title": rule["title"]} if "title" in rule else _referred(rule["$ref"])
    if isinstance(node, TextNode):
        _check_text(node, rule, path, problems)
    elif isinstance(node, DictNode):
        if _is_expected("object", node, rule, path, problems):
            _check_dict(node, rule, path, problems)
    elif _is_expected("array", node, rule, path, problems):
        _check_list(node, rule, path, problems)


def _types(rule: Rule) -> tuple[str, ...]:
    types = rule.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _is_expected(kind: str, node: Node, rule: Rule, path: TreePath, problems: Problems) -> bool:
    types = _types(rule)
    if not types or kind in types:
        return True
    found = "a mapping" if kind == "object" else "a list"
    problems.add(node.place, "wrong_type", f"expected {rule['title']}, found {found}.", path=path)
    return False


def _check_text(node: TextNode, rule: Rule, path: TreePath, problems: Problems) -> None:
    if node.pending:
        problems.broken.add(path[:2])
        return
    if "\0" in node.text:
        problems.add(node.place, "wrong_value", "a NUL character cannot stand here.", "Take it out.", path)
        return
    types = _types(rule)
    read_as = _read_as(node, types)
    if types and read_as is None:
        message = f"expected {rule['title']}, found {_FOUND[plain_type(node)].format(show(node.text))}."
        problems.add(node.place, "wrong_type", message, _type_cure(node, types), path)
    elif any(check(node.text, rule[word]) for word, check in _WORDS[read_as or "string"].items() if word in rule):
        cure = did_you_mean(node.text, rule["enum"], "values") if "enum" in rule else ""
        problems.add(node.place, "wrong_value", f"expected {rule['title']}, found {show(node.text)}.", cure, path)


def _read_as(node: TextNode, types: tuple[str, ...]) -> str | None:
    kind = plain_type(node)
    if kind in types:
        return kind
    if kind == "integer" and "number" in types:
        return "number"
    return "string" if "string" in types and kind != "null" else None


def _type_cure(node: TextNode, types: tuple[str, ...]) -> str:
    if "boolean" in types and "string" not in types:
        return "Write true or false, without quotes."
    if not node.plain and set(types) & {"integer", "number"}:
        return "Write it without quotes."
    if node.text and "string" in types:
        return "Put it in quotes if the text is meant."
    return ""


# Each word of the schema with the breach that it forbids, by what the scalar is read as.
_NUMBER_WORDS: dict[str, Callable[[str, Any], bool]] = {
    "const": lambda text, value: float(text) != value,
    "minimum": lambda text, bound: float(text) < bound,
    "maximum": lambda text, bound: float(text) > bound,
    "exclusiveMinimum": lambda text, bound: float(text) <= bound,
}
_WORDS: dict[str, dict[str, Callable[[str, Any], bool]]] = {
    "string": {
        "enum": lambda text, words: text not in words,
        "minLength": lambda text, length: len(text) < length,
        "pattern": lambda text, pattern: _pattern(pattern).search(text) is None,
    },
    "integer": _NUMBER_WORDS,
    "number": _NUMBER_WORDS,
    "boolean": {},
    "null": {},
}


def _check_list(node: ListNode, rule: Rule, path: TreePath, problems: Problems) -> None:
    if len(node.items) < rule.get("minItems", 0):
        problems.add(node.place, "wrong_value", f"expected {rule['title']}, found an empty list.", path=path)
    seen: set[str] = set()
    for number, item in enumerate(node.items):
        _check(item, rule.get("items", {}), (*path, number), problems)
        if rule.get("uniqueItems") and isinstance(item, TextNode) and not item.pending:
            if item.text in seen:
                problems.add(item.place, "duplicate", f"{show(item.text)} is listed twice.", "Keep one.", path)
            seen.add(item.text)


def _check_dict(node: DictNode, rule: Rule, path: TreePath, problems: Problems) -> None:
    known: Rule = rule.get("properties", {})
    rest = rule.get("additionalProperties", {})
    meant: set[str | None] = set()
    for key, value in node.entries.items():
        if "propertyNames" in rule:
            _check_text(TextNode(key, False, node.keys[key]), _key_rule(rule["propertyNames"]), (*path, key), problems)
        if key in known or rest is not False:
            _check(value, known.get(key, rest), (*path, key), problems)
        else:
            meant.add(nearest(key, known))
            cure = did_you_mean(key, known, "keys")
            problems.add(node.keys[key], "unknown_key", "unknown key.", cure, (*path, key))
    # A misspelled key is one mistake, not also a missing one.
    _check_required(node, rule, path, meant, problems)


def _key_rule(rule: Rule) -> Rule:
    return _referred(rule["$ref"]) if "$ref" in rule else rule


def _check_required(node: DictNode, rule: Rule, path: TreePath, meant: set[str | None], problems: Problems) -> None:
    for key in rule.get("required", ()):
        if key not in node.entries and key not in meant:
            cure = f"Add `{key}`: {_hint(rule['properties'][key])}."
            problems.add(node.place, "missing_key", f"the key {key} is missing.", cure, path)
    for key, needed in rule.get("dependentRequired", {}).items():
        if key in node.entries and not set(needed) <= node.entries.keys():
            message, cure = f"{key} belongs to a {needed[0]} step.", f"Take {key} out."
            problems.add(node.keys[key], "misplaced_key", message, cure, path)
    choices = [branch["required"][0] for branch in rule.get("oneOf", ())]
    chosen = [key for key in choices if key in node.entries]
    if choices and len(chosen) != 1 and not (not chosen and meant & set(choices)):
        found = " and ".join(chosen) or "none of them"
        message = f"expected exactly one of {', '.join(choices)}, found {found}."
        cure = "A step is of one kind; make it two steps." if chosen else "Say what makes its tables."
        problems.add(node.place, "step_kind", message, cure, path)


def _hint(rule: Rule) -> str:
    return str(rule.get("title") or _referred(rule["$ref"])["title"])

"""The manifest's JSON Schema, and the walk that holds a tree against it.

The walk is ours and not a library's, since a scalar here is still text and it is the schema that says how to read it;
it also knows where everything stands. The tests hold it against the jsonschema package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from provisioner.declare.problems import Problems, TreePath, show
from provisioner.declare.scalars import plain_type, plain_type_of
from provisioner.declare.suggest import did_you_mean, nearest
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode

# Of texts that fit a rule; in a large manifest most of them come again and again.
_REMEMBERED = 20_000
_FOUND = {"null": "nothing", "boolean": "{}", "integer": "{}", "number": "{}", "string": '"{}"'}


def schema_text() -> str:
    """The JSON Schema of a manifest (draft 2020-12), as it is shipped."""
    return Path(__file__).with_name("manifest.schema.json").read_text(encoding="utf-8")


class Rule(dict[str, Any]):
    """A part of the schema. It is itself and equals no other, so that what fits it can be remembered."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__


@cache
def _schema() -> Rule:
    """The schema with what its references refer to in their place."""
    schema = json.loads(schema_text())
    rule: Rule = _refer(schema, schema["$defs"])
    return rule


def _refer(part: Any, rules: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_refer(item, rules) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        # What stands beside a reference is for the reader, but for a title of its own.
        part = {**rules[part["$ref"].removeprefix("#/$defs/")], **{key: part[key] for key in ("title",) if key in part}}
    return Rule({key: _refer(value, rules) for key, value in part.items()})


_ANYTHING = Rule()


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # `$` of JSON Schema is the end; Python's also stands before a last newline.
    return re.compile(text.removesuffix("$") + r"\Z" if text.endswith("$") else text)


def validate(tree: Node, problems: Problems) -> None:
    """Hold the tree against the schema; every breach is a problem with its place, its path and a cure."""
    _check(tree, _schema(), (), problems)


def _check(node: Node, rule: Rule, path: TreePath, problems: Problems) -> None:
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
    elif (breach := _breach(rule, node.text, node.plain)) == "nul":
        problems.add(node.place, "wrong_value", "a NUL character cannot stand here.", "Take it out.", path)
    elif breach == "type":
        message = f"expected {rule['title']}, found {_FOUND[plain_type(node)].format(show(node.text))}."
        problems.add(node.place, "wrong_type", message, _type_cure(node, _types(rule)), path)
    elif breach == "value":
        cure = _value_cure(node.text, rule)
        problems.add(node.place, "wrong_value", f"expected {rule['title']}, found {show(node.text)}.", cure, path)


@lru_cache(maxsize=_REMEMBERED)
def _breach(rule: Rule, text: str, plain: bool) -> str:
    """In what a scalar goes against the rule: nul, type, value, or empty where it fits."""
    if "\0" in text:
        return "nul"
    types = _types(rule)
    read_as = _read_as(plain_type_of(text, plain), types)
    if types and read_as is None:
        return "type"
    words = _WORDS[read_as or "string"].items()
    return "value" if any(check(text, rule[word]) for word, check in words if word in rule) else ""


def _read_as(kind: str, types: tuple[str, ...]) -> str | None:
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


def _value_cure(text: str, rule: Rule) -> str:
    if "enum" in rule:
        return did_you_mean(text, rule["enum"], "values")
    if "anyOf" in rule:
        # A word of a closed set, alone or with something behind a colon.
        _, colon, rest = text.partition(":")
        words = [f"{known}:{rest}" if colon else known for known in rule["anyOf"][0]["enum"]]
        return did_you_mean(text, words, "values")
    return ""


# For each section whose entries are one of several kinds: code of the problem, cure for two kinds, cure for none.
_CHOICES = {
    "steps": ("step_kind", "A step is of one kind; make it two steps.", "Say what makes its tables."),
    "tables_from": ("selection", "Make it two entries.", "Say which nodes of dbt: `select: tag:nightly`."),
}
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
        "anyOf": lambda text, rules: all(_breach(rule, text, False) for rule in rules),
        "minLength": lambda text, length: len(text) < length,
        "maxLength": lambda text, length: len(text) > length,
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
        _check(item, rule.get("items", _ANYTHING), (*path, number), problems)
        if rule.get("uniqueItems") and isinstance(item, TextNode) and not item.pending:
            if item.text in seen:
                problems.add(item.place, "duplicate", f"{show(item.text)} is listed twice.", "Keep one.", path)
            seen.add(item.text)


def _check_dict(node: DictNode, rule: Rule, path: TreePath, problems: Problems) -> None:
    known: Rule = rule.get("properties", _ANYTHING)
    rest = rule.get("additionalProperties", _ANYTHING)
    names = rule.get("propertyNames")
    meant: set[str | None] = set()
    for key, value in node.entries.items():
        if names and _breach(names, key, False):
            _check_text(TextNode(key, False, node.keys[key]), names, (*path, key), problems)
        if key in known or rest is not False:
            _check(value, known.get(key, rest), (*path, key), problems)
        else:
            meant.add(nearest(key, known))
            cure = did_you_mean(key, known, "keys")
            problems.add(node.keys[key], "unknown_key", "unknown key.", cure, (*path, key))
    # A misspelled key is one mistake, not also a missing one.
    _check_required(node, rule, path, meant, problems)


def _check_required(node: DictNode, rule: Rule, path: TreePath, meant: set[str | None], problems: Problems) -> None:
    for key in rule.get("required", ()):
        if key not in node.entries and key not in meant:
            cure = f"Add `{key}`: {rule['properties'][key]['title']}."
            problems.add(node.place, "missing_key", f"the key {key} is missing.", cure, path)
    for key, needed in rule.get("dependentRequired", {}).items():
        if key in node.entries and not set(needed) <= node.entries.keys():
            where = f"to a {needed[0]} step" if path[0] == "steps" else f"beside {needed[0]}"
            message, cure = f"{key} belongs {where}.", f"Take {key} out."
            problems.add(node.keys[key], "misplaced_key", message, cure, path)
    choices = [branch["required"][0] for branch in rule.get("oneOf", ())]
    chosen = [key for key in choices if key in node.entries]
    if choices and len(chosen) != 1 and not (not chosen and meant & set(choices)):
        found = " and ".join(chosen) or "none of them"
        message = f"expected exactly one of {', '.join(choices)}, found {found}."
        code, cure_for_two, cure_for_none = _CHOICES[str(path[0])]
        problems.add(node.place, code, message, cure_for_two if chosen else cure_for_none, path)

"""The shipped schema is a JSON Schema, and our walk of it agrees with the jsonschema package."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from manifest_texts import DECLARED, SELECTED

from provisioner.declare.allowance import ALLOWABLE
from provisioner.declare.problems import Problems
from provisioner.declare.schema import schema_text, validate
from provisioner.declare.values import VIOLATIONS, HazardKind, StepKind, TableKind
from provisioner.declare.yaml_tree import parse_tree

SCHEMA = json.loads(schema_text())
WHOLE = yaml.safe_load(DECLARED + SELECTED)
WALKED = {
    "type", "properties", "additionalProperties", "propertyNames", "required", "dependentRequired", "oneOf", "items",
    "minItems", "uniqueItems", "enum", "anyOf", "const", "minimum", "maximum", "exclusiveMinimum", "minLength",
    "maxLength", "pattern", "$ref",
}  # fmt: skip
FOR_READERS = {"title", "description", "default", "$schema", "$defs"}


def _rules(rule: Any) -> Iterator[Mapping[str, Any]]:
    """Every rule of the schema, the names of properties left out."""
    yield rule
    for word in ("properties", "$defs"):
        for inner in rule.get(word, {}).values():
            yield from _rules(inner)
    for word in ("additionalProperties", "propertyNames", "items"):
        if isinstance(rule.get(word), dict):
            yield from _rules(rule[word])
    for inner in rule.get("anyOf", ()):
        yield from _rules(inner)


def test_the_schema_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_uses_no_word_that_the_walk_does_not_know() -> None:
    assert {word for rule in _rules(SCHEMA) for word in rule} <= WALKED | FOR_READERS


def test_every_key_is_described_to_editors() -> None:
    bare = [
        name
        for rule in _rules(SCHEMA)
        for name, inner in rule.get("properties", {}).items()
        if not {"description", "$ref", "title"} & inner.keys()
    ]
    assert bare == []


def test_the_closed_sets_of_the_schema_are_those_of_the_values() -> None:
    defs = SCHEMA["$defs"]
    words, with_table = defs["policy"]["properties"]["allow"]["items"]["anyOf"]
    assert set(words["enum"]) == set(ALLOWABLE) == set(HazardKind) - VIOLATIONS
    assert set(re.findall("[a-z_]{5,}", with_table["pattern"])) == set(ALLOWABLE)
    assert set(defs["table"]["properties"]["kind"]["enum"]) == set(TableKind)
    assert {branch["required"][0] for branch in defs["step"]["oneOf"]} == set(StepKind)


def _slots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*path, key)
        yield from _slots(value[key], (*path, key))


SLOTS = list(_slots(WHOLE))
# No bare number or boolean in the place of text: there the walk is kinder than the schema, on purpose.
VALUES = st.sampled_from(
    ["", "x", "5m", "a:b", "seed", "\t", None, [], ["x"], ["x", "x"], [["x"]], {}, {"x": "y"}, "x" * 1_025]
)


@examples(200)
@given(st.sampled_from(SLOTS), st.sampled_from(["replace", "rename", "remove"]), VALUES)
def test_the_walk_agrees_with_the_jsonschema_package(path: tuple[Any, ...], change: str, value: Any) -> None:
    manifest = copy.deepcopy(WHOLE)
    parent = manifest
    for key in path[:-1]:
        parent = parent[key]
    old = parent.pop(path[-1])
    if change != "remove" and isinstance(parent, dict):
        parent[path[-1] if change == "replace" else "x y"] = value if change == "replace" else old
    problems = Problems()
    tree = parse_tree(json.dumps(manifest), "m.yaml", problems)
    assert tree is not None
    validate(tree, problems)
    assert bool(problems.found) == (not Draft202012Validator(SCHEMA).is_valid(manifest))

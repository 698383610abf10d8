"""What is written as YAML is read back as it was, by the reader of manifests."""

from __future__ import annotations

from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from provisioner.declare.interpolate import interpolate_tree
from provisioner.declare.problems import Problems
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode, parse_tree
from provisioner.report.yaml_text import Flow, block, scalar

ODD = "ab :#-,[]{}()'\"\n\r\t\\$%&*!|>@`?=~<.0\x00\x85\u2028\ufeff\u00a0é日😀"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])), max_size=12)


def read(text: str) -> DictNode:
    problems = Problems()
    tree = parse_tree(text, "manifest", problems)
    assert isinstance(tree, DictNode) and not problems.found, (text, problems.found)
    tree = interpolate_tree(tree, {}, problems)
    assert not problems.found, (text, problems.found)
    return tree


def value_of(node: Node) -> Any:
    if isinstance(node, DictNode):
        return {key: value_of(value) for key, value in node.entries.items()}
    return [value_of(item) for item in node.items] if isinstance(node, ListNode) else node.text


@examples(200)
@given(TEXTS, TEXTS, TEXTS)
def test_every_text_is_read_back_wherever_it_stands(a: str, b: str, c: str) -> None:
    flow = {b: c, f"l{b}": [a, c]}
    written = {f"k{a}": b, f"x{a}": {"d": c, "f": Flow(flow)}, f"y{c}": [a, [b, c], {"e": a}]}
    expected = {f"k{a}": b, f"x{a}": {"d": c, "f": flow}, f"y{c}": [a, [b, c], {"e": a}]}
    assert value_of(read("\n".join(block(written)) + "\n")) == expected


@pytest.mark.parametrize("text", ["null", "true", "False", "No", "010", "12:30", "1e3", "~", "", "- a", "a: b", "<<"])
def test_a_text_that_looks_like_something_else_is_in_quotes(text: str) -> None:
    assert scalar(text) == f'"{text}"'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": "BIGINT"}, "a: BIGINT"),
        ({"a": "DECIMAL(10,2)"}, "a: DECIMAL(10,2)"),
        ({"a": Flow({"type": "DECIMAL(10,2)", "nullable": False})}, 'a: {type: "DECIMAL(10,2)", nullable: false}'),
        ({"a": Flow(["x", "y z"])}, "a: [x, y z]"),
        ({"a": "two\nlines"}, "a: |-\n  two\n  lines"),
        ({"a": "a $ and ${X}"}, 'a: "a $ and $${X}"'),
        ({"a": Flow({"start": 5})}, "a: {start: 5}"),
    ],
)
def test_what_needs_no_quotes_has_none(value: Any, expected: str) -> None:
    assert "\n".join(block(value)) == expected


def test_numbers_and_truths_are_written_plainly() -> None:
    tree = read("\n".join(block({"a": 1, "b": Flow({"c": False})})))
    first, second = tree.entries["a"], tree.entries["b"]
    assert isinstance(first, TextNode) and first.plain and first.text == "1"
    assert isinstance(second, DictNode) and value_of(second) == {"c": "false"}

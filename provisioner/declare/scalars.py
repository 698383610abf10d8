"""What the text of a scalar means."""

from __future__ import annotations

import math
import re
from typing import Any

from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode

# A hundred digits: more than any number of rows, and less than what makes int() refuse.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]{0,99})(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_NULLS = ("", "~", "null")


def plain_type(node: TextNode) -> str:
    """JSON Schema's word for what the scalar is."""
    return plain_type_of(node.text, node.plain)


def plain_type_of(text: str, plain: bool) -> str:
    """As plain_type, of a scalar's text; plain: without quotes."""
    if not plain:
        return "string"
    if text in _NULLS:
        return "null"
    if text in ("true", "false"):
        return "boolean"
    if _INTEGER.fullmatch(text):
        return "integer"
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return "number"
    return "string"


def free_value(node: Node) -> Any:
    """The value where no schema says its type: quoted it is text; plain it may be a number, true, false or null."""
    if isinstance(node, DictNode):
        return {key: free_value(value) for key, value in sorted(node.entries.items())}
    if isinstance(node, ListNode):
        return [free_value(item) for item in node.items]
    return _READERS[plain_type(node)](node.text)


_READERS: dict[str, Any] = {
    "string": str,
    "null": lambda text: None,
    "boolean": lambda text: text == "true",
    "integer": int,
    "number": float,
}

"""What the text of a scalar means."""

from __future__ import annotations

import math
import re
from typing import Any

from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode

# A hundred digits: more than any number of rows, and less than what makes int() refuse.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]{0,99})(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
_NULLS = ("", "~", "null")


def plain_type(node: TextNode) -> str:
    """JSON Schema's word for what the scalar is."""
    if not node.plain:
        return "string"
    if node.text in _NULLS:
        return "null"
    if node.text in ("true", "false"):
        return "boolean"
    if _INTEGER.fullmatch(node.text):
        return "integer"
    if _NUMBER.fullmatch(node.text) and math.isfinite(float(node.text)):
        return "number"
    return "string"


def free_value(node: Node) -> Any:
    """The value where no schema says its type: quoted it is text; plain it may be a number, true, false or null."""
    if isinstance(node, DictNode):
        return {key: free_value(value) for key, value in sorted(node.entries.items())}
    if isinstance(node, ListNode):
        return [free_value(item) for item in node.items]
    return _READERS[plain_type(node)](node.text)


def seconds(text: str) -> float:
    """`90`, `1.5`, `90s`, `5m`, `1h30m` in seconds; the schema has seen to its form."""
    if _NUMBER.fullmatch(text):
        return float(text)
    match = _DURATION.fullmatch(text)
    hours, minutes, rest = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    return float(hours * 3600 + minutes * 60 + rest)


_READERS: dict[str, Any] = {
    "string": str,
    "null": lambda text: None,
    "boolean": lambda text: text == "true",
    "integer": int,
    "number": float,
}

"""`${NAME}` and `${NAME:-default}` in the scalars of a tree; `$${` is a literal `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from provisioner.declare.bounds import (
    LIMIT_ADDED,
    LIMIT_CHAIN,
    LIMIT_REFERENCES,
    LIMIT_TEXT,
    TEXT_TOO_LONG,
    TOO_LONG_A_CHAIN,
    TOO_MANY_ADDED,
    TOO_MANY_REFERENCES,
)
from provisioner.declare.problems import Problems, show
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode
from provisioner.errors import ManifestError

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\})?")


@dataclass(slots=True)
class _Interpolation:
    """resolving: the names of `vars` that wait for one another, innermost last. met: references so far."""

    variables: Mapping[str, str]
    own: Mapping[str, Node]
    problems: Problems
    resolved: dict[str, TextNode] = field(default_factory=dict)
    resolving: list[str] = field(default_factory=list)
    cures: dict[str, str] = field(default_factory=dict)
    met: int = 0
    added: int = 0

    def node(self, node: Node) -> Node:
        if isinstance(node, DictNode):
            entries = {key: self.node(value) for key, value in node.entries.items()}
            return DictNode(entries, node.keys, node.place)
        if isinstance(node, ListNode):
            return ListNode(tuple(self.node(item) for item in node.items), node.place)
        return self.text(node) if "${" in node.text else node

    def text(self, node: TextNode) -> TextNode:
        """The scalar with its references replaced; pending where one could not be."""
        parts: list[str] = []
        end, pending, from_outside = 0, False, False
        for match in _REFERENCE.finditer(node.text):
            parts.append(node.text[end : match.start()])
            end = match.end()
            value = self.reference(node, match)
            pending |= value.pending
            from_outside |= value.from_outside
            parts.append(value.text)
            if value.pending and match["name"] is None:
                break  # what follows may be meant otherwise, and there may be thousands of it
        text = "".join(parts) + node.text[end:]
        if len(text) > LIMIT_TEXT:
            return self.fail(node, "too_large", *TEXT_TOO_LONG)
        return TextNode(text, node.plain, node.place, pending, from_outside)

    def reference(self, node: TextNode, match: re.Match[str]) -> TextNode:
        self.met += 1
        if self.met > LIMIT_REFERENCES:
            raise self.give_up(node, *TOO_MANY_REFERENCES)
        if match[0] == "$${":
            return TextNode("${", False, node.place)
        name, default = match["name"], match["default"]
        if name is None:
            cure = "Write ${NAME}, ${NAME:-default}, or $${ for the characters themselves."
            return self.fail(node, "bad_reference", f"{show(node.text)} holds a `${{` that is no reference.", cure)
        value = self.look_up(node, name)
        # As in a shell: `:-` stands in for the unset and for the empty.
        if default is not None and (value is None or (not value.pending and not value.text)):
            value = TextNode(default[2:], False, node.place)
        if value is None:
            return self.fail(node, "unknown_variable", f"the variable {show(name)} is not set.", self.cure(name))
        self.added += len(value.text)
        if self.added > LIMIT_ADDED:
            raise self.give_up(node, *TOO_MANY_ADDED)
        return value

    def look_up(self, node: TextNode, name: str) -> TextNode | None:
        if name in self.variables:
            return self.outside(node, name, self.variables[name])
        found = self.own.get(name)
        if found is None:
            return None
        if name in self.resolving:
            return self.fail(
                node, "unknown_variable", f"the variable {show(name)} refers to itself.", "Give it a value."
            )
        if len(self.resolving) >= LIMIT_CHAIN:
            return self.fail(node, "too_deep", *TOO_LONG_A_CHAIN)
        if name not in self.resolved:
            self.resolving.append(name)
            # A list or a mapping under `vars` is the schema's to refuse.
            self.resolved[name] = self.text(found) if isinstance(found, TextNode) else _pending(found)
            self.resolving.pop()
        return self.resolved[name]

    def outside(self, node: TextNode, name: str, value: str) -> TextNode:
        try:
            value.encode()
        except UnicodeEncodeError:
            return self.fail(node, "encoding", f"the variable {show(name)} is not UTF-8 text.", "Set it anew.")
        return TextNode(value, True, node.place, from_outside=True)

    def cure(self, name: str) -> str:
        """For a variable that is not set. Looked for once, however often it is named."""
        if name not in self.cures:
            meant = did_you_mean(name, [*self.own, *_similar(name, self.variables)], "variables under `vars`")
            write = f"Set it in the environment or under `vars`, or write ${{{show(name)}:-default}}."
            self.cures[name] = f"{write} {meant}"
        return self.cures[name]

    def give_up(self, node: TextNode, message: str, cure: str) -> ManifestError:
        self.problems.add(node.place, "too_large", message, cure)
        return self.problems.error()

    def fail(self, node: TextNode, code: str, message: str, cure: str) -> TextNode:
        self.problems.add(node.place, code, message, cure)
        return _pending(node)


def interpolate(node: Node, variables: Mapping[str, str], own: Node | None, problems: Problems) -> Node:
    """The tree with every reference replaced: from variables first, then from own, the manifest's `vars`."""
    names = own.entries if isinstance(own, DictNode) else {}
    return _Interpolation(variables, names, problems).node(node)


def interpolate_tree(tree: DictNode, variables: Mapping[str, str], problems: Problems) -> DictNode:
    """The whole manifest with every reference replaced, but for those in `environments`, which stay open."""
    rest = {key: node for key, node in tree.entries.items() if key != "environments"}
    filled = interpolate(DictNode(rest, tree.keys, tree.place), variables, tree.get("vars"), problems)
    entries = filled.entries if isinstance(filled, DictNode) else {}
    others = tree.get("environments")
    return replace(tree, entries={**entries, "environments": _leave_open(others)} if others else entries)


def _leave_open(node: Node) -> Node:
    """The tree with its references pending: another environment's variables need not be set in this one."""
    if isinstance(node, DictNode):
        return replace(node, entries={key: _leave_open(value) for key, value in node.entries.items()})
    if isinstance(node, ListNode):
        return replace(node, items=tuple(_leave_open(item) for item in node.items))
    return replace(node, pending=True) if "${" in node.text else node


def _pending(node: Node) -> TextNode:
    return TextNode("", False, node.place, pending=True)


def _similar(name: str, variables: Mapping[str, str]) -> list[str]:
    """Of the process's variables only those of the same spelling but for case: a listing of all would help nobody."""
    return [variable for variable in variables if variable.upper() == name.upper()]

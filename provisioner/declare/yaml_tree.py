"""YAML text -> a tree of nodes with places.

Scalars stay the text that was written: which of them are numbers is for the schema to say, not for YAML (where `no` is
false and `010` is eight). Nothing is resolved, so no alias can explode and no tag can construct anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from provisioner.declare.bounds import (
    KEY_TOO_LONG,
    LIMIT_DEPTH,
    LIMIT_ENTRIES,
    LIMIT_KEY,
    LIMIT_NODES,
    LIMIT_TEXT,
    TEXT_TOO_LONG,
    TOO_DEEP,
    TOO_MANY_ENTRIES,
    TOO_MANY_NODES,
    Tally,
)
from provisioner.declare.problems import Problems, show
from provisioner.declare.values import Place

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class TextNode:
    """text: without quotes. plain: it had none, so that it may be a number.

    pending: its value is not known, every check passes. from_outside: a variable of the process had a part in it.
    """

    text: str
    plain: bool
    place: Place
    pending: bool = False
    from_outside: bool = False


@dataclass(frozen=True, slots=True)
class ListNode:
    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class DictNode:
    """keys: where each key stands. place: of the key that names it all, where there is one: there a person looks."""

    entries: dict[str, Node]
    keys: dict[str, Place]
    place: Place

    def get(self, key: str) -> Node | None:
        return self.entries.get(key)


Node = TextNode | ListNode | DictNode


class _Refused(Exception):
    """Reading on would be of no use."""


@dataclass(slots=True)
class _Reader:
    """take: the next event of the document, of which the last one tells that it ends."""

    take: Callable[[], yaml.Event]
    file: str
    problems: Problems
    tally: Tally

    def place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None
        return Place(self.file, mark.line + 1, mark.column + 1)

    def document(self) -> Node:
        self.take()
        start = self.take()
        if isinstance(start, yaml.StreamEndEvent):
            self.refuse(start, "not_a_mapping", "this file is empty.", "Begin it with `version: 1`.")
        root = self.node(self.take(), 1)
        self.take()
        extra = self.take()
        if not isinstance(extra, yaml.StreamEndEvent):
            cure = "Use one file each, and `include`."
            self.refuse(extra, "several_documents", "a second YAML document begins here.", cure)
        return root

    def node(self, event: yaml.Event, depth: int, named_at: Place | None = None) -> Node:
        if depth > LIMIT_DEPTH:
            self.refuse(event, "too_deep", *TOO_DEEP)
        self.tally.nodes += 1
        if self.tally.nodes > LIMIT_NODES:
            self.refuse(event, "too_large", *TOO_MANY_NODES)
        place = self.place(event)
        if isinstance(event, yaml.AliasEvent):
            self.feature(place, f"alias *{show(event.anchor or '')}")
            return TextNode("", False, place, pending=True)
        self.refuse_features(event, place)
        if isinstance(event, yaml.ScalarEvent):
            if len(event.value) > LIMIT_TEXT:
                self.refuse(event, "too_large", *TEXT_TOO_LONG)
            return TextNode(event.value, event.implicit[0], place)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(place, depth)
        return self.mapping(named_at or place, depth)

    def refuse_features(self, event: Any, place: Place) -> None:
        """event: of a scalar, a list or a mapping."""
        if event.anchor is not None:
            self.feature(place, f"anchor &{show(event.anchor)}")
        if event.tag is not None:
            self.feature(place, f"tag {show(event.tag)}")

    def sequence(self, place: Place, depth: int) -> ListNode:
        items: list[Node] = []
        while not isinstance(event := self.take(), yaml.SequenceEndEvent):
            if len(items) == LIMIT_ENTRIES:
                self.refuse(event, "too_large", *TOO_MANY_ENTRIES)
            items.append(self.node(event, depth + 1))
        return ListNode(tuple(items), place)

    def mapping(self, place: Place, depth: int) -> DictNode:
        found = DictNode({}, {}, place)
        while not isinstance(event := self.take(), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if len(found.entries) == LIMIT_ENTRIES:
                self.refuse(event, "too_large", *TOO_MANY_ENTRIES)
            if isinstance(key, TextNode) and len(key.text) > LIMIT_KEY:
                self.refuse(event, "too_large", *KEY_TOO_LONG)
            value = self.node(self.take(), depth + 1, key.place)
            if not isinstance(key, TextNode):
                self.problems.add(key.place, "wrong_type", "a key must be text.", "Write it as one word, or in quotes.")
            elif key.plain and key.text == "<<":
                self.feature(key.place, "merge key <<")
            elif key.text in found.entries:
                first = found.keys[key.text]
                message = f"{show(key.text)} is declared twice, first at {first}."
                self.problems.add(key.place, "duplicate", message, "Keep one of the two.")
            elif not key.pending:
                found.entries[key.text], found.keys[key.text] = value, key.place
        return found

    def feature(self, place: Place, what: str) -> None:
        self.problems.add(place, "yaml_feature", f"a manifest does not use YAML's {what}.", "Write the value out.")

    def refuse(self, event: yaml.Event, code: str, message: str, cure: str) -> None:
        self.problems.add(self.place(event), code, message, cure)
        raise _Refused


def parse_tree(text: str, file: str, problems: Problems, tally: Tally | None = None) -> Node | None:
    """The tree of one YAML document; None, and a problem, where there is no reading it.

    file: for places. tally: of the files that were read before, for a manifest of several.
    """
    try:
        return _Reader(_LOADER(text).get_event, file, problems, tally or Tally()).document()
    except _Refused:
        return None
    except yaml.YAMLError as error:
        place, message = _syntax(error, text, file)
        if "nesting depth" in message:  # PyYAML from 6.0.4 on looks that far ahead by itself
            problems.add(place, "too_deep", *TOO_DEEP)
            return None
        problems.add(place, "syntax", f"this is not YAML: {message}.", _syntax_cure(text, place))
        return None


def _syntax(error: yaml.YAMLError, text: str, file: str) -> tuple[Place, str]:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return Place(file, mark.line + 1, mark.column + 1), error.problem or "unreadable"
    position = getattr(error, "position", 0)
    return place_at(text[:position], file), getattr(error, "reason", None) or "unreadable"


def _syntax_cure(text: str, place: Place) -> str:
    if "${" in "".join(text.splitlines()[place.line - 1 : place.line]):
        return "Inside {...} and [...], put ${...} in quotes, or begin a line for it."
    return "Look at indentation and quotes here and above."


def place_at(before: str, file: str) -> Place:
    """The place that follows the text."""
    return Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)

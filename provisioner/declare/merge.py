"""A manifest and what it includes -> one tree; one environment laid over it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.declare.bounds import (
    LIMIT_ALL_BYTES,
    LIMIT_BYTES,
    LIMIT_ENTRIES,
    LIMIT_FILES,
    TOO_MANY_BYTES,
    TOO_MANY_ENTRIES,
    TOO_MANY_FILES,
    Tally,
)
from provisioner.declare.interpolate import interpolate
from provisioner.declare.paths import file_fault
from provisioner.declare.problems import Problems, show, show_path
from provisioner.declare.reading import kind_of_file, read_whole
from provisioner.declare.scalars import plain_type
from provisioner.declare.signature import Signature, sign
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import Place
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode, parse_tree, place_at
from provisioner.errors import UsageError

VERSION = 1
_SECTIONS = ("steps", "tables", "sequences", "environments", "vars")
_LISTS = ("include", "tables_from", "forget")
_OVERLAID = ("database", "dbt", "vars", "policy")


def read_file(path: Path, file: str, place: Place, problems: Problems, tally: Tally) -> Node | None:
    """The tree of one file. place: where a problem with the file as a whole belongs. tally: of those read before."""
    try:
        data = read_whole(path, LIMIT_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        cure = "Name a YAML file." if kind_of_file(path) else "Correct its name or its permissions."
        problems.add(place, "unreadable", f"{show_path(file)} cannot be read: {reason}.", cure)
        return None
    tally.size += len(data)
    if len(data) > LIMIT_BYTES:
        message = f"{show_path(file)} has more than {LIMIT_BYTES:,} bytes."
        problems.add(place, "too_large", message, "Split it, and `include` the parts.")
        return None
    if tally.size > LIMIT_ALL_BYTES:
        problems.add(place, "too_large", *TOO_MANY_BYTES)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = place_at(data[: error.start].decode("utf-8-sig"), file)
        problems.add(where, "encoding", "this is not UTF-8 text.", "Save the file as UTF-8.")
        return None
    return parse_tree(text, file, problems, tally)


@dataclass(slots=True)
class _Merge:
    """first: where a file, by its real path, was first included. waiting: path, name to show, place of the wish."""

    root: Path
    variables: Mapping[str, str]
    outside_allowed: bool
    problems: Problems
    tally: Tally
    first: dict[str, Place] = field(default_factory=dict)
    signed: list[tuple[Path, Signature | None]] = field(default_factory=list)
    waiting: deque[tuple[Path, str, Place]] = field(default_factory=deque)

    def note_includes(self, tree: DictNode, path: Path, file: str) -> None:
        listed = tree.get("include") or ListNode((), tree.place)
        wishes = interpolate(listed, self.variables, tree.get("vars"), self.problems)
        for wish in wishes.items if isinstance(wishes, ListNode) else ():
            # Anything but text is the schema's to refuse.
            if not isinstance(wish, TextNode) or wish.pending or "\0" in wish.text:
                continue
            fault = file_fault(self.root, path.parent, wish.text, self.outside_allowed)
            if fault:
                self.problems.add(wish.place, *fault)
                continue
            shown = os.path.normpath(os.path.join(os.path.dirname(file), wish.text))
            self.waiting.append((path.parent / wish.text, shown, wish.place))

    def read_next(self) -> DictNode | None:
        path, file, place = self.waiting.popleft()
        real = os.path.realpath(path)
        if real in self.first:
            message = f"{show_path(file)} is included twice, first at {self.first[real]}."
            self.problems.add(place, "duplicate", message, "Include it once.")
            return None
        if len(self.first) > LIMIT_FILES:
            self.problems.add(place, "too_large", *TOO_MANY_FILES)
            self.waiting.clear()
            return None
        self.first[real] = place
        # Under the name it was read by, which may be a link, and before it is read.
        self.signed.append((path, sign(path)))
        tree = manifest_part(read_file(path, file, place, self.problems, self.tally), self.problems)
        if tree is not None:
            self.note_includes(tree, path, file)
        return tree


def read_tree(
    path: Path, file: str, root: Path, environment: str | None, variables: Mapping[str, str], problems: Problems
) -> tuple[DictNode | None, tuple[tuple[Path, Signature | None], ...]]:
    """The manifest with all it includes, and every file with its signature; None where a file could not be read."""
    signed, tally = [(path, sign(path))], Tally()
    tree = manifest_part(read_file(path, file, Place(file, 1, 1), problems, tally), problems)
    if tree is None:
        return None, ()
    merge = _Merge(root, variables, allows_outside_paths(_overlaid(tree, environment)), problems, tally)
    merge.first[os.path.realpath(path)] = Place(file, 1, 1)
    merge.signed += signed
    merge.note_includes(tree, path, file)
    parts: list[DictNode | None] = [tree]
    while merge.waiting:
        parts.append(merge.read_next())
    read = [part for part in parts if part is not None]
    tree = merge_trees(read, problems)
    sound = len(read) == len(parts) and not _is_too_large(tree, problems)
    return (tree if sound else None), tuple(merge.signed)


def manifest_part(tree: Node | None, problems: Problems) -> DictNode | None:
    """The tree, if this program can make sense of it; else None, and a problem that tells why not."""
    if tree is None:
        return None
    if not isinstance(tree, DictNode):
        message = "a manifest is a mapping of keys to values."
        problems.add(tree.place, "not_a_mapping", message, "Begin it with `version: 1`.")
        return None
    version = tree.get("version")
    if isinstance(version, TextNode) and plain_type(version) == "integer" and int(version.text) > VERSION:
        message = f"version {show(version.text)} is newer than this program, which knows version {VERSION}."
        problems.add(version.place, "unknown_version", message, "Upgrade provision.")
        return None
    return tree


def merge_trees(trees: Sequence[DictNode], problems: Problems) -> DictNode:
    """All files as one, at the place of the first; what two declare is a problem that names the two places."""
    first, *others = trees
    if not others:
        return first
    merged = DictNode({key: _copied(value) for key, value in first.entries.items()}, dict(first.keys), first.place)
    lists: dict[str, list[Node]] = {}
    for other in others:
        _add_tree(merged, other, lists, problems)
    for key, items in lists.items():
        merged.entries[key] = ListNode(tuple(items), merged.entries[key].place)
    return merged


def _add_tree(merged: DictNode, other: DictNode, lists: dict[str, list[Node]], problems: Problems) -> None:
    """lists: those of several files, as far as they are together."""
    for key, value in other.entries.items():
        mine = merged.entries.get(key)
        if mine is None:
            merged.entries[key], merged.keys[key] = _copied(value), other.keys[key]
        elif key in _SECTIONS and isinstance(mine, DictNode) and isinstance(value, DictNode):
            _add_section(mine, value, problems)
        elif key in _LISTS and isinstance(mine, ListNode) and isinstance(value, ListNode):
            lists.setdefault(key, list(mine.items)).extend(value.items)
        elif key != "version" or not _are_same_text(mine, value):
            _add_duplicate(key, merged.keys[key], other.keys[key], problems)


def _copied(node: Node) -> Node:
    """A mapping that more can be added to."""
    return DictNode(dict(node.entries), dict(node.keys), node.place) if isinstance(node, DictNode) else node


def _add_section(mine: DictNode, other: DictNode, problems: Problems) -> None:
    for key, value in other.entries.items():
        if key in mine.entries:
            _add_duplicate(key, mine.keys[key], other.keys[key], problems)
        else:
            mine.entries[key], mine.keys[key] = value, other.keys[key]


def _is_too_large(tree: DictNode, problems: Problems) -> bool:
    """Whether one of its sections is, as each file by itself must not be either."""
    for node in tree.entries.values():
        entries = node.entries if isinstance(node, DictNode) else node.items if isinstance(node, ListNode) else ()
        if len(entries) > LIMIT_ENTRIES:
            problems.add(node.place, "too_large", *TOO_MANY_ENTRIES)
            return True
    return False


def _are_same_text(one: Node, other: Node) -> bool:
    return isinstance(one, TextNode) and isinstance(other, TextNode) and one.text == other.text


def _add_duplicate(key: str, first: Place, again: Place, problems: Problems) -> None:
    problems.add(again, "duplicate", f"{show(key)} is declared twice, first at {first}.", "Keep one of the two.")


def overlay(tree: DictNode, environment: str | None) -> DictNode:
    """The tree with one environment laid over it: mappings key by key, all else replaced. Raises UsageError."""
    environments = tree.get("environments")
    # A malformed section is the schema's to refuse.
    if environment is None or (environments is not None and not isinstance(environments, DictNode)):
        return tree
    known = environments.entries if isinstance(environments, DictNode) else {}
    if environment not in known:
        cure = did_you_mean(environment, known, "environments")
        message = f"the manifest has no environment {show(environment)}."
        raise UsageError(message, cure=cure, code="unknown_environment")
    return _overlaid(tree, environment)


def _overlaid(tree: DictNode, environment: str | None) -> DictNode:
    environments = tree.get("environments")
    chosen = environments.get(environment) if environment and isinstance(environments, DictNode) else None
    if not isinstance(chosen, DictNode):
        return tree
    overlaid = {key: value for key, value in chosen.entries.items() if key in _OVERLAID}
    return _laid_over(tree, DictNode(overlaid, chosen.keys, chosen.place))


def _laid_over(below: DictNode, above: DictNode) -> DictNode:
    laid = DictNode(dict(below.entries), dict(below.keys), below.place)
    for key, value in above.entries.items():
        mine = laid.entries.get(key)
        if isinstance(mine, DictNode) and isinstance(value, DictNode):
            value = _laid_over(mine, value)
        laid.entries[key] = value
        laid.keys[key] = above.keys[key]
    return laid


def allows_outside_paths(tree: DictNode) -> bool:
    """Whether `policy.allow_outside_paths` is true."""
    policy = tree.get("policy")
    allowed = policy.get("allow_outside_paths") if isinstance(policy, DictNode) else None
    return isinstance(allowed, TextNode) and allowed.plain and allowed.text == "true"

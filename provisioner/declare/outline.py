"""The parts of a tree that are compared with one another, once the schema is satisfied with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.declare.problems import Problems, TreePath
from provisioner.declare.values import Place, TableName
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode

KINDS = ("dbt", "sql", "load", "python")


@dataclass(frozen=True, slots=True)
class Outline:
    """tiers: None when something is wrong with them. steps, tables: those with nothing wrong so far; step_names: all.

    names: every table's, with its key in the manifest. made: step to the keys of its tables.
    selections: the entries of `tables_from`, by number, likewise; selected: the steps that they name.
    whole: of all these, nothing was left out. keys: of each table that a foreign key referred to so far.
    """

    tree: DictNode
    tiers: Mapping[str, TextNode] | None
    steps: Mapping[str, DictNode]
    tables: Mapping[str, DictNode]
    step_names: Collection[str]
    names: Mapping[TableName, str]
    made: Mapping[str, Sequence[str]]
    selections: Mapping[int, DictNode]
    selected: Collection[str]
    whole: bool
    keys: dict[str, Collection[tuple[str, ...]]] = field(default_factory=dict)


def make_outline(tree: DictNode, problems: Problems) -> Outline:
    """What of the tree can be compared; entries with a problem are left out."""
    tiers = {tier.text: tier for tier in texts(tree, "tiers")} if not problems.touch("tiers") else None
    steps, tables = _sound(tree, "steps", problems), _sound(tree, "tables", problems)
    whole = len(steps) == len(section(tree, "steps")) and len(tables) == len(section(tree, "tables"))
    whole = whole and not problems.is_broken("steps") and not problems.is_broken("tables")
    whole = whole and not problems.touch("tables_from")
    listed = enumerate(items(tree, "tables_from"))
    selections = {number: node for number, node in listed if not problems.is_broken("tables_from", number)}
    names: dict[TableName, str] = {}
    for key in section(tree, "tables"):
        try:
            names[parse_name(key)] = key
        except ValueError:
            continue
    made: defaultdict[str, list[str]] = defaultdict(list)
    for key, table in tables.items():
        made[text_of(table, "step") or ""].append(key)
    selected = {text_of(node, "step") or "" for node in selections.values()}
    step_names = section(tree, "steps").keys()
    return Outline(tree, tiers, steps, tables, step_names, names, made, selections, selected, whole)


def _sound(tree: DictNode, name: str, problems: Problems) -> dict[str, DictNode]:
    entries = section(tree, name).items()
    return {key: node for key, node in entries if isinstance(node, DictNode) and not problems.is_broken(name, key)}


def parse_name(text: str) -> TableName:
    """TableName.parse, strict about quotes. Raises ValueError."""
    if text.count('"') % 2:
        raise ValueError(f"{text!r} has a quote too few")
    return TableName.parse(text)


def section(tree: DictNode, key: str) -> Mapping[str, Node]:
    node = tree.get(key)
    return node.entries if isinstance(node, DictNode) else {}


def items(node: DictNode, key: str) -> tuple[DictNode, ...]:
    """The mappings of a list; with anything else among them the schema is not satisfied."""
    value = node.get(key)
    return tuple(item for item in value.items if isinstance(item, DictNode)) if isinstance(value, ListNode) else ()


def dicts(node: DictNode, key: str) -> list[tuple[str, DictNode]]:
    """The mappings of a mapping, with their names."""
    return [(name, inner) for name, inner in section(node, key).items() if isinstance(inner, DictNode)]


def texts(node: DictNode, key: str) -> Iterator[TextNode]:
    """The scalars of a list, or the one scalar that stands in its place."""
    value = node.get(key)
    for item in value.items if isinstance(value, ListNode) else (value,):
        if isinstance(item, TextNode):
            yield item


def text_of(node: DictNode, key: str) -> str | None:
    value = node.get(key)
    return value.text if isinstance(value, TextNode) else None


def flag(node: DictNode, key: str, default: bool) -> bool:
    text = text_of(node, key)
    return default if text is None else text == "true"


def number(node: DictNode, key: str) -> int | None:
    text = text_of(node, key)
    return None if text is None else int(text)


def place_of(node: DictNode, key: str) -> Place:
    """Where the value stands, else where the mapping does."""
    value = node.get(key)
    return value.place if value is not None else node.place


def named_columns(table: DictNode, path: TreePath, *, expressions: bool = False) -> Iterator[tuple[TextNode, TreePath]]:
    """Each column that a key, an index or an expectation names; or, in its place, each expression of an index."""
    for column, where in () if expressions else _in_keys(table, path):
        yield column, where
    indexes = table.get("indexes")
    for name, index in indexes.entries.items() if isinstance(indexes, DictNode) else ():
        holder, key = (index, "columns") if isinstance(index, DictNode) else (indexes, name)
        assert isinstance(holder, DictNode)
        for column in texts(holder, key):
            if column.text.startswith("(") == expressions:
                yield column, (*path, "indexes", name)


def _in_keys(table: DictNode, path: TreePath) -> Iterator[tuple[TextNode, TreePath]]:
    for column in texts(table, "primary_key"):
        yield column, (*path, "primary_key")
    yield from _in_unique(table, path)
    for number, key in enumerate(items(table, "foreign_keys")):
        for column in texts(key, "columns"):
            yield column, (*path, "foreign_keys", number, "columns")
    expect = table.get("expect")
    if isinstance(expect, DictNode):
        for column in texts(expect, "not_null"):
            yield column, (*path, "expect", "not_null")
        yield from _in_unique(expect, (*path, "expect"))


def _in_unique(holder: DictNode, path: TreePath) -> Iterator[tuple[TextNode, TreePath]]:
    unique = holder.get("unique")
    for number, item in enumerate(unique.items if isinstance(unique, ListNode) else ()):
        here = (*path, "unique", *((number,) if isinstance(item, ListNode) else ()))
        for name in item.items if isinstance(item, ListNode) else (item,):
            if isinstance(name, TextNode):
                yield name, here


def kind_of(step: DictNode) -> str:
    return next(kind for kind in KINDS if kind in step.entries)


def terms(node: DictNode, key: str) -> tuple[str, ...]:
    """What dbt makes a union of, each term once, in the order in which they are written."""
    return tuple(dict.fromkeys(term for text in texts(node, key) for term in text.text.split()))

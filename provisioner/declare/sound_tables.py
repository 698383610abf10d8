"""What must hold of one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provisioner.declare.outline import Outline, kind_of, section, text_of, texts
from provisioner.declare.problems import Problems, TreePath, show
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import fold
from provisioner.declare.yaml_tree import DictNode, ListNode, TextNode

TableCheck = Callable[[Outline, str, DictNode, Problems], None]


def _is_in_a_known_tier(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    known = [tier.text for tier in outline.tiers or ()]
    for tier in texts(table, "tier"):
        if outline.tiers is not None and tier.text not in known:
            cure = did_you_mean(tier.text, known, "tiers")
            message = f"there is no tier {show(tier.text)}."
            problems.add(tier.place, "unknown_tier", message, cure, ("tables", key, "tier"))


def _has_a_producer(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    for step in texts(table, "step"):
        if step.text not in outline.step_names and not problems.is_broken("steps"):
            cure = did_you_mean(step.text, outline.step_names, "steps")
            message = f"there is no step {show(step.text)}."
            problems.add(step.place, "unknown_step", message, cure, ("tables", key, "step"))
    if "step" not in table.entries and not section(table, "columns"):
        cure = "Name the step that makes it, or declare its columns."
        problems.add(table.place, "no_producer", "this table has neither a step nor columns.", cure, ("tables", key))


def _has_columns_that_its_keys_name(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    if "step" in table.entries:
        return
    known = {fold(name): name for name in section(table, "columns")}
    for column, path in _named_columns(table, ("tables", key)):
        if known and fold(column.text) not in known:
            cure = did_you_mean(column.text, known.values(), "columns")
            problems.add(column.place, "unknown_column", f"the table has no column {show(column.text)}.", cure, path)


def _names_no_column_twice(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    seen: set[tuple[TreePath, str]] = set()
    for column, path in _named_columns(table, ("tables", key)):
        if (path, fold(column.text)) in seen:
            problems.add(column.place, "duplicate", f"{show(column.text)} is named twice.", "Keep one.", path)
        seen.add((path, fold(column.text)))


def _named_columns(table: DictNode, path: TreePath) -> Iterator[tuple[TextNode, TreePath]]:
    for column in texts(table, "primary_key"):
        yield column, (*path, "primary_key")
    expect = table.get("expect")
    if not isinstance(expect, DictNode):
        return
    for column in texts(expect, "not_null"):
        yield column, (*path, "expect", "not_null")
    unique = expect.get("unique")
    for number, item in enumerate(unique.items if isinstance(unique, ListNode) else ()):
        here = (*path, "expect", "unique", *((number,) if isinstance(item, ListNode) else ()))
        for name in item.items if isinstance(item, ListNode) else (item,):
            if isinstance(name, TextNode):
                yield name, here


def _leaves_structure_to_its_step(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    """A produced table is what its step makes; the manifest can ask for rows, not for constraints."""
    if "step" not in table.entries:
        return
    where = "belongs to a table without a step; here the step decides."
    if "primary_key" in table.entries:
        cure = "Write `expect: {unique: [[...]], not_null: [...]}`."
        path = ("tables", key, "primary_key")
        problems.add(table.keys["primary_key"], "declared_only", f"primary_key {where}", cure, path)
    for name, column in section(table, "columns").items():
        for word in ("nullable", "default", "comment"):
            if not isinstance(column, DictNode) or word not in column.entries:
                continue
            if word == "nullable" and text_of(column, word) == "true":
                continue
            cure = f"Write `expect: {{not_null: [{show(name)}]}}`." if word == "nullable" else f"Take {word} out."
            at = ("tables", key, "columns", name, word)
            problems.add(column.keys[word], "declared_only", f"{word} {where}", cure, at)


def _can_be_a_view(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    if text_of(table, "kind") != "view":
        return
    step = outline.steps.get(text_of(table, "step") or "")
    if "step" not in table.entries:
        message = "a table without a step cannot be a view."
    elif step is not None and kind_of(step) == "load":
        message = "a load makes a table, not a view."
    else:
        return
    cure = "Take `kind: view` out, or make it with a sql step."
    problems.add(table.keys["kind"], "no_view", message, cure, ("tables", key, "kind"))


def _expects_one_number_of_rows(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    expect = table.get("expect")
    if not isinstance(expect, DictNode):
        return
    rows, least, most = (text_of(expect, word) for word in ("rows", "min_rows", "max_rows"))
    path = ("tables", key, "expect")
    if rows is not None and (least is not None or most is not None):
        message, cure = "rows says all that min_rows and max_rows could.", "Keep rows, or the other two."
        problems.add(expect.keys["rows"], "contradiction", message, cure, path)
    if least is not None and most is not None and int(least) > int(most):
        message = f"min_rows {least} is more than max_rows {most}."
        problems.add(expect.keys["min_rows"], "contradiction", message, "Exchange the two.", path)


TABLE_CHECKS: tuple[TableCheck, ...] = (
    _is_in_a_known_tier,
    _has_a_producer,
    _has_columns_that_its_keys_name,
    _names_no_column_twice,
    _leaves_structure_to_its_step,
    _can_be_a_view,
    _expects_one_number_of_rows,
)

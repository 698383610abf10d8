"""What must hold of one table."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.declare.outline import Outline, kind_of, named_columns, section, text_of, texts
from provisioner.declare.problems import Problems, TreePath, show
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import fold
from provisioner.declare.yaml_tree import DictNode

TableCheck = Callable[[Outline, str, DictNode, Problems], None]

_WHERE = "belongs to a table without a step; here the step decides."
_OF_DECLARED = frozenset(
    ("primary_key", "unique", "check", "foreign_keys", "indexes", "comment", "renamed_from", "strict_order", "sql")
)
_OF_DECLARED_COLUMNS = frozenset(
    ("nullable", "default", "generated", "check", "collation", "unique", "backfill", "comment", "renamed_from")
)
# What a column is without these words, so that they change nothing.
_AS_ALWAYS = (("nullable", "true"), ("unique", "false"))
_EXPECTED = {
    "primary_key": "Write `expect: {unique: [[...]], not_null: [...]}`.",
    "unique": "Write it under expect: `expect: {unique: [...]}`.",
}
_EXPECTED_OF_COLUMN = {
    "nullable": "Write `expect: {{not_null: [{}]}}`.",
    "unique": "Write `expect: {{unique: [{}]}}`.",
}


def _is_in_a_known_tier(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    known = outline.tiers
    for tier in texts(table, "tier"):
        if known is not None and tier.text not in known:
            cure = did_you_mean(tier.text, known, "tiers")
            message = f"there is no tier {show(tier.text)}."
            problems.add(tier.place, "unknown_tier", message, cure, ("tables", key, "tier"))


def _has_a_producer(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    for step in texts(table, "step"):
        if step.text not in outline.step_names and not problems.is_broken("steps"):
            cure = did_you_mean(step.text, outline.step_names, "steps")
            message = f"there is no step {show(step.text)}."
            problems.add(step.place, "unknown_step", message, cure, ("tables", key, "step"))
    if not {"step", "sql"} & table.entries.keys() and not section(table, "columns"):
        cure = "Name the step that makes it, or declare its columns, or write the query of a view under `sql`."
        problems.add(table.place, "no_producer", "this table has neither a step nor columns.", cure, ("tables", key))


def _has_columns_that_its_keys_name(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    if "step" in table.entries:
        return
    known = {fold(name): name for name in section(table, "columns")}
    for column, path in named_columns(table, ("tables", key)):
        if known and fold(column.text) not in known:
            cure = did_you_mean(column.text, known.values(), "columns")
            if path[2] == "indexes" and "(" in column.text:
                cure = f"Put an expression in parentheses: '({column.text})'."
            problems.add(column.place, "unknown_column", f"the table has no column {show(column.text)}.", cure, path)


def _names_no_column_twice(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    seen: set[tuple[TreePath, str]] = set()
    for column, path in named_columns(table, ("tables", key)):
        if (path, fold(column.text)) in seen:
            problems.add(column.place, "duplicate", f"{show(column.text)} is named twice.", "Keep one.", path)
        seen.add((path, fold(column.text)))


def _leaves_structure_to_its_step(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    """A produced table is what its step makes; the manifest can ask for rows, not for constraints."""
    if "step" not in table.entries:
        return
    for word in table.entries.keys() & _OF_DECLARED:
        cure = _EXPECTED.get(word, f"Take {word} out.")
        problems.add(table.keys[word], "declared_only", f"{word} {_WHERE}", cure, ("tables", key, word))
    for name, column in section(table, "columns").items():
        for word in column.entries.keys() & _OF_DECLARED_COLUMNS if isinstance(column, DictNode) else ():
            if isinstance(column, DictNode) and (word, text_of(column, word)) not in _AS_ALWAYS:
                cure = _EXPECTED_OF_COLUMN.get(word, f"Take {word} out.").format(show(name))
                at = ("tables", key, "columns", name, word)
                problems.add(column.keys[word], "declared_only", f"{word} {_WHERE}", cure, at)


def _can_be_a_view(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    if text_of(table, "kind") != "view" or "sql" in table.entries:
        return
    step = outline.steps.get(text_of(table, "step") or "")
    if "step" not in table.entries:
        message = "a table without a step cannot be a view."
    elif step is not None and kind_of(step) == "load":
        message = "a load makes a table, not a view."
    else:
        return
    cure = "Take `kind: view` out, or make it with a sql step, or write its query under `sql`."
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

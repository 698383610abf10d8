"""What must hold of the structure of one table that the manifest itself makes. Its SQL is for DuckDB to read."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.declare.outline import Outline, named_columns, parse_name, section, text_of, texts
from provisioner.declare.problems import Problems, TreePath, show
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import TableName, fold
from provisioner.declare.yaml_tree import DictNode, ListNode, Node, TextNode

_OF_TABLES = ("columns", "primary_key", "unique", "check", "foreign_keys", "indexes", "strict_order")
_NOT_GENERATED = ("default", "backfill", "check", "collation")


def _is_a_view_or_a_table(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    """A query makes a view, whose structure follows from it."""
    if "sql" not in table.entries or "step" in table.entries:
        return
    for word in _OF_TABLES:
        if word in table.entries:
            message, cure = f"{word} belongs to a table, and sql makes a view.", f"Take {word} out, or sql."
            problems.add(table.keys[word], "misplaced_key", message, cure, ("tables", key, word))
    if text_of(table, "kind") == "table":
        cure = "Take `kind: table` out, or make the table with a sql step."
        problems.add(table.keys["kind"], "contradiction", "sql makes a view.", cure, ("tables", key, "kind"))


def _computes_or_keeps_its_values(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    """DuckDB has no constraint on a generated column, and nothing is kept in one."""
    computed = {fold(name): (name, column) for name, column in _columns(table) if "generated" in column.entries}
    for name, node in computed.values():
        for word in _contradicting(node):
            message = f"a generated column has no {word}." if word != "nullable" else "a generated column holds NULLs."
            cure = f"Take {word} out, or generated."
            problems.add(node.keys[word], "contradiction", message, cure, ("tables", key, "columns", name, word))
    for column, path in named_columns(table, ("tables", key)):
        if fold(column.text) in computed and path[2] in ("primary_key", "unique", "foreign_keys"):
            message = f"{show(column.text)} is a generated column, and no key can hold one."
            problems.add(column.place, "contradiction", message, "Take it out of the key.", path)
    if computed and len(computed) == len(section(table, "columns")):
        message, cure = "all of its columns are generated.", "Add one that keeps a value."
        problems.add(table.place, "contradiction", message, cure, ("tables", key, "columns"))


def _contradicting(column: DictNode) -> Iterator[str]:
    yield from (word for word in _NOT_GENERATED if word in column.entries)
    yield from (word for word, wrong in (("nullable", "false"), ("unique", "true")) if text_of(column, word) == wrong)


def _fills_only_what_must_be_full(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    for name, column in _columns(table):
        kept = "generated" not in column.entries
        if kept and "backfill" in column.entries and text_of(column, "nullable") != "false":
            message = "backfill is for a column that may not hold NULL; here it would do nothing."
            path = ("tables", key, "columns", name, "backfill")
            problems.add(column.keys["backfill"], "contradiction", message, "Add `nullable: false`.", path)


def _has_former_columns_that_are_gone(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    """renamed_from names what is there no more, and each former column became one."""
    renamed = [(name, column) for name, column in _columns(table) if "renamed_from" in column.entries]
    known = {fold(name): name for name in section(table, "columns")} if renamed else {}
    claimed: dict[str, str] = {}
    for name, column in renamed:
        for old in texts(column, "renamed_from"):
            path = ("tables", key, "columns", name, "renamed_from")
            there, other = known.get(fold(old.text)), claimed.setdefault(fold(old.text), name)
            if there == name:
                cure = "Take renamed_from out; names that differ only in case are one name."
                problems.add(old.place, "contradiction", "this is its own name.", cure, path)
            elif there is not None:
                message = f"the table still has a column {show(there)}."
                problems.add(old.place, "contradiction", message, "Take renamed_from out, or that column.", path)
            elif other != name:
                message = f"{show(other)} was renamed from {show(old.text)} too."
                problems.add(old.place, "contradiction", message, "Keep one of the two.", path)


def _has_whole_expressions_in_its_indexes(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    for column, path in named_columns(table, ("tables", key), expressions=True):
        if column.text.startswith("(") and not column.text.endswith(")"):
            message = f"{show(column.text)} begins with a parenthesis and does not end with one."
            problems.add(column.place, "wrong_value", message, "Write for example '(lower(body))'.", path)


def _refers_to_keys(outline: Outline, key: str, table: DictNode, problems: Problems) -> None:
    keys = table.get("foreign_keys")
    for number, node in enumerate(keys.items if isinstance(keys, ListNode) and "step" not in table.entries else ()):
        references = node.get("references") if isinstance(node, DictNode) else None
        if isinstance(node, DictNode) and isinstance(references, DictNode):
            path = ("tables", key, "foreign_keys", number, "references")
            _check_reference(outline, key, node, references, path, problems)


def _check_reference(
    outline: Outline, key: str, node: DictNode, references: DictNode, path: TreePath, problems: Problems
) -> None:
    (target,) = texts(references, "table")
    other = _referred(outline, key, target, path, problems)
    if other is None:
        return
    wanted = [column.text for column in texts(references, "columns")]
    named = wanted or [column.text for column in texts(other, "primary_key")]
    shown = show(target.text)
    if target.text not in outline.keys:
        outline.keys[target.text] = _keys_of(other)
    if not named:
        cure = "Give it one, or name the columns of a unique key under references: `columns: [...]`."
        problems.add(target.place, "foreign_key", f"{shown} has no primary key.", cure, path)
    elif tuple(map(fold, named)) not in outline.keys[target.text]:
        message = f"{', '.join(map(show, named))} is no key of {shown}."
        cure = f"Add `unique: [[{', '.join(map(show, named))}]]` to {shown}, or name one of its keys, in its order."
        problems.add(next(texts(references, "columns"), target).place, "foreign_key", message, cure, path)
    elif len(named) != (count := len(list(texts(node, "columns")))):
        message = f"{count} columns cannot refer to {len(named)}: {', '.join(map(show, named))}."
        problems.add(node.entries["columns"].place, "foreign_key", message, "Name as many on each side.", path)


def _referred(outline: Outline, key: str, target: TextNode, path: TreePath, problems: Problems) -> DictNode | None:
    """The table that a foreign key refers to; None when that cannot be, or something else is wrong with it."""
    try:
        name = parse_name(target.text)
        own = parse_name(key)
    except ValueError:
        name = own = TableName("", "")
    if name not in outline.names:
        cure = did_you_mean(target.text, outline.names.values(), "tables")
        problems.add(target.place, "unknown_table", f"the manifest has no table {show(target.text)}.", cure, path)
        return None
    other = outline.tables.get(outline.names[name])
    if other is not None and ("step" in other.entries or "sql" in other.entries):
        what = "is a view" if "sql" in other.entries else f"is made by the step {text_of(other, 'step')}"
        cure = "Take the foreign key out."
        message = f"{show(target.text)} {what}, and a foreign key refers to a table without a step."
        problems.add(target.place, "foreign_key", message, cure, path)
        return None
    if fold(name.schema) != fold(own.schema):
        message = f"{show(target.text)} is in another schema, and no foreign key of DuckDB leaves its own."
        problems.add(target.place, "foreign_key", message, "Put both into one schema.", path)
        return None
    return other


def _keys_of(table: DictNode) -> set[tuple[str, ...]]:
    """The columns of each of its keys, folded."""
    columns = _columns(table)
    keys: set[tuple[str, ...]] = {(fold(name),) for name, column in columns if text_of(column, "unique") == "true"}
    keys.add(tuple(fold(column.text) for column in texts(table, "primary_key")))
    unique = table.get("unique")
    for item in unique.items if isinstance(unique, ListNode) else ():
        keys.add(_folded(item))
    return keys


def _folded(node: Node) -> tuple[str, ...]:
    listed = node.items if isinstance(node, ListNode) else (node,)
    return tuple(fold(item.text) for item in listed if isinstance(item, TextNode))


def _columns(table: DictNode) -> list[tuple[str, DictNode]]:
    """Those that are more than a type; none where a step makes the table."""
    columns = () if "step" in table.entries else section(table, "columns").items()
    return [(name, node) for name, node in columns if isinstance(node, DictNode)]


DECLARED_CHECKS = (
    _is_a_view_or_a_table,
    _computes_or_keeps_its_values,
    _fills_only_what_must_be_full,
    _has_former_columns_that_are_gone,
    _has_whole_expressions_in_its_indexes,
    _refers_to_keys,
)

"""What a schema cannot say: names that lead nowhere, contradictions, paths that leave the project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from provisioner.declare.merge import allows_outside_paths
from provisioner.declare.outline import Outline, make_outline, parse_name, text_of, texts
from provisioner.declare.paths import Fault, database_fault, file_fault, load_fault
from provisioner.declare.problems import Problems, TreePath, show
from provisioner.declare.sound_selections import SELECTION_CHECKS
from provisioner.declare.sound_steps import STEP_CHECKS
from provisioner.declare.sound_tables import TABLE_CHECKS
from provisioner.declare.values import Place, fold
from provisioner.declare.yaml_tree import DictNode, Node, TextNode

PathFault = Callable[[Path, Path, str, bool], Fault | None]
Named = tuple[str, Place, TreePath]
RESERVED_SCHEMAS = {"_provisioner": "holds provision's own records"} | dict.fromkeys(
    ("information_schema", "pg_catalog", "system", "temp"), "is DuckDB's own"
)


def check_soundness(tree: DictNode, root: Path, folder: Path, problems: Problems) -> None:
    """Add a problem for everything that is wrong with the tree; what the schema refused already is left alone."""
    outline = make_outline(tree, problems)
    _check_names(outline, problems)
    for key, step in outline.steps.items():
        for check_step in STEP_CHECKS:
            check_step(outline, key, step, problems)
    for key, table in outline.tables.items():
        for check_table in TABLE_CHECKS:
            check_table(outline, key, table, problems)
    for number, selection in outline.selections.items():
        for check_selection in SELECTION_CHECKS:
            check_selection(outline, number, selection, problems)
    _check_paths(outline, root, folder, problems)


def _check_names(outline: Outline, problems: Problems) -> None:
    _check_clashes(((tier.text, tier.place, ("tiers",)) for tier in outline.tiers or ()), fold, problems)
    for name in ("steps", "environments"):
        _check_clashes(_keys(outline.tree.get(name), (name,)), fold, problems)
    tables = outline.tree.get("tables")
    for key, place, _ in _keys(tables, ("tables",)):
        if key in outline.tables:
            _check_table_name(key, place, Path(text_of(outline.tree, "database") or "").stem, problems)
    _check_clashes(_keys(tables, ("tables",)), _table_key, problems)
    for key, table in outline.tables.items():
        _check_clashes(_keys(table.get("columns"), ("tables", key, "columns")), fold, problems)


def _keys(node: Node | None, path: TreePath) -> list[Named]:
    return [(key, place, (*path, key)) for key, place in node.keys.items()] if isinstance(node, DictNode) else []


def _table_key(text: str) -> str:
    try:
        return str(parse_name(text).key)
    except ValueError:
        return text


def _check_clashes(names: Iterable[Named], key: Callable[[str], str], problems: Problems) -> None:
    first: dict[str, tuple[str, Place]] = {}
    for name, place, path in names:
        other, there = first.setdefault(key(name), (name, place))
        if there != place:
            message = f"to DuckDB this is the same name as {show(other)} ({there})."
            problems.add(place, "name_clash", message, "Rename one of the two.", path)


def _check_table_name(key: str, place: Place, stem: str, problems: Problems) -> None:
    """stem: of the database file, which is what DuckDB calls the database."""
    try:
        name = parse_name(key)
    except ValueError:
        cure = "Write name or schema.name, and double quotes around a part with a dot: '\"a.b\"'."
        problems.add(place, "bad_name", "this is not the name of a table.", cure, ("tables", key))
        return
    if why := RESERVED_SCHEMAS.get(fold(name.schema)):
        message = f"the schema {show(name.schema)} {why}."
        problems.add(place, "reserved_schema", message, "Choose another schema.", ("tables", key))
    elif fold(name.schema) == fold(stem):
        message = (
            f"the schema {show(name.schema)} has the name of the database file, and DuckDB cannot tell them apart."
        )
        problems.add(place, "reserved_schema", message, "Give the schema or the file another name.", ("tables", key))


def _check_paths(outline: Outline, root: Path, folder: Path, problems: Problems) -> None:
    allowed = allows_outside_paths(outline.tree)
    for node, fault, path in _paths(outline, problems):
        # A deployment decides where its data lives, so a variable of the process may lead the database anywhere.
        free = allowed or (fault is database_fault and node.from_outside)
        found = fault(root, folder, node.text, free)
        if found:
            problems.add(node.place, *found, path)


def _paths(outline: Outline, problems: Problems) -> Iterator[tuple[TextNode, PathFault, TreePath]]:
    if not problems.is_broken("database"):
        for node in texts(outline.tree, "database"):
            yield node, database_fault, ("database",)
    dbt = outline.tree.get("dbt")
    for key in ("project_dir", "profiles_dir"):
        if isinstance(dbt, DictNode) and not problems.is_broken("dbt", key):
            for node in texts(dbt, key):
                yield node, file_fault, ("dbt", key)
    for name, step in outline.steps.items():
        for key, fault in _STEP_PATHS.items():
            for node in texts(step, key):
                yield node, fault, ("steps", name, key)


_STEP_PATHS: dict[str, PathFault] = {"sql": file_fault, "load": load_fault, "inputs": file_fault}

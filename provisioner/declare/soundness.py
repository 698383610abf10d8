"""What a schema cannot say: names that lead nowhere, contradictions, paths that leave the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from provisioner.declare.bounds import LIMIT_ALL_TYPES, LIMIT_PATHS, LIMIT_TYPES, TOO_MANY_PATHS, TOO_MANY_TYPES
from provisioner.declare.merge import allows_outside_paths
from provisioner.declare.outline import Outline, make_outline, section, texts
from provisioner.declare.paths import Fault, database_fault, file_fault, load_fault
from provisioner.declare.problems import Problems, TreePath
from provisioner.declare.sound_declared import DECLARED_CHECKS
from provisioner.declare.sound_names import check_names
from provisioner.declare.sound_selections import SELECTION_CHECKS
from provisioner.declare.sound_steps import STEP_CHECKS
from provisioner.declare.sound_tables import TABLE_CHECKS
from provisioner.declare.yaml_tree import DictNode, TextNode

PathFault = Callable[[Path, Path, str, bool], Fault | None]


def check_soundness(tree: DictNode, root: Path, folder: Path, problems: Problems) -> None:
    """Add a problem for everything that is wrong with the tree; what the schema refused already is left alone."""
    outline = make_outline(tree, problems)
    check_names(outline, problems)
    # Tables first: a step that none of them names is often one that they misspell.
    for key, table in outline.tables.items():
        for check_table in (*TABLE_CHECKS, *DECLARED_CHECKS):
            check_table(outline, key, table, problems)
    for key, step in outline.steps.items():
        for check_step in STEP_CHECKS:
            check_step(outline, key, step, problems)
    for number, selection in outline.selections.items():
        for check_selection in SELECTION_CHECKS:
            check_selection(outline, number, selection, problems)
    _check_types(outline, problems)
    _check_paths(outline, root, folder, problems)


def _check_types(outline: Outline, problems: Problems) -> None:
    """DuckDB is asked what each of them is."""
    types, size = set[str](), 0
    for key, table in outline.tables.items():
        for name, column in section(table, "columns").items():
            node = column.get("type") if isinstance(column, DictNode) else column
            if not isinstance(node, TextNode) or node.text in types:
                continue
            types.add(node.text)
            size += len(node.text)
            if len(types) > LIMIT_TYPES or size > LIMIT_ALL_TYPES:
                problems.add(node.place, "too_large", *TOO_MANY_TYPES, ("tables", key, "columns", name))
                return


def _check_paths(outline: Outline, root: Path, folder: Path, problems: Problems) -> None:
    allowed = allows_outside_paths(outline.tree)
    for number, (node, fault, path) in enumerate(_paths(outline, problems), 1):
        if number > LIMIT_PATHS:
            problems.add(node.place, "too_large", *TOO_MANY_PATHS, path)
            return
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

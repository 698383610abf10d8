"""What must hold of one step beside the others."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.declare.outline import Outline, kind_of, parse_name, place_of, text_of, texts
from provisioner.declare.problems import Problems, show
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.yaml_tree import DictNode

StepCheck = Callable[[Outline, str, DictNode, Problems], None]


def _is_reached(outline: Outline, key: str, step: DictNode, problems: Problems) -> None:
    if outline.whole and key not in outline.made and key not in outline.selected:
        cure = f"Add a table with `step: {show(key)}`, or take the step out."
        message = "no table names this step, so it never runs."
        problems.add(step.place, "unreachable_step", message, cure, ("steps", key))


def _lies_in_one_tier(outline: Outline, key: str, step: DictNode, problems: Problems) -> None:
    if kind_of(step) == "dbt":
        return
    first, *others = outline.made.get(key) or [""]
    for other in others:
        tier, wanted = text_of(outline.tables[other], "tier"), text_of(outline.tables[first], "tier")
        if tier != wanted:
            message = f"its step {show(key)} also makes {show(first)}, which is in tier {wanted}, not {tier}."
            place = place_of(outline.tables[other], "tier")
            cure = "Put both in one tier, or make two steps."
            problems.add(place, "two_tiers", message, cure, ("tables", other, "tier"))


def _load_makes_one_table(outline: Outline, key: str, step: DictNode, problems: Problems) -> None:
    made = outline.made.get(key, ())
    if kind_of(step) == "load" and len(made) > 1:
        listed = ", ".join(show(table) for table in sorted(made))
        message = f"a load fills one table, and {len(made)} name it: {listed}."
        problems.add(step.place, "load_tables", message, "Make a load step for each.", ("steps", key))


def _reads_known_tables(outline: Outline, key: str, step: DictNode, problems: Problems) -> None:
    kind, path = kind_of(step), ("steps", key, "reads")
    if "reads" in step.entries and kind not in ("sql", "python"):
        cure = "Take reads out." + (" dbt's own graph tells what its models read." if kind == "dbt" else "")
        problems.add(step.keys["reads"], "misplaced_key", "reads belongs to a sql or python step.", cure, path)
        return
    if "tables_from" in outline.tree.entries:
        return  # only dbt knows what there is; what is not is told when dbt has been asked
    for read in texts(step, "reads"):
        try:
            if parse_name(read.text) in outline.names:
                continue
        except ValueError:
            pass
        cure = did_you_mean(read.text, outline.names.values(), "tables")
        problems.add(read.place, "unknown_table", f"the manifest has no table {show(read.text)}.", cure, path)


def _has_dbt_project(outline: Outline, key: str, step: DictNode, problems: Problems) -> None:
    if kind_of(step) == "dbt" and "dbt" not in outline.tree.entries:
        cure = "Add `dbt: {project_dir: ...}` to the manifest."
        problems.add(step.place, "no_dbt_project", "a dbt step needs the section `dbt`.", cure, ("steps", key))


def _dbt_commands_differ(outline: Outline, key: str, step: DictNode, problems: Problems) -> None:
    command = text_of(step, "dbt")
    for other, node in outline.steps.items():
        if other == key or command is None:
            return
        theirs = text_of(node, "dbt")
        if theirs is not None and (theirs == command or "build" in (theirs, command)):
            message = f"`dbt {command}` makes what the step {show(other)} makes with `dbt {theirs}` ({node.place})."
            cure = "Keep one step a command; `build` stands for all of them."
            problems.add(place_of(step, "dbt"), "overlapping_steps", message, cure, ("steps", key))
            return


STEP_CHECKS: tuple[StepCheck, ...] = (
    _is_reached,
    _lies_in_one_tier,
    _load_makes_one_table,
    _reads_known_tables,
    _has_dbt_project,
    _dbt_commands_differ,
)

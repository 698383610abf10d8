"""Is everything there that the steps will need? Asked before anything runs, and before dbt is started."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from provisioner.declare.paths import project_root, within
from provisioner.declare.values import DbtProject, Manifest, Step, StepKind, fold
from provisioner.errors import InputError
from provisioner.observe.dbt.project import read_project, walk
from provisioner.observe.files import PACKAGE, has_wildcard, resolve_input
from provisioner.observe.notes import Notes


def check_inputs(manifest: Manifest, notes: Notes) -> None:
    """Raises InputError that lists every missing file with the place where it is expected, or `outside_path`."""
    if not manifest.policy.allow_outside_paths:
        for step in manifest.steps:
            _refuse_outside(step, manifest)
    missing = [line for step in manifest.steps for line in _missing(step, manifest, notes)]
    if manifest.dbt:
        missing += _missing_project(manifest.dbt)
    if missing:
        alone = len(missing) == 1
        fact = "An input is" if alone else f"{len(missing)} inputs are"
        cure = "Put it there, or correct the path" if alone else "Put them there, or correct the paths"
        raise InputError(
            f"{fact} missing:\n  " + "\n  ".join(missing), code="input_missing", cure=f"{cure} in the manifest."
        )


def _refuse_outside(step: Step, manifest: Manifest) -> None:
    """What a pattern finds may be a link that leaves the project; names without a pattern were looked at before."""
    for text in (*((step.source,) if step.kind is StepKind.LOAD else ()), *step.inputs):
        if text.startswith(PACKAGE) or not has_wildcard(text, manifest.folder):
            continue
        root = project_root(manifest.path)
        for path in resolve_input(text, manifest.folder):
            if not within(root, path):
                raise InputError(
                    f"{path}, found by {text} of the step {step.name} ({step.place}), leads out of the project's folder"
                    f" {root}.",
                    code="outside_path",
                    cure="Move it into the project, or set `policy: {allow_outside_paths: true}`.",
                )


def _missing(step: Step, manifest: Manifest, notes: Notes) -> Iterator[str]:
    own = (step.source,) if step.kind in (StepKind.LOAD, StepKind.SQL) else ()
    for text, place in notes.missing((*own, *step.inputs), manifest.folder):
        yield f"{text}, for step {step.name} ({step.place}), expected at {place}"
    if step.kind is StepKind.DBT and step.source == "seed" and manifest.dbt and not any(_missing_project(manifest.dbt)):
        yield from _missing_seeds(step, manifest, manifest.dbt, notes)


def _missing_project(project: DbtProject) -> Iterator[str]:
    if not os.path.isfile(project.project_dir / "dbt_project.yml"):
        yield f"the dbt project ({project.place}), expected at {project.project_dir / 'dbt_project.yml'}"


def _missing_seeds(step: Step, manifest: Manifest, project: DbtProject, notes: Notes) -> Iterator[str]:
    """A seed whose file is gone is unknown to dbt, so that its absence would only be told after dbt has parsed."""
    files = list(walk(project.project_dir, read_project(project).ignored, set(), notes))
    found = {fold(path.stem) for path in files if path.suffix == ".csv"}
    gone = [table for table in manifest.tables if table.step == step.name and fold(table.name.name) not in found]
    aliases = _aliases(files) if gone else set()
    for table in gone:
        if aliases is not None and fold(table.name.name) not in aliases:
            file = project.project_dir / "seeds" / f"{table.name.name}.csv"
            yield f"{table.name.name}.csv, the seed of {table.name} ({table.place}), expected at {file}"


def _aliases(files: list[Path]) -> set[str] | None:
    """Every alias that the project gives, folded; None when a macro of its own makes them, which only dbt can tell."""
    found = set()
    for path in files:
        if path.suffix in (".yml", ".yaml", ".sql") and path.is_file():
            text = path.read_text(errors="replace")
            if "generate_alias_name" in text:
                return None
            found |= {fold(name) for name in re.findall(r"alias\W{1,4}([^\s\"'#,)]+)", text)}
    return found

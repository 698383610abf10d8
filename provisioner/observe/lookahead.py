"""Is everything there that the steps will need? Asked before anything runs, and before dbt is started."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from provisioner.declare.paths import within
from provisioner.declare.reading import kind_of_file, read_chunks
from provisioner.declare.values import DbtProject, Manifest, Step, StepKind, fold
from provisioner.errors import MOST_PROBLEMS as _MOST
from provisioner.errors import TOLD_PROBLEMS as _TOLD
from provisioner.errors import InputError
from provisioner.observe.dbt.project import read_project, walk
from provisioner.observe.files import PACKAGE, has_wildcard
from provisioner.observe.notes import Notes


def check_inputs(manifest: Manifest, notes: Notes) -> None:
    """Raises InputError that lists what is missing, and what is no file, each with its place; or `outside_path`."""
    if not manifest.policy.allow_outside_paths:
        for step in manifest.steps:
            _refuse_outside(step, manifest, notes)
    missing = chain.from_iterable(_missing(step, manifest, notes) for step in manifest.steps)
    if manifest.dbt:
        missing = chain(missing, _missing_project(manifest.dbt))
    if lines := tuple(islice(missing, _MOST)):
        alone = len(lines) == 1
        fact = "An input is" if alone else f"{_count(lines)} inputs are"
        cure = "Put it there, or correct the path" if alone else "Put them there, or correct the paths"
        raise InputError(f"{fact} missing:\n  {_listed(lines)}", code="input_missing", cure=f"{cure} in the manifest.")
    others = chain.from_iterable(_other_kinds(step, manifest, notes) for step in manifest.steps)
    if lines := tuple(islice(others, _MOST)):
        fact = "An input is no file" if len(lines) == 1 else f"{_count(lines)} inputs are no files"
        cure = "Name files in the manifest; those of a folder by a pattern, such as data/*.csv."
        raise InputError(f"{fact}:\n  {_listed(lines)}", code="input_no_file", cure=cure)


def _count(lines: tuple[str, ...]) -> str:
    return f"{len(lines)}" if len(lines) < _MOST else f"At least {len(lines)}"


def _listed(lines: tuple[str, ...]) -> str:
    more = len(lines) - _TOLD
    return "\n  ".join([*lines[:_TOLD], *([f"and {more} more"] if more > 0 else [])])


def _refuse_outside(step: Step, manifest: Manifest, notes: Notes) -> None:
    """What a pattern finds may be a link that leaves the project; names without a pattern were looked at before."""
    for text in (*((step.source,) if step.kind is StepKind.LOAD else ()), *step.inputs):
        if text.startswith(PACKAGE) or not has_wildcard(text, manifest.folder):
            continue
        root = manifest.root
        for path in notes.find(text, manifest.folder):
            if not within(root, path):
                raise InputError(
                    f"{path}, found by {text} of the step {step.name} ({step.place}), leads out of the project's folder"
                    f" {root}.",
                    code="outside_path",
                    cure="Move it into the project, or set `policy: {allow_outside_paths: true}`.",
                )


def _files_of(step: Step) -> tuple[str, ...]:
    own = (step.source,) if step.kind in (StepKind.LOAD, StepKind.SQL) else ()
    return (*own, *step.inputs)


def _missing(step: Step, manifest: Manifest, notes: Notes) -> Iterator[str]:
    for text, place in notes.missing(_files_of(step), manifest.folder):
        if not kind_of_file(place):
            yield f"{text}, for step {step.name} ({step.place}), expected at {place}"
    if step.kind is StepKind.DBT and step.source == "seed" and manifest.dbt and not any(_missing_project(manifest.dbt)):
        yield from _missing_seeds(step, manifest, manifest.dbt, notes)


def _other_kinds(step: Step, manifest: Manifest, notes: Notes) -> Iterator[str]:
    for text, place in notes.missing(_files_of(step), manifest.folder):
        if kind := kind_of_file(place):
            yield f"{text}, for step {step.name} ({step.place}): {place} is {kind}, and a file was expected"


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
        if path.suffix in (".yml", ".yaml", ".sql"):
            text = _text_of(path)
            if "generate_alias_name" in text:
                return None
            found |= {fold(name) for name in re.findall(r"alias\W{1,4}([^\s\"'#,)]+)", text)}
    return found


def _text_of(path: Path) -> str:
    try:
        return b"".join(read_chunks(path)).decode(errors="replace")
    except OSError:
        return ""  # gone or not for us: dbt will say so when it matters

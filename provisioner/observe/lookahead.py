"""Is everything there that the steps will need? Asked before anything runs, and before dbt is started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from provisioner.declare.values import DbtProject, Manifest, Step, StepKind
from provisioner.errors import InputError
from provisioner.observe.files import missing_inputs

# What dbt writes into a project; no seed is ever read from there. Packages may bring seeds of their own.
_WRITTEN = {"target", "logs", ".git"}


def check_inputs(manifest: Manifest) -> None:
    """Raises InputError that lists every missing file with the place where it is expected."""
    missing = [line for step in manifest.steps for line in _missing(step, manifest)]
    if manifest.dbt:
        missing += _missing_project(manifest.dbt)
    if missing:
        alone = len(missing) == 1
        raise InputError(
            f"{'An input is' if alone else f'{len(missing)} inputs are'} missing:\n  " + "\n  ".join(missing),
            code="input_missing",
            cure=f"Put {'it' if alone else 'them'} there, or correct the {'path' if alone else 'paths'} in the manifest.",
        )


def _missing(step: Step, manifest: Manifest) -> Iterator[str]:
    own = (step.source,) if step.kind in (StepKind.LOAD, StepKind.SQL) else ()
    for text, place in missing_inputs((*own, *step.inputs), manifest.folder):
        yield f"{text}, for step {step.name} ({step.place}), expected at {place}"
    if step.kind is StepKind.DBT and step.source == "seed" and manifest.dbt:
        yield from _missing_seeds(step, manifest, manifest.dbt)


def _missing_project(project: DbtProject) -> Iterator[str]:
    if not (project.project_dir / "dbt_project.yml").is_file():
        yield f"the dbt project ({project.place}), expected at {project.project_dir / 'dbt_project.yml'}"


def _missing_seeds(step: Step, manifest: Manifest, project: DbtProject) -> Iterator[str]:
    """A seed whose file is gone is unknown to dbt, so that its absence would only be told after dbt has parsed."""
    stems, aliases = _seed_files(project.project_dir)
    for table in manifest.tables:
        if table.step == step.name and table.name.name not in stems and table.name.name not in aliases:
            file = project.project_dir / "seeds" / f"{table.name.name}.csv"
            yield f"{table.name.name}.csv, the seed of {table.name} ({table.place}), expected at {file}"


def _seed_files(project_dir: Path) -> tuple[set[str], set[str]]:
    """The names of all CSV files, and every alias that any YAML file gives."""
    stems, aliases = set(), set()
    for path in project_dir.rglob("*"):
        inside = path.relative_to(project_dir)
        if inside.parts[0] in _WRITTEN:
            continue
        if path.suffix == ".csv":
            stems.add(path.stem)
        elif path.suffix in (".yml", ".yaml") and path.is_file():
            aliases |= set(re.findall(r"alias:\s*[\"']?([^\s\"'#]+)", path.read_text(errors="replace")))
    return stems, aliases

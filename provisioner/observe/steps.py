"""A sql, load or python step -> what it reads and what its result depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.declare.values import Step, StepKind, TableName
from provisioner.errors import StepError
from provisioner.observe.digest import digest
from provisioner.observe.files import read_text
from provisioner.observe.notes import Notes
from provisioner.observe.values import Want
from provisioner.observe.writes import Writes


@dataclass(frozen=True, slots=True)
class StepFacts:
    """reads: relations. definition, inputs: part labels to digests (see Parts). writes: of a script."""

    reads: tuple[TableName, ...]
    definition: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    writes: Writes = Writes()


def read_step(step: Step, made: tuple[Want, ...], folder: Path, notes: Notes) -> StepFacts:
    """folder: the manifest's. The step's files must be there.

    Raises InputError for a file that cannot be read, StepError for SQL that DuckDB cannot read.
    """
    return _READERS[step.kind](step, made, folder, notes)


def _sql(step: Step, made: tuple[Want, ...], folder: Path, notes: Notes) -> StepFacts:
    said = notes.fact(folder / step.source, "sql", lambda path: _parse(path, step.source))
    if not said["understood"] and step.reads is None:
        raise StepError(
            f"provision cannot tell what {step.source} reads: only DuckDB understands all of it.",
            code="reads_unknown",
            cure=f"Name them in step {step.name} ({step.place}): `reads: [a, b]`, or `reads: []` if there are none.",
        )
    reads = _tables(said["reads"])
    writes = Writes(_tables(said["writes"]), _tables(said["indexes"]), tuple(said["schemas"]))
    _refuse_comma(said["files"], step, folder)
    definition = {"code": said["code"], "tables": _names(made)}
    inputs = notes.digests((*said["files"], *step.inputs), folder)
    return StepFacts(_unique((*reads, *(step.reads or ()))), definition, inputs, writes)


def _refuse_comma(files: list[str], step: Step, folder: Path) -> None:
    relative = [file for file in files if not Path(file).is_absolute() and "://" not in file]
    if relative and "," in str(folder):
        raise StepError(
            f"{step.source} reads {relative[0]}, and DuckDB cannot look for it in {folder}: it takes the comma in that "
            "name for the end of a folder's.",
            code="folder_comma",
            cure="Give the folder a name without a comma, or let SQL name its files from the root on.",
        )


def _parse(path: Path, source: str) -> dict[str, Any]:
    """What is in a script, as JSON values."""
    # Imported late: sqlglot is slow to import, and a script that did not change is not parsed again.
    from provisioner.observe.sql import normalise, parse_script

    text = read_text(path)
    script = parse_script(text, source)
    return {
        "code": digest(normalise(text)),
        "files": list(script.file_reads),
        "reads": _named(script.reads),
        "understood": script.understood,
        "writes": _named(script.writes.relations),
        "indexes": _named(script.writes.indexes),
        "schemas": list(script.writes.schemas),
    }


def _named(tables: Iterable[TableName]) -> list[list[str]]:
    return [[table.schema, table.name] for table in tables]


def _tables(named: Iterable[Iterable[str]]) -> tuple[TableName, ...]:
    return tuple(TableName(*name) for name in named)


def _load(step: Step, made: tuple[Want, ...], folder: Path, notes: Notes) -> StepFacts:
    columns = [[column.name, column.type] for want in made for column in want.columns]
    definition = {
        "columns": digest(columns),
        "options": digest([step.format, dict(step.options)]),
        "tables": _names(made),
    }
    return StepFacts(step.reads or (), definition, notes.digests((step.source, *step.inputs), folder))


def _python(step: Step, made: tuple[Want, ...], folder: Path, notes: Notes) -> StepFacts:
    from provisioner.observe.python_source import locate_function

    source = locate_function(step.source, folder, notes)
    code = sorted(notes.digest(path) for path in source.files)
    definition = {"code": digest([source.function, code]), "tables": _names(made)}
    return StepFacts(step.reads or (), definition, notes.digests(step.inputs, folder))


def _names(made: tuple[Want, ...]) -> str:
    return digest(sorted([*want.table.key, str(want.kind)] for want in made))


def _unique(names: tuple[TableName, ...]) -> tuple[TableName, ...]:
    return tuple(dict.fromkeys(names))


_READERS = {StepKind.SQL: _sql, StepKind.LOAD: _load, StepKind.PYTHON: _python}

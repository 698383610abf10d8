"""A sql, load or python step -> what it reads and what its result depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.declare.values import Step, StepKind, TableName
from provisioner.errors import StepError
from provisioner.observe.digest import digest
from provisioner.observe.files import digest_file, digest_inputs, read_text
from provisioner.observe.values import Want


@dataclass(frozen=True, slots=True)
class StepFacts:
    """reads, writes: relations. definition, inputs: part labels to digests (see Parts)."""

    reads: tuple[TableName, ...]
    definition: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    writes: tuple[TableName, ...] = ()


def read_step(step: Step, made: tuple[Want, ...], folder: Path) -> StepFacts:
    """folder: the manifest's. The step's files must be there.

    Raises InputError for a file that cannot be read, StepError for SQL that DuckDB cannot read.
    """
    return _READERS[step.kind](step, made, folder)


def _sql(step: Step, made: tuple[Want, ...], folder: Path) -> StepFacts:
    # Imported late: sqlglot is slow to import, and many manifests have no sql step.
    from provisioner.observe.sql import normalise, parse_script

    text = read_text(folder / step.source)
    script = parse_script(text, step.source)
    if not script.understood and step.reads is None:
        raise StepError(
            f"provision cannot tell what {step.source} reads: only DuckDB understands all of it.",
            code="reads_unknown",
            cure=f"Name them in step {step.name} ({step.place}): `reads: [a, b]`, or `reads: []` if there are none.",
        )
    definition = {"code": digest(normalise(text)), "tables": _names(made)}
    inputs = digest_inputs((*script.file_reads, *step.inputs), folder)
    return StepFacts(_unique((*script.reads, *(step.reads or ()))), definition, inputs, script.writes)


def _load(step: Step, made: tuple[Want, ...], folder: Path) -> StepFacts:
    columns = [[column.name, column.type] for want in made for column in want.columns]
    definition = {
        "columns": digest(columns),
        "options": digest([step.format, dict(step.options)]),
        "tables": _names(made),
    }
    return StepFacts(step.reads or (), definition, digest_inputs((step.source, *step.inputs), folder))


def _python(step: Step, made: tuple[Want, ...], folder: Path) -> StepFacts:
    from provisioner.observe.python_source import locate_function

    source = locate_function(step.source, folder)
    code = sorted(digest_file(path) for path in source.files)
    definition = {"code": digest([source.function, code]), "tables": _names(made)}
    return StepFacts(step.reads or (), definition, digest_inputs(step.inputs, folder))


def _names(made: tuple[Want, ...]) -> str:
    return digest(sorted([*want.table.key, str(want.kind)] for want in made))


def _unique(names: tuple[TableName, ...]) -> tuple[TableName, ...]:
    return tuple(dict.fromkeys(names))


_READERS = {StepKind.SQL: _sql, StepKind.LOAD: _load, StepKind.PYTHON: _python}

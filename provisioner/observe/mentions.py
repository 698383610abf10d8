"""Where the code of steps and dbt models names a column, found in its text.

Views can be bound, and then DuckDB knows. Of code that makes a table nobody knows before it runs: a name that stands in
it is a reason to look. What reads a column by `*`, or by a name put together in code, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from provisioner.declare.values import Manifest
from provisioner.errors import InputError
from provisioner.observe.change_values import Mention
from provisioner.observe.files import read_text
from provisioner.observe.normalise import normalise
from provisioner.observe.notes import Notes
from provisioner.observe.python_source import locate_function
from provisioner.observe.values import Graph, Unit, UnitKind

_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def find_mentions(manifest: Manifest, graph: Graph, unit: Unit, columns: Iterable[str]) -> tuple[Mention, ...]:
    """Which of these columns of a unit's tables are named in the code of the units that read it, in their order."""
    names = {column: re.compile(rf"(?<![\w$]){re.escape(column)}(?![\w$])", re.IGNORECASE) for column in columns}
    return tuple(
        Mention(source, column)
        for reader in graph.units.values()
        if names and unit.id in reader.reads
        for source, text in _code(reader, manifest)
        for column, pattern in names.items()
        if pattern.search(text)
    )


def _code(unit: Unit, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The files that a unit is written in, as a person knows them, with their text; what cannot be read is left out."""
    for name, path in _files(unit, manifest):
        with suppress(InputError):
            text = read_text(path)
            yield name, text if path.suffix == ".py" else normalise(_JINJA_COMMENT.sub(" ", text))


def _files(unit: Unit, manifest: Manifest) -> Iterator[tuple[str, Path]]:
    if unit.kind is UnitKind.SQL:
        yield unit.source, manifest.folder / unit.source
    elif unit.kind is UnitKind.PYTHON:
        for path in locate_function(unit.source, manifest.folder, Notes()).files:
            yield path.name, path
    elif unit.dbt is not None and manifest.dbt is not None:
        yield unit.dbt.path, manifest.dbt.project_dir / unit.dbt.path

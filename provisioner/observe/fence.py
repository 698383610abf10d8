"""The sandbox of `policy.sandbox_sql`: DuckDB's own settings that keep SQL from every file but the declared ones.

They hold for all connections to an open database, and end when the last one is closed: DuckDB takes none of them back.
It judges a name by the file it leads to, links followed, but starts relative ones at the working directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.declare.values import Manifest, Step
from provisioner.observe.files import PACKAGE, resolve_input

if TYPE_CHECKING:
    import duckdb

_CLOSED = (
    "autoinstall_known_extensions",
    "autoload_known_extensions",
    "allow_community_extensions",
    "allow_persistent_secrets",
    "enable_external_access",
)
_REFUSED = re.compile(
    r'Cannot access (?:file|directory) "(?P<name>.*)" - file system operations are disabled'
    r"|Loading external extensions is disabled|the configuration has been locked|exists in the \w+ extension"
)


@dataclass(frozen=True, slots=True)
class Fence:
    """paths: the files that SQL may touch, absolute, under every name that may stand in it. folder: the manifest's."""

    paths: tuple[str, ...]
    folder: Path


def fence_of_step(step: Step, folder: Path) -> Fence:
    """The files under the step's `inputs`."""
    return Fence(tuple(sorted(set(_names(step.inputs, folder)))), folder)


def fence_of_look(manifest: Manifest) -> Fence | None:
    """The files under the `inputs` of all steps, for reading what they made; None where nothing is fenced."""
    if not manifest.policy.sandbox_sql:
        return None
    inputs = [text for step in manifest.steps for text in step.inputs]
    return Fence(tuple(sorted(set(_names(inputs, manifest.folder)))), manifest.folder)


def enclose(connection: duckdb.DuckDBPyConnection, fence: Fence | None) -> None:
    """From now on the database's connections touch no file but these, no network and no extension; None: no fence."""
    if fence is None:
        return
    connection.execute("SET GLOBAL file_search_path = ?", [str(fence.folder)])
    connection.execute("SET allowed_paths = ?", [list(fence.paths)])
    for setting in _CLOSED:
        connection.execute(f"SET {setting} = false")


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Let no SQL change a setting until the last connection to the database is closed."""
    connection.execute("SET lock_configuration = true")


def cure_of(words: str, folder: Path) -> str | None:
    """What to do where DuckDB's words say that the fence was met; None where they do not."""
    refused = _REFUSED.search(words)
    if refused is None:
        return None
    name = refused["name"]
    if "current_transaction_invalidation_policy" in words:
        return "Name the values: PIVOT ... ON column IN (...); to find them, DuckDB 1.5 changes a setting."
    if name is None:
        return "Take it out: in the sandbox no setting is changed and no extension is loaded."
    if not os.path.isabs(name) and not os.path.samefile(folder, os.curdir) and os.path.exists(name):
        return f"Run provision from {folder}: in this working directory another {name} stands before the declared one."
    return f"Declare it, written as it is here: `inputs: [{name}]` in the step."


def _names(inputs: Iterable[str], folder: Path) -> Iterator[str]:
    for text in inputs:
        files = [str(path) for path in resolve_input(text, folder)]
        for file in files:
            yield from (os.path.abspath(file), os.path.realpath(file))
        if not text.startswith(PACKAGE):
            # DuckDB judges a pattern first, and then each file that it finds with it.
            yield os.path.normpath(folder / text)
            yield from _relative([text, *(os.path.relpath(file, folder) for file in files)])


def _relative(names: Iterable[str]) -> Iterator[str]:
    """Names that start at the folder, as DuckDB judges them. Of another file of that name in the working directory
    none: DuckDB would read that one.
    """
    for name in names:
        here = os.path.lexists(name) or resolve_input(name, Path())
        if not here and not os.path.isabs(name):
            yield os.path.abspath(name)

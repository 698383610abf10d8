"""A manifest written from what a database holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.declare.bounds import LIMIT_ENTRIES
from provisioner.declare.escape import one_line
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import TableName
from provisioner.errors import DatabaseError, UsageError
from provisioner.observe.database import FileCondition, inspect_file, opened

if TYPE_CHECKING:
    from provisioner.observe.inventory import Inventory, LeftOut


@dataclass(frozen=True, slots=True)
class Imported:
    """text: the manifest. left_out: what it has no words for; text tells of it too."""

    text: str
    left_out: tuple[LeftOut, ...]


def describe_database(path: Path, tables: Iterable[str] = ()) -> Imported:
    """Read the database, and write nothing. tables: these alone, and what their foreign keys refer to.

    Raises DatabaseError and BusyError as for every database, UsageError for a table that is not there.
    """
    _refuse_absent(path)
    from provisioner.observe.inventory import choose, take_inventory
    from provisioner.observe.remaking import find_unmakeable
    from provisioner.report.expressible import keep_expressible, leave_out
    from provisioner.report.manifest_text import manifest_text

    with opened(path, read_only=True) as connection:
        found = take_inventory(connection)
    if names := [_find(text, found, path) for text in tables]:
        found = choose(found, names)
    found = keep_expressible(found)
    if len(found.shapes) > LIMIT_ENTRIES:
        raise DatabaseError(
            f"{path} holds {len(found.shapes):,} tables and views; a manifest holds at most {LIMIT_ENTRIES:,}.",
            cure="Name those that matter: --tables NAMES",
            code="too_large",
        )
    found = leave_out(found, find_unmakeable(found.shapes, found.sequences))
    return Imported(manifest_text(found, _name(path), str(path)), found.left_out)


def _refuse_absent(path: Path) -> None:
    if inspect_file(path) is not FileCondition.PRESENT:
        raise DatabaseError(
            f"{path} is not there, or is empty; there is nothing to import.",
            cure="Name an existing database: provision import --database FILE",
            code="database_absent",
        )


def _find(text: str, found: Inventory, path: Path) -> TableName:
    names = {shape.table for shape in found.shapes}
    try:
        name = TableName.parse(text)
    except ValueError as error:
        raise UsageError(f"{error}.", cure='Part schema and name by a dot, as in main."a.b".') from None
    if name not in names:
        cure = did_you_mean(text, map(str, names), "tables")
        raise UsageError(f"{one_line(text)} is neither a table nor a view of {path}.", cure=cure)
    return name


def _name(path: Path) -> str:
    """The file's name, as far as it can be a manifest's."""
    return "".join(char for char in path.stem if char.isprintable()) or "imported"

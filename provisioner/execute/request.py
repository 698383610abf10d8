"""The names that a user gives -> what is asked of a plan."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import Manifest, Table, TableName
from provisioner.errors import UsageError
from provisioner.reconcile.values import Request


@dataclass(frozen=True, slots=True)
class Names:
    """What a user narrows or adds. target: tables, steps or tiers. rebuild: tables. prune: drop orphans."""

    target: tuple[str, ...] = ()
    rebuild: tuple[str, ...] = ()
    prune: bool = False

    def typed(self) -> str:
        """The options as a user types them, each after a space."""
        named = (("--target", self.target), ("--rebuild", self.rebuild))
        words = [f" {option} {shlex.quote(name)}" for option, names in named for name in names]
        return "".join([*words, *([" --prune"] if self.prune else [])])


def check_names(manifest: Manifest, target: Iterable[str], rebuild: Iterable[str], prune: bool = False) -> Names:
    """The names, looked at before anything is read. Raises UsageError for one that the manifest does not have.

    What dbt selects is not known yet: with `tables_from`, it is told when it is.
    """
    names = Names(tuple(target), tuple(rebuild), prune)
    if not manifest.tables_from:
        make_request(names, manifest.tables, manifest)
    return names


def make_request(names: Names, tables: Sequence[Table], manifest: Manifest) -> Request:
    """tables: all that the manifest requires. Raises UsageError for a name that it does not have."""
    targets = [table for name in names.target for table in _find_tables(name, tables, manifest)]
    rebuild = frozenset(_find_rebuild(name, tables, manifest) for name in names.rebuild)
    return Request(frozenset(targets) if targets else None, rebuild, names.prune)


def _find_tables(name: str, tables: Sequence[Table], manifest: Manifest) -> list[TableName]:
    found = [table.name for table in tables if name in (table.step, table.tier)]
    found += [table.name for table in tables if table.name == _parsed(name)]
    if not found:
        known = [*map(str, (table.name for table in tables)), *(step.name for step in manifest.steps)]
        raise UsageError(
            f"{name} is neither a table nor a step nor a tier of {manifest.path.name}.",
            cure=did_you_mean(name, {*known, *manifest.tiers}, "names"),
        )
    return found


def _find_rebuild(name: str, tables: Sequence[Table], manifest: Manifest) -> TableName:
    table = next((table for table in tables if table.name == _parsed(name)), None)
    if table is None:
        cure = did_you_mean(name, [str(table.name) for table in tables], "tables")
        raise UsageError(f"{name} is not a table of {manifest.path.name}.", cure=cure)
    if table.step is None:
        raise UsageError(
            f"{name} is a declared table: no step makes it, and its rows are its users'.",
            cure="Rebuild tables that a step makes; to empty this one, DELETE FROM it.",
        )
    return table.name


def _parsed(name: str) -> TableName | None:
    try:
        return TableName.parse(name)
    except ValueError:
        return None

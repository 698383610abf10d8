"""Carry out a migration of a declared relation, inside the caller's transaction."""

from __future__ import annotations

from itertools import pairwise

import duckdb

from provisioner.errors import StepError
from provisioner.execute.runners.ddl import GRAVE
from provisioner.execute.stamps import forget
from provisioner.observe.change_values import Shape, Shapes
from provisioner.observe.scratch import Scratch
from provisioner.observe.shape import read_shapes
from provisioner.observe.values import Unit
from provisioner.observe.verbatim import without_drawing
from provisioner.reconcile.changes import find_changes
from provisioner.reconcile.values import Migration


def migrate(connection: duckdb.DuckDBPyConnection, unit: Unit, migration: Migration) -> None:
    """Raises StepError ddl_failed with DuckDB's words; then nothing of it is to be committed."""
    for before, statement in pairwise(("", *migration.statements)):
        result = _carry_out(connection, unit, statement)
        while statement in migration.again and result.fetchall() != [(0,)]:
            _carry_out(connection, unit, before)
            result = _carry_out(connection, unit, statement)
    if migration.old is not None:
        forget(connection, migration.old)


def _carry_out(connection: duckdb.DuckDBPyConnection, unit: Unit, statement: str) -> duckdb.DuckDBPyConnection:
    try:
        return connection.execute(statement)
    except GRAVE:
        raise
    except (duckdb.Error, RuntimeError) as error:
        words = without_drawing(error)
        raise StepError(
            f"{unit.wants[0].table}: {words}",
            code="ddl_failed",
            cure=f"Nothing was changed. Mend its declaration in {unit.source}; what was tried: {statement}",
        ) from error


def verify_shape(
    connection: duckdb.DuckDBPyConnection, unit: Unit, want: Shape, told: Shape | None = None
) -> Shape | None:
    """The relation's shape, as the catalog tells it. told: the same, where it is known.

    Raises StepError where it is not as declared after all.
    """
    declared = unit.wants[0].declaration
    assert declared is not None
    have = told = told or read_shapes(connection, [want.table]).get(want.table)
    if have is not None and find_changes(declared, Shapes(want, have)):
        with Scratch() as scratch:  # is it the same in other words?
            have = scratch.respell(have)
    facts = [change.fact for change in find_changes(declared, Shapes(want, have))] if have else ["is not there"]
    if facts:
        raise StepError(
            f"{want.table} is not as declared after it was changed: {'; '.join(facts)}.",
            code="verification_failed",
            cure=f"Nothing was changed. Write its declaration in {unit.source} as DuckDB does.",
        )
    return told

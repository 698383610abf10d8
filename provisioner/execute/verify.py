"""Look at what a unit made before it is trusted."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from provisioner.errors import StepError
from provisioner.observe.introspect import introspect_made
from provisioner.observe.values import Catalog, Unit
from provisioner.reconcile.faults import find_faults


def verify(connection: duckdb.DuckDBPyConnection, unit: Unit) -> int | None:
    """The number of rows in the unit's tables, None when it makes views only.

    Raises StepError when a relation is missing or is not what the manifest wants; the caller rolls back or puts back.
    """
    return verify_all(connection, [unit])[unit.id]


def verify_all(connection: duckdb.DuckDBPyConnection, units: Sequence[Unit]) -> dict[str, int | None]:
    """The same for several units in one look, by id."""
    catalog = introspect_made(connection, [want for unit in units for want in unit.wants])
    for unit in units:
        _refuse_faults(unit, catalog)
    return {unit.id: _rows(unit, catalog) for unit in units}


def _refuse_faults(unit: Unit, catalog: Catalog) -> None:
    if faults := _faults(unit, catalog):
        raise StepError(
            f"{unit.id} made something else than the manifest wants: " + "; ".join(faults) + ".",
            code="verification_failed",
            cure=f"Mend {unit.source}, or what the manifest says of {', '.join(map(str, unit.tables))}.",
        )


def _rows(unit: Unit, catalog: Catalog) -> int | None:
    relations = [catalog.relations[table] for table in unit.tables]
    counted = [relation.rows for relation in relations if relation.rows is not None]
    return sum(counted) if counted else None


def _faults(unit: Unit, catalog: Catalog) -> list[str]:
    faults = []
    for want in unit.wants:
        relation = catalog.relations.get(want.table)
        if relation is None:
            faults.append(f"{want.table} is not there")
            continue
        faults += [f"{want.table} {fact}" for _, fact in find_faults(want, relation, catalog.measures.get(want.table))]
    return faults

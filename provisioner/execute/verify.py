"""Look at what a unit made before it is trusted."""

from __future__ import annotations

import duckdb

from provisioner.errors import StepError
from provisioner.observe.introspect import introspect_tables
from provisioner.observe.values import Catalog, Unit
from provisioner.reconcile.faults import find_faults


def verify(connection: duckdb.DuckDBPyConnection, unit: Unit) -> int | None:
    """The number of rows in the unit's tables, None when it makes views only.

    Raises StepError when a relation is missing or is not what the manifest wants; the caller rolls back or puts back.
    """
    catalog = introspect_tables(connection, unit.wants)
    faults = tuple(_faults(unit, catalog))
    if faults:
        raise StepError(
            f"{unit.id} made something else than the manifest wants: " + "; ".join(faults) + ".",
            code="verification_failed",
            cure=f"Mend {unit.source}, or what the manifest says of {', '.join(map(str, unit.tables))}.",
        )
    counted = [relation.rows for relation in catalog.relations.values() if relation.rows is not None]
    return sum(counted) if counted else None


def _faults(unit: Unit, catalog: Catalog) -> list[str]:
    faults = []
    for want in unit.wants:
        relation = catalog.relations.get(want.table)
        if relation is None:
            faults.append(f"{want.table} is not there")
            continue
        faults += [
            f"{want.table} {fact}"
            for _, fact in find_faults(want, unit.kind, relation, catalog.measures.get(want.table))
        ]
    return faults

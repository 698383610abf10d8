"""`--restart`: what an incomplete run made is made again."""

from __future__ import annotations

import duckdb

from provisioner.declare.values import TableName
from provisioner.execute.events import Outcome
from provisioner.execute.history import RunRecord
from provisioner.execute.stamps import create_records, withdraw
from provisioner.execute.transaction import transaction
from provisioner.observe.values import Catalog, Graph, Mark, Unit, UnitKind
from provisioner.reconcile.values import Mend


def withdraw_run(
    connection: duckdb.DuckDBPyConnection, graph: Graph, catalog: Catalog, record: RunRecord
) -> tuple[TableName, ...]:
    """Take back the trust in what the run made, in one transaction: should the restart die too, the next apply goes on
    with it. What it only adopted, what users write to and what remembers earlier runs stays. Returns the tables.
    """
    done = {unit.unit for unit in record.units if unit.outcome == Outcome.DONE and unit.kind not in tuple(Mend)}
    tables = tuple(
        table
        for unit in graph.units.values()
        if unit.id in done and _can_be_made_again(unit)
        for table in unit.tables
        if (stamp := catalog.stamps.get(table)) is not None and stamp.run == record.run
    )
    with transaction(connection):
        create_records(connection)
        for table in tables:
            stamp = catalog.stamps[table]
            withdraw(connection, [Mark(table, stamp.unit, record.run, table in catalog.relations, None, stamp)])
    return tables


def _can_be_made_again(unit: Unit) -> bool:
    return unit.kind is not UnitKind.DECLARED and not (unit.dbt and unit.dbt.memory)

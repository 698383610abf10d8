"""`--restart`: what an incomplete run made is made again.

Trust is taken back in one transaction before anything runs. Should the restart die too, after that or before, the next
apply goes on with it, whether it is told to restart again or not: what is marked is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from provisioner.declare.values import TableName
from provisioner.execute.events import Outcome
from provisioner.execute.history import History, RunRecord, incomplete_run, second_of
from provisioner.execute.stamps import create_records, withdraw
from provisioner.execute.transaction import transaction
from provisioner.observe.values import Catalog, Graph, Mark, Unit, UnitKind
from provisioner.reconcile.values import Mend
from provisioner.reconcile.wording import many

_GOES_ON = "it goes on from what is done. To make tables again, name them with --rebuild"


@dataclass(frozen=True, slots=True)
class Restart:
    """What came of the wish. record: of the run. tables: what is made again. unknown: why nobody knows what to make."""

    record: RunRecord | None = None
    tables: tuple[TableName, ...] = ()
    unknown: str = ""

    def words(self) -> str:
        """In one line, for people."""
        if self.unknown:
            return f"nothing is restarted: {self.unknown}; {_GOES_ON}"
        if self.record is None:
            return "no incomplete run to restart"
        made = f"{many(len(self.tables), 'table')} of it" if self.tables else "no table of it"
        return f"restarting run {self.record.run}, which {_ending(self.record)}: {made} to make again"


def _ending(record: RunRecord) -> str:
    inside = [unit.unit for unit in record.units if unit.outcome is None]
    if record.outcome is not None:
        return {"failed": "failed", "stopped": "was stopped"}.get(record.outcome, f"ended {record.outcome}")
    return f"ended in the middle of {inside[0]}" if inside else "never ended"


def restart(
    connection: duckdb.DuckDBPyConnection, graph: Graph, catalog: Catalog, history: History, journal: Path
) -> Restart:
    """Take back the trust in what the newest run made, if it did not end done and the journal is sure of that."""
    record = incomplete_run(history)
    if unknown := _unknown(catalog, history, journal):
        return Restart(record, unknown=unknown)
    if record is None:
        return Restart()
    return Restart(record, withdraw_run(connection, graph, catalog, record))


def _unknown(catalog: Catalog, history: History, journal: Path) -> str:
    """Why the journal is no witness of the newest run: then another run's work would be thrown away for it."""
    if history.damage:
        return f"{history.damage.removesuffix('.')}, and nobody else knows what the last run made"
    found = {stamp.run for stamp in catalog.stamps.values()} | {mark.run for mark in catalog.marks.values()}
    newest = max(found - {run.run for run in history.runs}, default="")
    if newest and not history.runs:
        return f"{journal} is not there, and nobody else knows what run {newest} made"
    if newest and second_of(newest) >= second_of(history.runs[-1].run):
        return f"{journal} does not know run {newest}, which is the last that the database knows"
    return ""


def withdraw_run(
    connection: duckdb.DuckDBPyConnection, graph: Graph, catalog: Catalog, record: RunRecord
) -> tuple[TableName, ...]:
    """Take back the trust in what the run made, in one transaction. What it only adopted, what users write to and what
    remembers earlier runs stays. Returns the tables, also those that an earlier restart of the run took trust from.
    """
    made = set(_made_by(graph, record))
    tables = sorted(made & {table for table, stamp in catalog.stamps.items() if stamp.run == record.run})
    before = made & {table for table, mark in catalog.marks.items() if mark.run == record.run}
    if tables:
        with transaction(connection):
            create_records(connection)
            for table in tables:
                stamp = catalog.stamps[table]
                # As if it had existed: no child is at work, so what is found there later is nobody's leftover.
                withdraw(connection, [Mark(table, stamp.unit, record.run, True, None, stamp)])
    return tuple(sorted({*tables, *before}))


def _made_by(graph: Graph, record: RunRecord) -> Iterable[TableName]:
    # A unit that never ended, but whose stamp is there, was made: the run died between its stamp and the journal.
    done = {unit.unit for unit in record.units if unit.outcome in (Outcome.DONE, None) and unit.kind not in tuple(Mend)}
    return (
        table for unit in graph.units.values() if unit.id in done and _can_be_made_again(unit) for table in unit.tables
    )


def _can_be_made_again(unit: Unit) -> bool:
    return unit.kind is not UnitKind.DECLARED and not (unit.dbt and unit.dbt.memory)

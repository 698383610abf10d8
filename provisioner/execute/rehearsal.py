"""`plan --rehearse`: what changes declared tables is done to their rows, under the lock, and undone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import duckdb

from provisioner.declare.redact import redact
from provisioner.errors import StepError
from provisioner.execute.events import Noted
from provisioner.execute.live import Live
from provisioner.execute.lock import held
from provisioner.execute.look import look
from provisioner.execute.request import Names
from provisioner.execute.runners.migrate import migrate, verify_shape
from provisioner.execute.session import NO_RUN, Observed, Session
from provisioner.execute.stamps import create_records
from provisioner.execute.verify import verify
from provisioner.observe.database import translate
from provisioner.observe.fence import fence_of_look
from provisioner.observe.values import Graph
from provisioner.reconcile.values import Action, Mend, Plan, Rehearsed


def observe_and_rehearse(session: Session, names: Names) -> Observed:
    """The plan as of now, with what came of each change of a declared relation.

    It waits for nobody. Raises as `Session.observe` does, and BusyError where an apply or another program has the
    database.
    """
    seen = session.observe(names)
    if not any(action.mend is Mend.ALTER for action in seen.plan.actions):
        return seen
    database = session.manifest.database
    with held(
        database,
        command="plan --rehearse",
        run=NO_RUN,
        timeout=0,
        on_wait=lambda holder: None,
        should_stop=lambda: session.stop.requested,
    ) as lock:
        live = Live(lock.real, session.manifest.folder, fence=fence_of_look(session.manifest))
        try:
            return _rehearsed(session, names, seen.graph, live.connection)
        except duckdb.Error as error:
            raise translate(error, database) from error
        finally:
            live.release()


def _rehearsed(session: Session, names: Names, graph: Graph, connection: duckdb.DuckDBPyConnection) -> Observed:
    # Somebody may have written since the first look.
    with session.stop.watch(connection.interrupt):
        seen = session.conclude(graph, look(connection, graph, session.manifest, prune=names.prune), names, NO_RUN)
        found = list[Rehearsed]()
        for action in seen.plan.actions:
            if action.mend is Mend.ALTER:
                session.tell(Noted(f"rehearsing {', '.join(map(str, action.tables))}"))
                tried = _tried(connection, graph, seen.plan, action)
                found.append(replace(tried, error=redact(tried.error, session.secrets)))
    return replace(seen, plan=replace(seen.plan, rehearsed=tuple(found)))


def _tried(connection: duckdb.DuckDBPyConnection, graph: Graph, plan: Plan, action: Action) -> Rehearsed:
    (table,) = action.tables
    migrations = {one.unit: one for one in plan.actions if one.migration is not None}
    with _undone(connection):
        create_records(connection)
        try:
            # Such as the table that a new foreign key refers to.
            for before in graph.behind(action.unit):
                if before in migrations:
                    _carry_out(connection, graph, migrations[before])
            begun = time.monotonic()
            _carry_out(connection, graph, action)
            rows = verify(connection, graph.units[action.unit])
        except StepError as error:
            return Rehearsed(table, 0.0, error=error.message.removeprefix(f"{table}: "))
        return Rehearsed(table, time.monotonic() - begun, rows)


def _carry_out(connection: duckdb.DuckDBPyConnection, graph: Graph, action: Action) -> None:
    assert action.migration is not None
    unit = graph.units[action.unit]
    migrate(connection, unit, action.migration)
    verify_shape(connection, unit, action.migration.want)


@contextmanager
def _undone(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
    finally:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")

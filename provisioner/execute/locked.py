"""What an apply does once it has found something to do.

lock -> recover -> plan again -> agree -> carry out -> look again -> unlock
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from provisioner.declare.values import VIOLATIONS
from provisioner.execute.aftermath import Aftermath
from provisioner.execute.carrying import Carrying, needs_dbt
from provisioner.execute.events import Noted, Outcome
from provisioner.execute.holder import Holder
from provisioner.execute.live import Live
from provisioner.execute.lock import held
from provisioner.execute.look import look, look_at_nothing
from provisioner.execute.opening import revive
from provisioner.execute.patience import Patience
from provisioner.execute.recreate import set_database_aside
from provisioner.execute.room import check_room
from provisioner.execute.session import Observed, Session
from provisioner.execute.spill import sweep_spill
from provisioner.execute.terms import Terms
from provisioner.execute.values import Run
from provisioner.execute.verdict import endangered, is_allowed, protected, unmended, violated
from provisioner.observe.database import FileCondition, create, inspect_file, translate
from provisioner.observe.fence import fence_of_look
from provisioner.observe.mounts import remote_kind
from provisioner.observe.values import Catalog, Graph
from provisioner.reconcile.values import Plan


def apply_locked(session: Session, terms: Terms, seen: Observed | None, begun: float) -> Run:
    """Take the lock and make the database what the manifest says.

    seen: what a look without the lock has found, None when there was none. begun: by the monotonic clock.
    """
    run, waited = _new_id(), list[Holder]()

    def on_wait(holder: Holder) -> None:
        waited.append(holder)
        session.tell(Noted(f"waiting for {holder}"))

    with held(
        session.manifest.database,
        command=terms.command,
        run=run,
        timeout=terms.lock_timeout,
        on_wait=on_wait,
        should_stop=lambda: session.stop.requested,
    ) as lock:
        session.hold(lock)
        try:
            # Files may have changed while we waited; otherwise what was read a moment ago still holds.
            graph = seen.graph if seen and not waited else None
            if seen and graph and needs_dbt(seen.plan):
                session.worker().parse_ahead()  # dbt takes seconds to get ready: meanwhile we look again
            return _Locked(session, terms, run, lock.real, graph).apply(begun)
        finally:
            session.dismiss_worker()  # else the next one would find the guard held for a moment, as by an orphan


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class _Locked:
    """What happens while the lock is held. database: the file that it is for."""

    def __init__(self, session: Session, terms: Terms, run: str, database: Path, graph: Graph | None) -> None:
        self._session, self._terms, self._stop, self._run = session, terms, session.stop, run
        self._manifest, self._tell = session.manifest, session.tell
        self._patience = Patience(terms.lock_timeout, self._wait, lambda: self._stop.requested)
        self._live = Live(database, session.manifest.folder, self._patience, fence_of_look(session.manifest))
        self._graph, self._waited = graph, False
        self._aftermath = Aftermath(database, again=terms.restart)

    def apply(self, begun: float) -> Run:
        try:
            graph, catalog = self._look()
            kept = self._terms.kept
            names = kept.names_left(catalog) if kept else self._terms.names
            seen = self._session.conclude(graph, catalog, names, self._run)
            if kept:
                kept.confirm(seen)
            self._aftermath.tell(seen.findings, seen.plan, self._tell)
            if not seen.plan.actions:
                error = unmended(seen.plan)
                outcome = Outcome.FAILED if error else Outcome.DONE
                return Run("", seen.plan, outcome, time.monotonic() - begun, error=error)
            self._terms.show(seen.plan)
            self._agree(seen.plan)
            self._warn_of_network()
            connection = self._live.connection if seen.catalog.exists else None
            check_room(self._live.path, self._manifest, seen, connection, self._tell)
            if needs_dbt(seen.plan):
                # Its profile is looked at here, and it reads its project while other units run.
                self._session.worker().parse_ahead()
            if not seen.catalog.exists:
                create(self._live.path)
            return Carrying(self._session, self._terms, self._live, self._run).journaled(seen, begun)
        except duckdb.Error as error:
            raise translate(error, self._live.path) from error
        finally:
            self._live.release()

    def _warn_of_network(self) -> None:
        if kind := remote_kind(self._live.path):
            text = f"{self._live.path} lies on a network file system ({kind}), where locks may not hold"
            self._tell(Noted(f"{text}: let no other machine use it", warning=True))

    def _wait(self, words: str) -> None:
        self._waited = True
        self._tell(Noted(f"waiting: {words}"))

    def _look(self) -> tuple[Graph, Catalog]:
        """Files may have changed while we waited for someone else who had the database: then they are read again."""
        graph = self._graph or self._session.graph()
        if self._terms.recreate:
            set_database_aside(self._live.path, self._tell, self._patience, self._stop)
        if inspect_file(self._live.path) is not FileCondition.PRESENT:
            return graph, look_at_nothing(graph)
        revive(self._live.path, lambda: self._live.connection, self._tell, without_wal=self._terms.without_wal)
        sweep_spill(self._live.path, self._live.connection)
        catalog = self._catalog(graph)
        if self._waited:
            graph = self._session.graph()
            catalog = self._catalog(graph)
        return graph, catalog

    def _catalog(self, graph: Graph) -> Catalog:
        """What there is after everything that a dead run left half done has been put back."""
        catalog = self._introspect(graph)
        again = self._aftermath.put_right(self._live.connection, graph, catalog)
        return self._introspect(graph) if again else catalog

    def _introspect(self, graph: Graph) -> Catalog:
        connection = self._live.connection
        with self._stop.watch(connection.interrupt):
            return look(connection, graph, self._manifest, prune=self._terms.names.prune)

    def _agree(self, plan: Plan) -> None:
        if violations := [hazard for hazard in plan.hazards if hazard.kind in VIOLATIONS]:
            raise violated(violations)
        if any(hazard.protected for hazard in plan.hazards):
            raise protected(plan.hazards)
        allowed = self._manifest.policy.allow | self._terms.allow
        refused = [hazard for hazard in plan.hazards if not is_allowed(hazard, allowed)]
        if refused and not self._terms.agree(plan):
            raise endangered(refused)

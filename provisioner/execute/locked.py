"""What an apply does once it has found something to do.

lock -> recover -> plan again -> agree -> carry out -> look again -> unlock
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb

from provisioner.declare.values import TableName
from provisioner.errors import ProvisionError, StoppedError
from provisioner.execute.aftermath import Aftermath
from provisioner.execute.discreet import discreet
from provisioner.execute.events import Event, Listener, Noted, Outcome, RunFinished, RunStarted
from provisioner.execute.holder import Holder
from provisioner.execute.journal import Journal, RunFacts
from provisioner.execute.live import Live
from provisioner.execute.lock import held
from provisioner.execute.opening import revive
from provisioner.execute.patience import Patience
from provisioner.execute.provenance import git_facts, versions, who
from provisioner.execute.recreate import set_database_aside
from provisioner.execute.room import check_room
from provisioner.execute.session import Observed, Session, wants_of
from provisioner.execute.setting import Setting
from provisioner.execute.spill import sweep_spill
from provisioner.execute.terms import Terms
from provisioner.execute.values import Run
from provisioner.execute.verdict import endangered, judge, not_converged, protected, unmended
from provisioner.execute.walk import Walk, find_remaining, look_again
from provisioner.observe.database import FileCondition, create, inspect_file, translate
from provisioner.observe.fence import fence_of_look
from provisioner.observe.introspect import introspect
from provisioner.observe.mounts import remote_kind
from provisioner.observe.values import Catalog, Graph, UnitKind, Want
from provisioner.observe.volatile import rests_on_database
from provisioner.reconcile.values import Mend, Plan, Reason, Request


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
        session.guard = lock.guard_fd
        # Files may have changed while we waited; otherwise what was read a moment ago still holds.
        graph = seen.graph if seen and not waited else None
        if seen and graph and _needs_dbt(seen.plan):
            session.worker().parse_ahead()  # dbt takes seconds to get ready: meanwhile we look again
        return _Locked(session, terms, run, graph).apply(begun)


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class _Locked:
    """What happens while the lock is held."""

    def __init__(self, session: Session, terms: Terms, run: str, graph: Graph | None) -> None:
        self._session, self._terms, self._stop, self._run = session, terms, session.stop, run
        self._manifest, self._tell = session.manifest, session.tell
        self._patience = Patience(terms.lock_timeout, self._wait, lambda: self._stop.requested)
        self._live = Live(
            session.manifest.database, session.manifest.folder, self._patience, fence_of_look(session.manifest)
        )
        self._graph, self._waited = graph, False
        self._aftermath = Aftermath(session.manifest.database, again=terms.restart)

    def apply(self, begun: float) -> Run:
        try:
            graph, catalog = self._look()
            seen = self._session.conclude(graph, catalog, self._terms.names, self._run)
            self._aftermath.tell(seen.findings, seen.plan, self._tell)
            if not seen.plan.actions:
                error = unmended(seen.plan)
                outcome = Outcome.FAILED if error else Outcome.DONE
                return Run("", seen.plan, outcome, time.monotonic() - begun, error=error)
            self._terms.show(seen.plan)
            self._agree(seen.plan)
            self._warn_of_network()
            check_room(self._manifest, seen, self._tell)
            if _needs_dbt(seen.plan):
                # Its profile is looked at here, and it reads its project while other units run.
                self._session.worker().parse_ahead()
            if not seen.catalog.exists:
                create(self._manifest.database)
            return self._journaled(seen, begun)
        except duckdb.Error as error:
            raise translate(error, self._manifest.database) from error
        finally:
            self._live.release()

    def _warn_of_network(self) -> None:
        if kind := remote_kind(self._manifest.database):
            text = f"{self._manifest.database} lies on a network file system ({kind}), where locks may not hold"
            self._tell(Noted(f"{text}: let no other machine use it", warning=True))

    def _wait(self, words: str) -> None:
        self._waited = True
        self._tell(Noted(f"waiting: {words}"))

    def _look(self) -> tuple[Graph, Catalog]:
        """Files may have changed while we waited for someone else who had the database: then they are read again."""
        graph = self._graph or self._session.graph()
        if self._terms.recreate:
            set_database_aside(self._manifest.database, self._tell)
        if inspect_file(self._manifest.database) is not FileCondition.PRESENT:
            return graph, Catalog()
        revive(self._manifest.database, lambda: self._live.connection, self._tell, without_wal=self._terms.without_wal)
        sweep_spill(self._live.path, self._live.connection)
        catalog = self._catalog(graph)
        if self._waited:
            graph = self._session.graph()
            catalog = self._catalog(graph)
        return graph, catalog

    def _catalog(self, graph: Graph) -> Catalog:
        """What there is after everything that a dead run left half done has been put back."""
        wants = wants_of(graph)
        catalog = self._introspect(wants)
        again = self._aftermath.put_right(self._live.connection, graph, catalog)
        return self._introspect(wants) if again else catalog

    def _introspect(self, wants: Sequence[Want]) -> Catalog:
        connection = self._live.connection
        with self._stop.watch(connection.interrupt):
            return introspect(connection, wants)

    def _agree(self, plan: Plan) -> None:
        if any(hazard.protected for hazard in plan.hazards):
            raise protected(plan.hazards)
        allowed = self._manifest.policy.allow | self._terms.allow
        refused = [hazard for hazard in plan.hazards if hazard.kind not in allowed]
        if refused and not self._terms.agree(plan):
            raise endangered(refused)

    def _journaled(self, seen: Observed, begun: float) -> Run:
        commit, clean = git_facts(self._manifest.folder)
        planned = tuple(action.unit for action in seen.plan.actions if action.unit)
        facts = RunFacts(
            self._terms.command, self._manifest.name, self._manifest.digest, who(), planned,
            versions(dbt=self._manifest.dbt is not None), commit, clean,
        )  # fmt: skip
        with Journal(self._manifest.database, facts, self._tell) as journal:
            tell = _both(self._tell, discreet(journal.listener(), self._session.secrets))
            tell(RunStarted(self._run, len(seen.plan.actions), seen.plan.estimate))
            run = self._carry_out(seen, tell, begun)
            tell(RunFinished(self._run, run.outcome, run.seconds, run.error.message if run.error else ""))
        return run

    def _carry_out(self, seen: Observed, tell: Listener, begun: float) -> Run:
        setting = self._setting(seen, tell)
        request = seen.request
        walk = Walk(seen.plan, request, setting)
        error: ProvisionError | None
        try:
            error = judge(walk.walk(), seen.plan, self._stop.reason) or self._look_again(setting, request)
        except ProvisionError as fatal:
            error = fatal
        except duckdb.Error as fatal:
            error = translate(fatal, self._manifest.database)
        outcome = Outcome.DONE
        if error is not None:
            outcome = Outcome.STOPPED if isinstance(error, StoppedError) else Outcome.FAILED
        missing = tuple(sorted({one.table for one in seen.findings.drift if one.reason is Reason.MISSING}))
        required = {want.table for want in wants_of(seen.graph) if want.required}
        made = tuple(sorted(t for r in walk.results if r.outcome is Outcome.DONE for t in r.tables if t in required))
        return Run(
            self._run, seen.plan, outcome, time.monotonic() - begun, tuple(walk.results),
            tuple(table for table in missing if table in required), made, error,
        )  # fmt: skip

    def _look_again(self, setting: Setting, request: Request) -> ProvisionError | None:
        """Everything was done; is everything as declared? If so, the file is sealed as it is, for the next one."""
        rested = self._live.rest()
        seen = look_again(setting, request)
        if rested is not None and seen.nothing_to_do:
            wants = wants_of(seen.graph)
            steady = rests_on_database(self._live.connection, wants)
            self._session.sealed = self._live.close_sealed(rested) if steady else None
        return not_converged(find_remaining(seen))

    def _setting(self, seen: Observed, tell: Listener) -> Setting:
        return Setting(
            self._manifest,
            seen.graph,
            seen.findings.fingerprints,
            self._run,
            tell,
            self._stop,
            self._live,
            self._session.changed_since,
            self._session.guard,
            self._session.worker() if _needs_dbt(seen.plan) else None,
            self._terms.fail_fast,
            _protected(seen.catalog),
        )


def _protected(catalog: Catalog) -> frozenset[TableName]:
    """By their stamps, also by one that a dead run took away."""
    stamps = [*catalog.stamps.values(), *(mark.stamp for mark in catalog.marks.values() if mark.stamp)]
    return frozenset(stamp.table for stamp in stamps if stamp.protect)


def _needs_dbt(plan: Plan) -> bool:
    return any(action.mend is Mend.RUN and action.kind is UnitKind.DBT for action in plan.actions)


def _both(first: Listener, second: Listener) -> Listener:
    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell

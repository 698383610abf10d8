"""A plan that is agreed to, carried out under the lock: journal -> walk -> judge -> look again -> seal."""

from __future__ import annotations

import time
from dataclasses import dataclass

import duckdb

from provisioner.declare.redact import redact
from provisioner.declare.values import TableName
from provisioner.errors import ProvisionError, StoppedError
from provisioner.execute.discreet import discreet
from provisioner.execute.events import Event, Listener, Outcome, RunFinished, RunStarted
from provisioner.execute.journal import Journal, RunFacts
from provisioner.execute.live import Live
from provisioner.execute.provenance import git_facts, versions, who
from provisioner.execute.session import Observed, Session
from provisioner.execute.setting import Setting
from provisioner.execute.terms import Terms
from provisioner.execute.values import Run
from provisioner.execute.verdict import judge, not_converged
from provisioner.execute.walk import Walk, find_remaining, look_again
from provisioner.observe.change_values import Shape
from provisioner.observe.database import translate
from provisioner.observe.foretell import foretell
from provisioner.observe.introspect import FEW
from provisioner.observe.values import Catalog, UnitKind
from provisioner.observe.volatile import rests_on_database
from provisioner.reconcile.values import Mend, Plan, Reason, Request


@dataclass(frozen=True, slots=True)
class Carrying:
    """What carries out one plan. run: its id."""

    session: Session
    terms: Terms
    live: Live
    run: str

    def journaled(self, seen: Observed, begun: float) -> Run:
        """Carry it out and tell of it, to the journal too. begun: by the monotonic clock."""
        manifest, tell_user = self.session.manifest, self.session.tell
        commit, clean = git_facts(manifest.folder)
        secrets = self.session.secrets
        planned = tuple(redact(action.unit, secrets) for action in seen.plan.actions if action.unit)
        facts = RunFacts(
            self.terms.command, redact(manifest.name, secrets), manifest.digest, who(), planned,
            versions(dbt=manifest.dbt is not None), commit, clean,
        )  # fmt: skip
        with Journal(self.live.path, facts, tell_user) as journal:
            note = discreet(journal.listener(), secrets)
            tell = _both(tell_user, note)
            try:
                tell(RunStarted(self.run, len(seen.plan.actions), seen.plan.estimate))
                run = self._carry_out(seen, tell, begun)
            except BaseException as error:
                # Whoever listens may raise, or provision be at fault; but it did not die.
                words = f"{type(error).__name__}: {error}"
                note(RunFinished(self.run, Outcome.FAILED, time.monotonic() - begun, words))
                raise
            tell(RunFinished(self.run, run.outcome, run.seconds, run.error.message if run.error else ""))
        return run

    def _carry_out(self, seen: Observed, tell: Listener, begun: float) -> Run:
        setting = self._setting(seen, tell)
        request = seen.request
        walk = Walk(seen.plan, request, setting)
        error: ProvisionError | None
        try:
            error = judge(walk.walk(), seen.plan, self.session.stop.reason, walk.hook_error)
            error = error or self._look_again(setting, request)
        except ProvisionError as fatal:
            error = fatal
        except duckdb.Error as fatal:
            error = translate(fatal, self.live.path)
        outcome = Outcome.DONE
        if error is not None:
            outcome = Outcome.STOPPED if isinstance(error, StoppedError) else Outcome.FAILED
        missing = tuple(sorted({one.table for one in seen.findings.drift if one.reason is Reason.MISSING}))
        required = {want.table for want in seen.graph.wants() if want.required}
        made = tuple(sorted(t for r in walk.results if r.outcome is Outcome.DONE for t in r.tables if t in required))
        return Run(
            self.run, seen.plan, outcome, time.monotonic() - begun, tuple(walk.results),
            tuple(table for table in missing if table in required), made, error,
        )  # fmt: skip

    def _look_again(self, setting: Setting, request: Request) -> ProvisionError | None:
        """Everything was done; is everything as declared? If so, the file is sealed as it is, for the next one."""
        rested = self.live.rest()
        seen = look_again(setting, request)
        if rested is not None and seen.nothing_to_do:
            wants = seen.graph.wants()
            steady = rests_on_database(self.live.connection, wants)
            self.session.sealed = self.live.close_sealed(rested) if steady else None
        return not_converged(find_remaining(seen))

    def _setting(self, seen: Observed, tell: Listener) -> Setting:
        return Setting(
            self.session.manifest,
            seen.graph,
            seen.findings.fingerprints,
            self.run,
            tell,
            self.session.stop,
            self.live,
            self.session.changed_since,
            self.session.watch,
            self.session.guard,
            self.session.worker() if needs_dbt(seen.plan) else None,
            self.terms.fail_fast,
            _protected(seen.catalog),
            _foretold(seen.plan),
        )


def needs_dbt(plan: Plan) -> bool:
    """Whether anything in it is run by dbt."""
    return any(action.mend is Mend.RUN and action.kind is UnitKind.DBT for action in plan.actions)


def _protected(catalog: Catalog) -> frozenset[TableName]:
    """By their stamps, also by one that a dead run took away."""
    stamps = [*catalog.stamps.values(), *(mark.stamp for mark in catalog.marks.values() if mark.stamp)]
    found = {stamp.table for stamp in stamps if stamp.protect}
    # A table that gets another name keeps its protection.
    return frozenset(found | {table for table, shapes in catalog.shapes.items() if shapes.old in found})


def _foretold(plan: Plan) -> dict[TableName, Shape]:
    """A few new tables are looked at one by one."""
    made = [one.migration for one in plan.actions if one.mend is Mend.CREATE and one.migration is not None]
    return foretell({one.want.table: one.statements for one in made}) if len(made) > FEW else {}


def _both(first: Listener, second: Listener) -> Listener:
    """The second hears of it also when the first raises."""

    def tell(event: Event) -> None:
        try:
            first(event)
        finally:
            second(event)

    return tell

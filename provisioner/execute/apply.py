"""Carry out a plan: tier by tier, each unit as withdraw, act, verify, grant.

A unit's states: planned -> started -> done | failed | stopped, or planned -> skipped when something it reads failed.
What is done stays done. A tier is looked at as a whole before the next one starts.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import groupby

from provisioner.errors import ProvisionError, StepError
from provisioner.execute.batches import Batch, batches
from provisioner.execute.dbt_units import run_dbt
from provisioner.execute.endings import skipped
from provisioner.execute.events import Outcome, UnitFinished, UnitStarted
from provisioner.execute.setting import Setting
from provisioner.execute.single import run_single
from provisioner.execute.values import UnitResult
from provisioner.observe.introspect import introspect
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.plan import make_plan
from provisioner.reconcile.values import Action, Drift, Mend, Plan, Request


class Walk:
    """One walk over the actions of a plan. results: how each unit ended so far."""

    def __init__(self, plan: Plan, request: Request, setting: Setting) -> None:
        self._plan = plan
        self._request = request
        self._setting = setting
        self._numbers = {id(action): number for number, action in enumerate(plan.actions, 1)}
        self._broken = {one.unit for one in plan.by_hand}
        self.results: list[UnitResult] = []

    def walk(self) -> tuple[UnitResult, ...]:
        """Carry out everything that can be, whatever fails on the way."""
        tiers = [(tier, tuple(actions)) for tier, actions in groupby(self._plan.actions, key=lambda action: action.tier)]
        for tier, actions in tiers:
            for batch in batches(actions, self._setting.graph):
                self._carry_out(batch)
            if tier != tiers[-1][0] and not self._setting.stop.requested:
                self._verify_tier(tier)
        return tuple(self.results)

    def _carry_out(self, batch: Batch) -> None:
        ready = tuple(action for action in batch if not self._refused(action))
        if not ready:
            return
        if len(ready) > 1 or self._is_dbt(ready[0]):
            run_dbt(ready, self._setting, self._started, self._finished, self.blocked_by)
        else:
            self._alone(ready[0])

    def _is_dbt(self, action: Action) -> bool:
        return action.mend is Mend.RUN and self._setting.graph.units[action.unit].dbt is not None

    def _refused(self, action: Action) -> bool:
        """Whether the action is not to be started at all; then it is on record as skipped or stopped."""
        error = self._why_not(action)
        if error is not None:
            outcome = Outcome.STOPPED if error.code == "stopped" else Outcome.SKIPPED
            self._finished(action, outcome, 0.0, None, error)
        return error is not None

    def _why_not(self, action: Action) -> ProvisionError | None:
        if self._setting.stop.requested:
            return StepError("it was not started.", code="stopped")
        if self._setting.fail_fast and any(result.outcome is Outcome.FAILED for result in self.results):
            return StepError("a unit before it failed, and --fail-fast was asked for.", code="skipped")
        if action.unit and (source := self.blocked_by(action.unit)):
            return skipped(source)
        return None

    def blocked_by(self, unit: str) -> str | None:
        """The unit that is broken and that this one reads, itself or through others."""
        for read in self._setting.graph.units[unit].reads:
            if read in self._broken:
                return read
            if not self._is_settled(read) and (source := self.blocked_by(read)):
                return source
        return None

    def _is_settled(self, unit: str) -> bool:
        return any(result.unit == unit and result.outcome is Outcome.DONE for result in self.results)

    def _alone(self, action: Action) -> None:
        unit = self._setting.graph.units.get(action.unit)
        tries = 1 + (unit.retries if unit and action.mend is Mend.RUN else 0)
        for attempt in range(1, tries + 1):
            self._started(action, attempt)
            begun = time.monotonic()
            try:
                rows = run_single(action, self._setting)
            except ProvisionError as error:
                if attempt < tries and not self._setting.stop.requested:
                    continue
                outcome = Outcome.STOPPED if error.code == "stopped" else Outcome.FAILED
                self._finished(action, outcome, time.monotonic() - begun, None, error)
            else:
                self._finished(action, _success(action), time.monotonic() - begun, rows, None)
            return

    def _started(self, action: Action, attempt: int = 1) -> None:
        number, of = self._numbers[id(action)], len(self._plan.actions)
        self._setting.tell(UnitStarted(self._setting.run, name_of(action), _kind(action), number, of, attempt))

    def _finished(
        self, action: Action, outcome: Outcome, seconds: float, rows: int | None, error: ProvisionError | None
    ) -> None:
        number, of, name, kind = self._numbers[id(action)], len(self._plan.actions), name_of(action), _kind(action)
        if outcome not in (Outcome.DONE, Outcome.ADOPTED) and action.unit:
            self._broken.add(action.unit)
        self.results.append(UnitResult(name, kind, action.tables, outcome, seconds, rows, error))
        message, cure = (error.message, error.cure) if error else ("", "")
        self._setting.tell(
            UnitFinished(self._setting.run, name, kind, outcome, seconds, number, of, rows, message, cure)
        )

    def _verify_tier(self, tier: int) -> None:
        """A later tier must not be built on one that an effect elsewhere has spoiled."""
        for one in find_remaining(self._setting, self._request):
            unit = self._setting.graph.units.get(one.unit)
            if unit and unit.tier == tier and unit.id not in self._broken:
                self._broken.add(unit.id)
                error = StepError(
                    f"{one.table} is not as declared after its tier was built: {one.reason}, {one.fact}.",
                    code="tier_not_verified",
                    cure=f"Look at what else writes to {one.table}, then run `provision apply` again.",
                )
                self.results.append(UnitResult(unit.id, unit.kind, unit.tables, Outcome.FAILED, error=error))


def find_remaining(setting: Setting, request: Request) -> tuple[Drift, ...]:
    """The drift that still calls for work, of what was asked for; a rebuild that was asked for is done by now."""
    wants = [want for unit in setting.graph.units.values() for want in unit.wants]
    catalog = introspect(setting.live.connection, wants)
    asked = replace(request, rebuild=frozenset())
    plan = make_plan(setting.graph, catalog, find_drift(setting.graph, catalog, asked, setting.run), asked, {})
    work = (one for action in plan.actions if action.mend in (Mend.RUN, Mend.CREATE) for one in action.reasons)
    return (*work, *plan.by_hand)


def name_of(action: Action) -> str:
    """What a person calls the action: its unit, or the orphan's name."""
    return action.unit or str(action.tables[0])


def _kind(action: Action) -> str:
    return str(action.kind) if action.mend is Mend.RUN and action.kind else str(action.mend)


def _success(action: Action) -> Outcome:
    return Outcome.ADOPTED if action.mend is Mend.ADOPT else Outcome.DONE

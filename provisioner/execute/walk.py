"""Carry out a plan: tier by tier, each unit as withdraw, act, verify, grant.

A unit's stages: planned -> started -> done | failed | stopped, or planned -> skipped when something it reads failed.
What is done stays done. A tier is looked at as a whole before the next one starts.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from itertools import groupby

from provisioner.errors import ProvisionError, StepError
from provisioner.execute.batches import Batch, batches
from provisioner.execute.dbt_units import run_dbt
from provisioner.execute.endings import after_the_disk_failed, hook_failed, not_started, outcome_of, skipped
from provisioner.execute.events import NodeFinished, Noted, Outcome, UnitFinished, UnitStarted
from provisioner.execute.look import see
from provisioner.execute.session import Observed
from provisioner.execute.setting import Setting
from provisioner.execute.single import run_single
from provisioner.execute.time_left import TimeLeft
from provisioner.execute.values import UnitResult
from provisioner.observe.complaints import DISK_FAILED
from provisioner.observe.values import Unit
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.plan import make_plan
from provisioner.reconcile.values import Action, Drift, Mend, Plan, Request


class Walk:
    """One walk over the actions of a plan. results: how each unit ended so far. hook_error: of dbt's, the first."""

    def __init__(self, plan: Plan, request: Request, setting: Setting) -> None:
        self._plan = plan
        self._request = request
        self._setting = setting
        self._numbers = {id(action): number for number, action in enumerate(plan.actions, 1)}
        self._left = TimeLeft([action.estimate for action in plan.actions])
        self._broken = {one.unit for one in plan.by_hand}
        self._done: set[str] = set()
        self.results: list[UnitResult] = []
        self.hook_error: ProvisionError | None = None

    def walk(self) -> tuple[UnitResult, ...]:
        """Carry out everything that can be, whatever fails on the way."""
        tiers = [
            (tier, tuple(actions)) for tier, actions in groupby(self._plan.actions, key=lambda action: action.tier)
        ]
        for tier, actions in tiers:
            for batch in batches(actions, self._setting.graph):
                self._carry_out(batch)
            if tier != tiers[-1][0] and not self._setting.stop.requested and not self._setting.live.abandoned:
                self._verify_tier(tier)
                self._setting.live.rest()  # so that a WAL never holds more than the work of one tier
        return tuple(self.results)

    def _carry_out(self, batch: Batch) -> None:
        ready = tuple(action for action in batch if not self._refused(action))
        if not ready:
            return
        if len(ready) > 1 or self._is_dbt(ready[0]):
            run_dbt(ready, self._setting, self)
        else:
            self._alone(ready[0])

    def _is_dbt(self, action: Action) -> bool:
        return action.mend is Mend.RUN and self._setting.graph.units[action.unit].dbt is not None

    def _refused(self, action: Action) -> bool:
        """Whether the action is not to be started at all; then it is on record as skipped or stopped."""
        error = self._why_not(action)
        if error is not None:
            self.finished(action, 0.0, None, error)
        return error is not None

    def _why_not(self, action: Action) -> ProvisionError | None:
        if self._setting.stop.requested:
            return not_started(self._setting.stop)
        if self._setting.live.abandoned:
            return after_the_disk_failed()
        if self._setting.fail_fast and any(result.outcome is Outcome.FAILED for result in self.results):
            return StepError(
                "a unit before it failed, and --fail-fast was asked for.",
                code="skipped",
                cure="Mend that one, then run `provision apply` again.",
            )
        if action.unit and (source := self.blocked_by(action.unit)):
            return skipped(source)
        return None

    def blocked_by(self, unit: str, also: Collection[str] = ()) -> str | None:
        """The unit that is broken and that this one reads, itself or through others that did not run since.

        also: more units that count as broken.
        """
        waiting, seen = list(self._setting.graph.units[unit].reads) if self._broken or also else [], set[str]()
        while waiting:
            read = waiting.pop()
            if read in self._broken or read in also:
                return read
            if read not in seen and read not in self._done:
                seen.add(read)
                waiting += self._setting.graph.units[read].reads
        return None

    def _alone(self, action: Action) -> None:
        unit = self._setting.graph.units.get(action.unit)
        tries = 1 + (unit.retries if unit and action.mend is Mend.RUN else 0)
        for attempt in range(1, tries + 1):
            self.started(action, attempt)
            begun = time.monotonic()
            try:
                rows = run_single(action, self._setting)
            except ProvisionError as error:
                if attempt < tries and not self._setting.stop.requested and error.code != DISK_FAILED:
                    self._setting.tell(Noted(f"{action.unit}, attempt {attempt}: {error.message}", warning=True))
                    continue
                self.finished(action, time.monotonic() - begun, None, error)
            else:
                self.finished(action, time.monotonic() - begun, rows, None)
            return

    def started(self, action: Action, attempt: int = 1) -> None:
        """Tell that it begins."""
        number, of = self._numbers[id(action)], len(self._plan.actions)
        self._left.started()
        self._setting.tell(UnitStarted(self._setting.run, name_of(action), _kind(action), number, of, attempt))

    def made(self, action: Action, status: str, seconds: float) -> None:
        """Tell that dbt is done with it. status: dbt's word. seconds: wall time."""
        number, of = self._numbers[id(action)], len(self._plan.actions)
        self._left.finished(number)
        self._setting.tell(
            NodeFinished(self._setting.run, action.unit, status, seconds, number, of, self._left.seconds())
        )

    def failed_beside(self, message: str) -> None:
        """Tell that a hook of a dbt project failed; it belongs to no unit, and what was built is judged by itself."""
        error = hook_failed(message)
        self.hook_error = self.hook_error or error
        self._setting.tell(Noted(error.message, warning=True))

    def finished(self, action: Action, seconds: float, rows: int | None, error: ProvisionError | None) -> None:
        """Write down how it ended, and tell it. seconds: wall time."""
        if error is not None and error.code == DISK_FAILED:
            self._setting.live.abandon(error)
        outcome = outcome_of(error) if error else _success(action)
        if action.unit:
            (self._broken if error else self._done).add(action.unit)
        self.results.append(UnitResult(name_of(action), _kind(action), action.tables, outcome, seconds, rows, error))
        self._tell_result(self.results[-1], self._numbers[id(action)])

    def _tell_result(self, result: UnitResult, number: int) -> None:
        message, cure = (result.error.message, result.error.cure) if result.error else ("", "")
        self._left.finished(number)
        self._setting.tell(
            UnitFinished(
                self._setting.run, result.unit, result.kind, result.outcome, result.seconds, number,
                len(self._plan.actions), result.rows, message, cure, self._left.seconds(),
            )
        )  # fmt: skip

    def _verify_tier(self, tier: int) -> None:
        """A later tier must not be built on one that an effect elsewhere has spoiled."""
        for one in find_remaining(look_again(self._setting, self._request)):
            unit = self._setting.graph.units.get(one.unit)
            if unit and unit.tier == tier and unit.id not in self._broken:
                self._spoiled(unit, one)

    def _spoiled(self, unit: Unit, one: Drift) -> None:
        error = StepError(
            f"{one.table} is not as declared after its tier was built: {one.reason}, {one.fact}.",
            code="tier_not_verified",
            cure=f"Look at what else writes to {one.table}, then run `provision apply` again.",
        )
        self._broken.add(unit.id)
        self.results = [result for result in self.results if result.unit != unit.id]
        self.results.append(UnitResult(unit.id, str(unit.kind), unit.tables, Outcome.FAILED, error=error))
        number = next((self._numbers[id(action)] for action in self._plan.actions if action.unit == unit.id), 0)
        self._tell_result(self.results[-1], number)


def look_again(setting: Setting, request: Request) -> Observed:
    """What there is by now, against what was asked for; a rebuild that was asked for is done."""
    with setting.stop.watch(setting.live.connection.interrupt):
        catalog = see(setting.live.connection, setting.graph, setting.manifest)
    asked = replace(request, rebuild=frozenset())
    findings = find_drift(setting.graph, catalog, asked, setting.run)
    return Observed(setting.graph, catalog, asked, findings, make_plan(setting.graph, catalog, findings, asked))


def find_remaining(seen: Observed) -> tuple[Drift, ...]:
    """The drift that still calls for work."""
    work = (
        one
        for action in seen.plan.actions
        if action.mend in (Mend.RUN, Mend.CREATE, Mend.ALTER, Mend.ADOPT)
        for one in action.reasons
    )
    return (*work, *seen.plan.by_hand)


def name_of(action: Action) -> str:
    """What a person calls the action: its unit, or the orphan's name."""
    return action.unit or str(action.tables[0])


def _kind(action: Action) -> str:
    return str(action.kind) if action.mend is Mend.RUN and action.kind else str(action.mend)


def _success(action: Action) -> Outcome:
    return Outcome.ADOPTED if action.mend is Mend.ADOPT else Outcome.DONE

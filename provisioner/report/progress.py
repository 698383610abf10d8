"""Events -> what a person sees while a run goes on: a line for each unit, and a sign of life where one takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from provisioner.execute.events import (
    Event,
    NodeFinished,
    Noted,
    Outcome,
    RunFinished,
    RunStarted,
    UnitFinished,
    UnitStarted,
)
from provisioner.observe.values import UnitKind
from provisioner.reconcile.wording import many
from provisioner.report.converged import Paint
from provisioner.report.out import Out
from provisioner.report.words import about, seconds, short

QUIET_SECONDS = 4.0
# What is left is told when it is worth knowing, and so many units by name.
LONG_SECONDS, NAMED = 10.0, 3
COLOURS = {Outcome.DONE: "green", Outcome.ADOPTED: "cyan", Outcome.FAILED: "red"}


class Progress:
    """Listens to a run and writes to `out`. Leave it with `close`, which ends its thread."""

    def __init__(self, out: Out, paint: Paint) -> None:
        self._out, self._paint = out, paint
        self._lock = threading.Lock()
        self._said = time.monotonic()
        self._begun: dict[str, float] = {}
        self._turn_to("reading the manifest")
        self._over: set[int] = set()
        self._of, self._left = 0, ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        handle = HEARD.get(type(event))
        if handle is not None:
            handle(self, event)

    def close(self) -> None:
        self._done.set()
        self._thread.join()

    def first_sign(self) -> None:
        """Say what is under way: nobody has heard anything yet."""
        if self._doing:
            self.say(self._paint(self._doing, "dim"))

    def say(self, line: str) -> None:
        """One line, at once."""
        with self._lock:
            self._said = time.monotonic()
            # Nobody reading is no reason to end a run.
            with suppress(OSError, ValueError):
                self._out.write(line + "\n")
                self._out.flush()

    def _keep_alive(self) -> None:
        """Never five seconds of silence while something is under way."""
        while not self._done.wait(0.1):
            if time.monotonic() - self._said > QUIET_SECONDS and (now := self._under_way()):
                self.say(self._paint(f"         still busy: {now}", "dim"))

    def _turn_to(self, doing: str) -> None:
        self._doing, self._since = doing, time.monotonic()

    def _under_way(self) -> str:
        now = time.monotonic()
        units = [f"{short(unit)} ({seconds(now - begun)})" for unit, begun in list(self._begun.items())]
        if len(units) > NAMED:
            units = [*units[:NAMED], f"and {len(units) - NAMED} more"]
        far = f"{len(self._over)} of {self._of} done{self._left}: " if self._of > 1 and self._doing else ""
        if not units and self._doing:
            units = [f"{self._doing} ({seconds(now - self._since)})"]
        return far + ", ".join(units) if units else ""

    def _noted(self, event: Noted) -> None:
        self._turn_to(event.text)
        self.say(self._paint("warning: ", "yellow") + event.text if event.warning else self._paint(event.text, "dim"))

    def _run_started(self, event: RunStarted) -> None:
        self._turn_to("preparing")
        self._of = event.units
        total = f", {about(event.estimate)}" if event.estimate is not None else ""
        self.say(self._paint(f"run {event.run}: {many(event.units, 'action')}{total}", "bold"))

    def _unit_started(self, event: UnitStarted) -> None:
        self._begun[event.unit] = time.monotonic()
        if event.kind == UnitKind.DBT and event.attempt == 1:
            return  # dbt begins many at once; each is told when it is made
        again = f", attempt {event.attempt}" if event.attempt > 1 else ""
        self.say(self._paint(f"{self._count(event)}  start    {short(event.unit)}  {event.kind}{again}", "dim"))

    def _node_finished(self, event: NodeFinished) -> None:
        self._advance(event)
        self._turn_to("verifying what dbt made")
        if event.status == "success":
            # Nodes end in any order; what counts is how many did.
            count = f"{len(self._over):>{len(str(event.of))}}/{event.of}".rjust(7)
            made = f"{count}  made     {short(event.unit)}  {seconds(event.seconds)}{self._left}"
            self.say(self._paint(made, "dim"))

    def _unit_finished(self, event: UnitFinished) -> None:
        self._advance(event)
        took = f"  {seconds(event.seconds)}" if event.outcome in (Outcome.DONE, Outcome.FAILED) else ""
        rows = f"  {many(event.rows, 'row')}" if event.rows is not None else ""
        outcome = self._paint(f"{event.outcome:<7}", COLOURS.get(event.outcome, "yellow"))
        self.say(f"{self._count(event)}  {outcome}  {short(event.unit)}{took}{rows}{self._left}")
        if event.error:
            self.say("\n".join(f"         {line}" for line in event.error.splitlines()))

    def _run_finished(self, event: RunFinished) -> None:
        self._turn_to("")

    def _advance(self, event: NodeFinished | UnitFinished) -> None:
        self._begun.pop(event.unit, None)
        self._over.add(event.number)
        worth = event.left is not None and event.left >= LONG_SECONDS
        self._left = f", {about(event.left)} left" if event.left is not None and worth else ""

    def _count(self, event: UnitStarted | UnitFinished) -> str:
        return f"{event.number:>{len(str(event.of))}}/{event.of}".rjust(7)


HEARD: dict[type, Callable[..., None]] = {
    Noted: Progress._noted,
    RunStarted: Progress._run_started,
    UnitStarted: Progress._unit_started,
    NodeFinished: Progress._node_finished,
    UnitFinished: Progress._unit_finished,
    RunFinished: Progress._run_finished,
}

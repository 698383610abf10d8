"""What a dead run left: found under the lock, put right, and told in one line.

    marks and journal, as found --put_right--> everything as it was before it --plan--> tell: one line

Marks and stamps alone decide what is done. The journal helps to say it, and without it less is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from provisioner.declare.values import TableName
from provisioner.execute.aside import recover
from provisioner.execute.events import Listener, Noted
from provisioner.execute.history import RunRecord, journal_path, read_journal, second_of
from provisioner.execute.restart import Restart, restart
from provisioner.observe.values import Catalog, Graph, Mark
from provisioner.reconcile.values import Findings, Plan
from provisioner.reconcile.wording import listed


class Aftermath:
    """What earlier runs left in one database, collected over all looks of one apply. again: asked for by --restart."""

    def __init__(self, database: Path, *, again: bool) -> None:
        self._journal, self._again = journal_path(database), again
        self._marks: Mapping[TableName, Mark] = {}
        self._restored: frozenset[TableName] = frozenset()
        self._restart = Restart()

    def put_right(self, connection: duckdb.DuckDBPyConnection, graph: Graph, catalog: Catalog) -> bool:
        """Put back what was kept, and take back the trust that a restart asks for; whether that changed anything."""
        self._marks = {**catalog.marks, **self._marks}
        restored = recover(connection, catalog, [table for unit in graph.units.values() for table in unit.tables])
        self._restored |= frozenset(restored)
        if not self._again:
            return bool(restored)
        asked = restart(connection, graph, catalog, read_journal(self._journal), self._journal)
        self._restart = replace(asked, tables=tuple(sorted({*self._restart.tables, *asked.tables})))
        return bool(restored or asked.tables)

    def tell(self, findings: Findings, plan: Plan, tell: Listener) -> None:
        """What was found and what is done about it, in one line; nothing where no run died, or nothing is to do."""
        if self._again:
            words = "; ".join(filter(None, (self._restart.words(), self._put_back())))
            tell(Noted(words, warning=bool(self._restart.unknown or self._restored)))
        elif (self._restored or plan.actions) and (words := self._found(findings, plan)):
            tell(Noted(words, warning=True))

    def _found(self, findings: Findings, plan: Plan) -> str:
        dead = find_dead_run(read_journal(self._journal).runs, self._marks.values(), bool(self._restored))
        if dead is None:
            return ""
        cures = tuple(filter(None, (self._put_back(), dead.goes_on(findings, plan))))
        return f"{dead.ended(findings)}: {'; '.join(cures)}" if cures else ""

    def _put_back(self) -> str:
        return f"put back as they were before it: {listed(map(str, sorted(self._restored)))}" if self._restored else ""


@dataclass(frozen=True, slots=True)
class DeadRun:
    """A run that never ended. units: those it died in. planned: () where the journal does not know. begun: any unit."""

    run: str
    units: tuple[str, ...]
    planned: tuple[str, ...] = ()
    begun: bool = True

    def ended(self, findings: Findings) -> str:
        """Where it ended, and how much of it is done by what the database says now."""
        if not self.planned:
            return f"a run died here: {self.run}, in the middle of {listed(self.units)}"
        where = f"in the middle of {listed(self.units)}" if self.units else "between two units"
        where = where if self.begun else "before its first unit"
        done = len(self.planned) - len(self._rest(findings))
        return f"run {self.run} ended {where}, {done} of {len(self.planned)} done"

    def goes_on(self, findings: Findings, plan: Plan) -> str:
        """What this plan does of what it left to do, "" for nothing."""
        due = {action.unit for action in plan.actions}
        if not self.planned:
            return f"going on with {listed(unit for unit in self.units if unit in due)}" if due & {*self.units} else ""
        rest = self._rest(findings)
        count = sum(unit in due for unit in rest)
        if count < len(rest):
            return f"going on with {count} of the other {len(rest)}" if count else ""
        other = "the other" if count < len(self.planned) else "all"
        return f"going on with {other} {'one' if count == 1 else count}" if count else ""

    def _rest(self, findings: Findings) -> list[str]:
        due = {one.unit for one in findings.drift}
        return [unit for unit in self.planned if unit in due]


def find_dead_run(runs: Sequence[RunRecord], marks: Iterable[Mark], restored: bool) -> DeadRun | None:
    """The run that died last, None where none did or where a run after it has told of it. runs: oldest first."""
    newest = runs[-1] if runs else RunRecord("", outcome="none")
    marks = tuple(marks)
    marked = max((mark.run for mark in marks), default="")
    if newest.outcome is None and (marked in {run.run for run in runs} or second_of(newest.run) >= second_of(marked)):
        inside = tuple(unit.unit for unit in newest.units if unit.outcome is None)
        if not restored and {unit.unit for unit in newest.units} >= {*newest.planned} and not inside:
            return None  # it died after its last unit: what is due now became so later
        return DeadRun(newest.run, inside, tuple(dict.fromkeys(newest.planned)), bool(newest.units))
    if marked and (restored or marked not in {run.run for run in runs}):
        return DeadRun(marked, tuple(sorted({mark.unit for mark in marks if mark.run == marked})))
    return None

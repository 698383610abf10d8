"""The one path that plan, check and apply walk: manifest -> graph -> catalog -> drift -> plan. Only the end differs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from provisioner.declare.values import Manifest
from provisioner.errors import BusyError
from provisioner.execute.dbt_client import DbtWorker
from provisioner.execute.events import Listener, Noted
from provisioner.execute.history import durations, journal_path, read_journal
from provisioner.execute.holder import is_alive, read_holder
from provisioner.execute.interrupt import Stop
from provisioner.observe.database import FileCondition, inspect_file, opened
from provisioner.observe.dbt.cache import load_graph
from provisioner.observe.graph import read_graph
from provisioner.observe.introspect import introspect
from provisioner.observe.lookahead import check_inputs
from provisioner.observe.values import Catalog, DbtGraph, Graph, Want
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.plan import make_plan
from provisioner.reconcile.values import Findings, Plan, Request

# Stands for the run to come while nobody has begun one.
NO_RUN = "-"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the edges hand in. variables: the process environment. cache_dir: may be deleted at any time."""

    variables: Mapping[str, str]
    cache_dir: Path
    use_cache: bool = True


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found, and the plan that follows from it."""

    graph: Graph
    catalog: Catalog
    findings: Findings
    plan: Plan


class NotCached(Exception):
    """dbt's graph is not in the cache, and the caller did not want dbt to be started."""


class Session:
    """Everything that is read for one manifest, and dbt's worker while it is needed. Use it in a `with` statement.

    guard: the lock's descriptor, for children; set by who takes the lock.
    """

    def __init__(self, manifest: Manifest, around: Surroundings, tell: Listener, stop: Stop | None = None) -> None:
        self.manifest = manifest
        self.around = around
        self.tell = tell
        self.stop = stop or Stop()
        self.guard: int | None = None
        self._stack = ExitStack()
        self._worker: DbtWorker | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def worker(self) -> DbtWorker:
        """dbt's worker, which begins to import dbt at once. One for the whole session."""
        if self._worker is None:
            assert self.manifest.dbt is not None
            private = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="provision-")))
            self._worker = DbtWorker(
                self.manifest.dbt,
                self.manifest.database,
                guard_fd=self.guard,
                private=private,
                cache_dir=self.around.cache_dir,
                variables=self.around.variables,
            )
            self._stack.callback(self._worker.end)
            self._worker.start()
        return self._worker

    def graph(self, *, may_parse: bool = True) -> Graph:
        """Every unit that the manifest needs. Looks for the input files first: a missing one is told before dbt starts.

        may_parse: whether dbt may be started when its project changed; raises NotCached when it must be and may not.
        """
        check_inputs(self.manifest)
        return read_graph(self.manifest, self._dbt_graph(may_parse))

    def _dbt_graph(self, may_parse: bool) -> DbtGraph:
        project = self.manifest.dbt
        if project is None:
            return DbtGraph()

        def parse() -> dict[str, Any]:
            if not may_parse:
                raise NotCached
            self.tell(Noted("dbt reads its project"))
            return self.worker().parse(should_stop=lambda: self.stop.requested)

        return load_graph(
            project,
            self.manifest.database,
            cache_dir=self.around.cache_dir,
            variables=self.around.variables,
            parse=parse,
            use_cache=self.around.use_cache,
        )

    def catalog(self, graph: Graph) -> Catalog:
        """What the live database holds, read without a lock. Raises BusyError when another process has it to itself."""
        if inspect_file(self.manifest.database) is not FileCondition.PRESENT:
            return Catalog()
        try:
            with (
                opened(self.manifest.database, read_only=True) as connection,
                self.stop.watch(connection.interrupt),
            ):
                return introspect(connection, wants_of(graph))
        except BusyError as error:
            holder = read_holder(self.manifest.database)
            # An apply that died leaves its name behind; then it is someone else who has the database.
            if holder is None or not is_alive(holder):
                raise
            message = f"{self.manifest.database} is in use by an apply: {holder}."
            raise BusyError(message, code=error.code, cure="Wait until it has ended, then run it again.") from error

    def observe(self, request: Request) -> Observed:
        """The plan as of now."""
        graph = self.graph()
        return self.conclude(graph, self.catalog(graph), request, NO_RUN)

    def conclude(self, graph: Graph, catalog: Catalog, request: Request, run: str) -> Observed:
        """From what was read to the plan."""
        findings = find_drift(graph, catalog, request, run)
        # The journal gives the estimate alone; where nothing drifts it is not read.
        seconds = durations(read_journal(journal_path(self.manifest.database))) if findings.drift else {}
        return Observed(graph, catalog, findings, make_plan(graph, catalog, findings, request, seconds))


def wants_of(graph: Graph) -> list[Want]:
    """Every relation that the graph's units make."""
    return [want for unit in graph.units.values() for want in unit.wants]

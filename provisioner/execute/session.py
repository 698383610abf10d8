"""The one path that plan, check and apply walk: manifest -> graph -> catalog -> drift -> plan. Only the end differs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from provisioner.declare.asked import AskedVariables
from provisioner.declare.redact import find_secrets
from provisioner.declare.signature import Signature, is_settled
from provisioner.declare.values import Manifest, Selection
from provisioner.errors import BusyError
from provisioner.execute.discreet import discreet
from provisioner.execute.interrupt import Stop
from provisioner.execute.look import look, look_at_nothing
from provisioner.execute.request import Names, make_request
from provisioner.observe.database import FileCondition, inspect_file, opened
from provisioner.observe.dbt.cache import load_graph
from provisioner.observe.fence import enclose, fence_of_look
from provisioner.observe.graph import read_graph
from provisioner.observe.keep import Look, keep, notes_of
from provisioner.observe.lookahead import check_inputs
from provisioner.observe.notes import Notes
from provisioner.observe.proof import ZONE_FILE, kept_path, read_kept
from provisioner.observe.seal import seal
from provisioner.observe.values import Catalog, DbtGraph, Graph, Selected, Unit
from provisioner.observe.volatile import rests_on_database
from provisioner.observe.watch import Watch, begin_watch
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.plan import make_plan
from provisioner.reconcile.values import NOTHING_ON_RECORD, Durations, Findings, Plan, Request

if TYPE_CHECKING:
    from provisioner.execute.dbt_client import DbtWorker
    from provisioner.execute.events import Listener
    from provisioner.execute.lock import Lock

# Stands for the run to come while nobody has begun one.
NO_RUN = "-"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the edges hand in. variables: the process environment. cache_dir: may be deleted at any time.

    use_cache: whether to believe what an earlier look found out about files.
    """

    variables: Mapping[str, str]
    cache_dir: Path
    use_cache: bool = True


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found, and the plan that follows from it."""

    graph: Graph
    catalog: Catalog
    request: Request
    findings: Findings
    plan: Plan

    @property
    def nothing_to_do(self) -> bool:
        """Whether all that the manifest wants was looked at, and neither plan nor apply would have a word to say."""
        return self.request == Request() and self.plan == Plan() and not self.catalog.marks


class NotCached(Exception):
    """dbt's graph is not in the cache, and the caller did not want dbt to be started."""


class Session:
    """Everything that is read for one manifest, and dbt's worker while it is needed. Use it in a `with` statement.

    guard: the lock's descriptor, for children, once there is a lock. sealed: the database in which a look found nothing
    to do; the proof of it is kept when the session ends.
    """

    def __init__(self, manifest: Manifest, around: Surroundings, tell: Listener, stop: Stop | None = None) -> None:
        self.manifest = manifest
        self.around = around
        self.secrets = find_secrets(around.variables)
        self.tell = discreet(tell, self.secrets)
        self.stop = stop or Stop()
        self.guard: int | None = None
        self._real = Path(os.path.realpath(manifest.database))
        self.sealed: Signature | None = None
        self._kept_path = kept_path(around.cache_dir, manifest.path, manifest.environment)
        self._kept = read_kept(self._kept_path, manifest.path, manifest.environment) if around.use_cache else {}
        self._notes = notes_of(self._kept)
        self._found: Mapping[str, tuple[Signature | None, Mapping[str, Any]]] | None = None
        self._asked = AskedVariables(around.variables)
        self._seal: Signature | None = None
        self._stack = ExitStack()
        self._worker: DbtWorker | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if self.sealed is not None or self._notes.learned:
            look = Look(self._notes, self.around.variables, self._asked.names, self.sealed)
            keep(self._kept_path, self.manifest, look)

    def hold(self, lock: Lock) -> None:
        """From now on the lock is held: children inherit it, and dbt works on the very file that it is for."""
        self.guard = lock.guard_fd
        if lock.real != self._real:
            self.dismiss_worker()  # it is for the file to which a link led before
            self._real = lock.real

    def worker(self) -> DbtWorker:
        """dbt's worker, which begins to import dbt at once. One for the whole session."""
        if self._worker is None:
            # Imported late, with all that starting a child needs: most plans start none.
            from provisioner.execute.dbt_client import DbtWorker
            from provisioner.execute.private import private_folder

            assert self.manifest.dbt is not None
            private = self._stack.enter_context(private_folder())
            self._worker = DbtWorker(
                self.manifest.dbt,
                self._real,
                guard_fd=self.guard,
                private=private,
                cache_dir=self.around.cache_dir,
                variables=self.around.variables,
            )
            self._stack.callback(self._worker.end)
            self._worker.start()
        return self._worker

    def dismiss_worker(self) -> None:
        """End dbt's worker; the next one will hold the guard that there is by then."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def graph(self, *, may_parse: bool = True) -> Graph:
        """Every unit that the manifest needs. Looks for the input files first: a missing one is told before dbt starts.

        may_parse: whether dbt may be started when its project changed; raises NotCached when it must be and may not.
        """
        # Files may have changed since the last time: what was found then is no longer answered from memory.
        self._notes, self._found = notes_of(self._kept), None
        self._notes.saw(ZONE_FILE)
        with self.stop.at_once():
            check_inputs(self.manifest, self._notes)
        dbt = self._dbt_graph(may_parse)
        with self.stop.at_once():
            return read_graph(self.manifest, dbt, self._notes)

    def changed_since(self, command: str) -> tuple[str, ...]:
        """The files that dbt's nodes were defined by and that someone changed meanwhile. command: dbt's.

        Of data files those of seeds alone: a model may well write one that another model reads.
        """
        return self._notes.changed({"seed": ("dbt", "digest")}.get(command, ("dbt",)))

    def watch(self, unit: Unit) -> Watch:
        """What the step of the unit depends on, from now on. Raises as `begin_watch`."""
        assert unit.step is not None
        # What files hold that did not change since is answered from memory, for all units alike.
        self._found = self._found or self._notes.findings()
        return begin_watch(unit, self.manifest.step(unit.step), self.manifest.folder, Notes(kept=self._found))

    def _dbt_graph(self, may_parse: bool) -> DbtGraph:
        project = self.manifest.dbt
        if project is None:
            return DbtGraph()

        def parse() -> dict[str, Any]:
            if not may_parse:
                raise NotCached
            self._tell_parse()
            return self.worker().parse(should_stop=lambda: self.stop.requested)

        def select(selections: tuple[Selection, ...]) -> dict[Selection, Selected]:
            if not may_parse:
                raise NotCached
            if self._worker is None:
                self._tell_parse()
            return self.worker().select(selections, should_stop=lambda: self.stop.requested)

        return load_graph(
            project,
            self._real,
            cache_dir=self.around.cache_dir,
            variables=self._asked,
            parse=parse,
            notes=self._notes,
            selections=tuple(entry.selection for entry in self.manifest.tables_from),
            select=select,
        )

    def _tell_parse(self) -> None:
        from provisioner.execute.events import Noted

        self.tell(Noted("dbt reads its project"))

    def _catalog(self, graph: Graph, *, prune: bool) -> Catalog:
        """What the live database holds, read without a lock. Raises BusyError when another process has it to itself."""
        database = self.manifest.database
        if inspect_file(database) is not FileCondition.PRESENT:
            return look_at_nothing(graph)
        before, self._seal = seal(database), None
        try:
            with (
                opened(database, read_only=True) as connection,
                self.stop.watch(connection.interrupt),
                self.stop.at_once(),
            ):
                enclose(connection, fence_of_look(self.manifest))
                catalog = look(connection, graph, self.manifest, prune=prune)
                steady = rests_on_database(connection, graph.wants())
        except BusyError as error:
            from provisioner.execute.holder import is_alive, read_holder

            holder = read_holder(self.manifest.database)
            # An apply that died leaves its name behind; then it is someone else who has the database.
            if holder is None or not is_alive(holder):
                raise
            message = f"{self.manifest.database} is in use by an apply: {holder}."
            raise BusyError(message, code=error.code, cure="Wait until it has ended, then run it again.") from error
        if before is not None and steady and is_settled(before, self._notes.began):
            self._seal = before if seal(database) == before else None
        return catalog

    def observe(self, names: Names, *, may_parse: bool = True) -> Observed:
        """The plan as of now. may_parse: as for `graph`."""
        graph = self.graph(may_parse=may_parse)
        seen = self.conclude(graph, self._catalog(graph, prune=names.prune), names, NO_RUN)
        self.sealed = self._seal if seen.nothing_to_do else None
        return seen

    def conclude(self, graph: Graph, catalog: Catalog, names: Names, run: str) -> Observed:
        """From what was read to the plan. Raises UsageError for a name that leads nowhere."""
        with self.stop.at_once():
            request = make_request(names, graph.tables, self.manifest)
            findings = find_drift(graph, catalog, request, run)
            # The journal gives the estimate alone; where nothing drifts it is not read.
            seconds = self._durations() if findings.drift else NOTHING_ON_RECORD
            return Observed(graph, catalog, request, findings, make_plan(graph, catalog, findings, request, seconds))

    def _durations(self) -> Durations:
        from provisioner.execute.history import durations, journal_path, read_journal

        return durations(read_journal(journal_path(self.manifest.database)))

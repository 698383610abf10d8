"""The dbt worker, seen from the parent: one child for all that dbt has to do in an apply."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from provisioner.declare.redact import Secrets, find_secrets
from provisioner.declare.values import DbtProject, Selection
from provisioner.errors import DbtError, InputError, StoppedError
from provisioner.execute.child import Child, Event
from provisioner.execute.dbt_environment import without_developers_own
from provisioner.execute.dbt_extract import EXTRACT_FILE
from provisioner.execute.dbt_parse import is_whole, keep_parse
from provisioner.execute.dbt_progress import DbtProgress, NodeResult
from provisioner.execute.patience import NO_PATIENCE, Patience, never
from provisioner.observe.dbt.profile import write_profile
from provisioner.observe.digest import digest
from provisioner.observe.values import DbtNode, Selected

# In the words of the operating system, as dbt passes them on.
NO_ROOM = os.strerror(errno.ENOSPC)
_TICK_SECONDS = 0.05
_GRACE_SECONDS = 2.0

OnEvent = Callable[[Event], None]
ShouldStop = Callable[[], bool]


def _ignore(event: Event) -> None:
    """For callers who do not listen."""


class DbtWorker:
    """Parses and runs one dbt project against one database, in a child that is started when it is first needed.

    variables: the environment. private: a folder of this worker alone, for as long as it lives. cache_dir: keeps what
    dbt remembers of its last parse; may be deleted at any time.
    """

    def __init__(
        self,
        project: DbtProject,
        database: Path,
        *,
        variables: Mapping[str, str],
        guard_fd: int | None,
        private: Path,
        cache_dir: Path,
    ) -> None:
        self._project, self._database, self._variables = project, database, variables
        self._guard, self._private = guard_fd, private
        self._kept = cache_dir / f"dbt-parse-{digest([str(project.project_dir), str(database)])}.msgpack"
        self._child: Child | None = None
        self._settings: dict[str, Any] = {}

    def start(self) -> None:
        """Begin to import dbt, and return at once. Raises InputError or DbtError when the project is not sound."""
        if self._child is not None and self._child.alive:
            return
        self._child = None
        self._settings = self._make_settings()
        self._child = Child(
            "provisioner.execute.dbt_worker",
            cwd=self._project.project_dir,
            guard_fd=self._guard,
            what="The dbt worker",
            error=DbtError,
            environment=without_developers_own(self._variables),
        )

    def parse_ahead(self) -> None:
        """Begin to parse too, for the run that is to come, and return at once. Raises as `start`."""
        self._send({"do": "parse_ahead"})

    def parse(self, *, should_stop: ShouldStop = never) -> dict[str, Any]:
        """What of dbt's manifest makes the graph.

        Raises DbtError `dbt_parse` with dbt's own message, StoppedError when told to stop.
        """
        return self._read_manifest(self._wait({"do": "parse"}, should_stop))

    def select(self, selections: Iterable[Selection], *, should_stop: ShouldStop = never) -> dict[Selection, Selected]:
        """What dbt selects in the project as it was parsed, which is done now where it was not. Raises as `parse`."""
        asked = tuple(selections)
        said = [{"select": one.select, "exclude": one.exclude, "selector": one.selector} for one in asked]
        done = self._wait({"do": "select", "selections": said}, should_stop)
        self._check(done)
        found = [Selected(tuple(one["nodes"]), one["refused"], tuple(one["known"])) for one in done["selected"]]
        return dict(zip(asked, found, strict=True))

    def _wait(self, request: Event, should_stop: ShouldStop) -> Event:
        for event in self._ask(request):
            if event is not None and event["event"] == "done":
                return event
            if should_stop():
                self._kill()
                raise StoppedError("Stopped while dbt was reading its project.", cure="Run the same command again.")
        raise AssertionError("events end only with the worker's death, which raises")

    def run(
        self,
        command: str,
        nodes: Sequence[DbtNode],
        *,
        full_refresh: bool = False,
        fail_fast: bool = False,
        on_event: OnEvent = _ignore,
        timeout: float | None = None,
        patience: Patience = NO_PATIENCE,
        should_stop: ShouldStop = never,
    ) -> dict[str, NodeResult]:
        """Run the nodes, in dbt's own order, and return how each of them ended; the database is free then.

        timeout: seconds for each node. A node that takes longer, and a stop, end the child's whole group.
        patience: with others who have the database open. Raises DbtError `worker_died` when the child ends before any
        node began.
        """
        progress = DbtProgress(nodes, timeout, fail_fast)
        request = {
            "do": "run", "command": command, "full_refresh": full_refresh, "fail_fast": fail_fast,
            "lock_timeout": patience.timeout,
        }  # fmt: skip
        try:
            for event in self._ask({**request, "nodes": [node.unique_id for node in nodes]}):
                if event is not None and event["event"] == "done":
                    return self._conclude(event, progress, on_event)
                if event is not None:
                    _hear(event, progress, patience, on_event)
                if (cut := progress.cut_short(should_stop())) is not None:
                    self._kill()
                    return cut
        except DbtError as died:
            if died.code != "worker_died" or not progress.running:
                raise
            return progress.died(died.message)
        except BaseException:
            # Left alone, the child would go on writing to a database that its parent no longer waits for.
            self._kill()
            raise
        raise AssertionError("events end only with the worker's death, which raises")

    def _conclude(self, done: Event, progress: DbtProgress, on_event: OnEvent) -> dict[str, NodeResult]:
        if done["held"]:
            self._kill()  # Whatever it is in dbt that did not let go. The next child pays for the start.
        if done["exception"] and progress.complete:
            # All nodes had ended by then: dbt could not even make SQL of an on-run-end hook.
            on_event({"event": "node_finished", "status": "error", "message": done["exception"]})
        return progress.done(done)

    def end(self) -> None:
        """End the child, and keep dbt's own cache for the next one. The object may be used again."""
        self._kill()
        left = self._private / "target" / "partial_parse.msgpack"
        if left.is_file():
            with suppress(OSError):
                if _tells(left, find_secrets(self._variables)):
                    self._kept.unlink(missing_ok=True)
                else:
                    keep_parse(left, self._kept)

    def _ask(self, request: Event) -> Iterator[Event | None]:
        """Raises DbtError `dbt_missing` when dbt cannot be imported."""
        for event in self._send(request).events(_TICK_SECONDS):
            if event is not None and event["event"] == "refused":
                raise DbtError(
                    f"{event['reason']}.",
                    code="dbt_missing",
                    cure="Mend its installation: pip install --force-reinstall dbt-core dbt-duckdb",
                )
            yield event

    def _send(self, request: Event) -> Child:
        self.start()
        assert self._child is not None
        self._child.send({**request, **self._settings})
        return self._child

    def _kill(self) -> None:
        if self._child is not None:
            self._child.end(_GRACE_SECONDS)
        self._child = None

    def _make_settings(self) -> dict[str, Any]:
        try:
            profile = write_profile(self._project, self._database, self._private / "profile", self._variables)
        except OSError as problem:
            raise self._no_room(problem.strerror or str(problem)) from problem
        return {
            "database": str(self._database),
            "project_dir": str(self._project.project_dir),
            "profiles_dir": str(profile.folder),
            "target_path": str(self._private / "target"),
            "log_path": str(self._private / "logs"),
            "partial_parse": str(self._kept) if is_whole(self._kept) else None,
            "vars": json.loads(json.dumps(dict(self._project.vars), default=str)),
            "target": profile.target,
        }

    def _read_manifest(self, done: Event) -> dict[str, Any]:
        self._check(done)
        where = self._project.project_dir
        try:
            manifest: dict[str, Any] = json.loads((Path(self._settings["target_path"]) / EXTRACT_FILE).read_bytes())
        except (OSError, ValueError) as problem:
            message = f"dbt left no manifest of its project {where}: {problem}"
            raise DbtError(message, code="dbt_parse", cure="Make room on the disk, then run it again.") from problem
        return manifest

    def _no_room(self, why: str) -> InputError:
        return InputError(
            f"dbt's profile and its parse cannot be written to {self._private}: {why}.",
            code="disk_full",
            cure=f"Make room there (`df -h {self._private.parent}`), or point TMPDIR elsewhere; then run it again.",
        )

    def _check(self, done: Event) -> None:
        if not done["success"] and NO_ROOM in str(done["exception"]):
            raise self._no_room(NO_ROOM)
        if not done["success"]:
            cure = "Mend the dbt project; `provision check` tells whether dbt can read it."
            where = self._project.project_dir
            raise DbtError(f"dbt cannot read its project {where}: {done['exception']}", cure=cure, code="dbt_parse")


def _hear(event: Event, progress: DbtProgress, patience: Patience, on_event: OnEvent) -> None:
    if event["event"] == "waiting":
        patience.on_wait(event["words"])
    else:
        progress.hear(event)
        on_event(event)


def _tells(file: Path, secrets: Secrets) -> bool:
    """Whether a secret stands in the file: dbt keeps the values of env vars in it."""
    data = file.read_bytes() if secrets else b""
    return any(secret.encode(errors="surrogateescape") in data for secret in secrets)

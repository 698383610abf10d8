"""The dbt worker, a child process: it imports dbt once, parses once, and runs what it is asked to.

    {"do": "parse_ahead", …settings}   before the first run is asked for    -> nothing
    {"do": "parse", …settings}         leaves an extract in target_path      -> done
    {"do": "select", "selections", …settings}                               -> done, with what each of them selects
    {"do": "run", "command", "nodes", "full_refresh", "lock_timeout", …settings}
                                                             -> waiting, node_started, node_finished …, done

settings: project_dir, profiles_dir, target_path, log_path, target, vars, and partial_parse, which may be null. After
every invocation the database is released, so that the parent may open it; `done` tells whether anything still has it.
Where dbt cannot be imported, whatever is asked for with an answer is `refused`.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from provisioner.execute.dbt_choose import choose
from provisioner.execute.dbt_connect import PatientConnect, connect_patiently
from provisioner.execute.dbt_environment import close_to_environment, leave_no_semaphores
from provisioner.execute.dbt_extract import write_extract
from provisioner.execute.dbt_nodes import Nodes
from provisioner.execute.dbt_select import resolve
from provisioner.execute.inside import Inside, Request, enter, leave
from provisioner.execute.patience import Patience
from provisioner.observe.header import is_held_here

_NO_NETWORK_NO_COLOURS = (
    "--no-send-anonymous-usage-stats", "--no-use-colors", "--no-use-colors-file", "--quiet", "--log-level-file", "none",
)  # fmt: skip
_OPTIONS = {
    "project_dir": "--project-dir",
    "profiles_dir": "--profiles-dir",
    "target_path": "--target-path",
    "log_path": "--log-path",
    "partial_parse": "--partial-parse-file-path",
    "target": "--target",
}


class Worker:
    """dbt, with the manifest of one project kept in memory."""

    def __init__(self, parent: Inside, runner: Callable[..., Any], connect: PatientConnect) -> None:
        self._parent, self._runner, self._connect = parent, runner, connect
        self._manifest: Any = None  # dbt's own Manifest object, kept from one request to the next

    def serve(self, request: Request) -> None:
        """Do what is asked and tell how it ended; the last event is always `done`. Nothing is told of `parse_ahead`."""
        exception = self._parse(request) if self._manifest is None or request["do"] == "parse" else None
        if request["do"] == "parse_ahead":
            return
        if exception is None and request["do"] == "run":
            exception = self._run(request)
        held = request["do"] == "run" and _is_open(request["database"])
        done = {"event": "done", "success": exception is None, "exception": exception, "held": held}
        if exception is None and request["do"] == "select":
            done["selected"] = self._select(request)
        self._parent.tell(done)

    def _parse(self, request: Request) -> str | None:
        with _undisturbed():
            outcome = self._runner().invoke(["parse", *_arguments(request)], vars=request["vars"], write_json=False)
        self._manifest = outcome.result if outcome.success else None
        if self._manifest is not None and request["do"] == "parse":
            # On a full disk the parent finds nothing, and says so.
            with suppress(OSError):
                write_extract(self._manifest, Path(request["target_path"]))
        return None if outcome.success else _text(outcome.exception)

    def _select(self, request: Request) -> list[dict[str, Any]]:
        def list_nodes(words: Sequence[str]) -> Any:
            arguments = ["ls", *_arguments(request), "--log-level", "none", *words]
            return self._runner(manifest=self._manifest).invoke(arguments, vars=request["vars"], write_json=False)

        try:
            return resolve(self._manifest, request["selections"], request["project_dir"], list_nodes)
        finally:
            _release()

    def _run(self, request: Request) -> str | None:
        try:
            return self._invoke(request)
        except OSError as problem:
            return f"dbt cannot be told what to run: {problem}"
        finally:
            _release()

    def _invoke(self, request: Request) -> str | None:
        """Nothing of dbt's outcome outlives it: the traceback in there may be all that keeps the database open."""
        nodes = Nodes(self._manifest, self._parent.tell)
        settings = {"vars": request["vars"], "fail_fast": request["fail_fast"], "write_json": False}
        if request["command"] != "snapshot":
            settings["full_refresh"] = request["full_refresh"]
        _forget_compiled(self._manifest)
        self._connect.patience = Patience(request["lock_timeout"], self._tell_wait)
        chosen = choose(request["nodes"], Path(request["target_path"], "chosen"))
        arguments = [request["command"], *_arguments(request), *chosen]
        outcome = self._runner(manifest=self._manifest, callbacks=[nodes.hear]).invoke(arguments, **settings)
        for result in getattr(outcome.result, "results", None) or ():
            nodes.finish(result.node.unique_id, str(result.status), result.execution_time, result.message)
        return None if outcome.exception is None else _text(outcome.exception)

    def _tell_wait(self, words: str) -> None:
        self._parent.tell({"event": "waiting", "words": words})


def _is_open(database: str) -> bool:
    """Whether something in this process still has the file."""
    try:
        return is_held_here(os.stat(database))
    except OSError:
        return False


def _arguments(request: Request) -> list[str]:
    arguments = [*_NO_NETWORK_NO_COLOURS]
    for name, option in _OPTIONS.items():
        if request[name] is not None:
            arguments += [option, request[name]]
    return arguments


def _text(exception: BaseException | None) -> str:
    if exception is None:
        return "dbt failed and gave no reason."
    return str(exception).strip() or type(exception).__name__


def _forget_compiled(manifest: Any) -> None:
    """Make a kept manifest as good as new: dbt inlines ephemeral parents only at a node's first compilation."""
    for node in manifest.nodes.values():
        if getattr(node, "compiled", False):
            node.compiled, node.compiled_code, node._pre_injected_sql = False, None, None
            node.extra_ctes, node.extra_ctes_injected = [], False


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without garbage collection, and what is there in the end is never looked through for garbage again.

    What dbt makes while it is imported and while it parses stays; to look through it took a fifth of a second a time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _release() -> None:
    """Let go of the database. dbt keeps it open, and the traceback of a failed node may keep a cursor alive."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    gc.collect()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM, once: dbt then cancels its queries and rolls back, as it does for a person's Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Serve the parent until it closes the pipe. dbt is imported before the first request, beside earlier units."""
    parent = enter()
    try:
        with _undisturbed():
            leave_no_semaphores()
            from dbt.cli.main import cli, dbtRunner

            close_to_environment(cli)
    except ImportError as problem:
        _refuse(parent, f"dbt cannot be imported: {problem}")
        return
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, _interrupt)
        _serve(parent, Worker(parent, dbtRunner, connect_patiently()))
    leave()


def _serve(parent: Inside, worker: Worker) -> None:
    for request in parent.requests():
        worker.serve(request)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
            return


def _refuse(parent: Inside, reason: str) -> None:
    for request in parent.requests():
        if request["do"] != "parse_ahead":
            parent.tell({"event": "refused", "reason": reason})


if __name__ == "__main__":
    main()

"""The dbt worker, a child process: it imports dbt once, parses once, and runs what it is asked to.

    {"do": "parse", …settings}                                              -> done
    {"do": "run", "command", "selectors", "full_refresh", …settings}        -> node_started, node_finished …, done

settings: project_dir, profiles_dir, target_path, log_path, vars, and partial_parse and target, which may be null. After
every invocation the database is released, so that the parent may open it.
"""

from __future__ import annotations

import gc
import re
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from provisioner.execute.inside import Inside, Request, enter

_SUCCESS = ("success", "pass", "warn", "no-op")
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

    def __init__(self, parent: Inside, runner: Callable[..., Any]) -> None:
        self._parent, self._runner = parent, runner
        self._manifest: Any = None  # dbt's own Manifest object, kept from one request to the next

    def serve(self, request: Request) -> None:
        """Do what is asked and tell how it ended; the last event is always `done`."""
        exception = self._parse(request) if self._manifest is None or request["do"] == "parse" else None
        if exception is None and request["do"] == "run":
            exception = self._run(request)
        self._parent.tell({"event": "done", "success": exception is None, "exception": exception})

    def _parse(self, request: Request) -> str | None:
        outcome = self._runner().invoke(["parse", *_arguments(request)], vars=request["vars"], write_json=True)
        self._manifest = outcome.result if outcome.success else None
        return None if outcome.success else _text(outcome.exception)

    def _run(self, request: Request) -> str | None:
        nodes = _Nodes(self._manifest, self._parent.tell)
        arguments = [request["command"], *_arguments(request), "--select", *request["selectors"]]
        # Stated, or DBT_FULL_REFRESH and its like in the environment would decide.
        settings = {"vars": request["vars"], "fail_fast": request["fail_fast"], "write_json": False}
        if request["command"] != "snapshot":
            settings["full_refresh"] = request["full_refresh"]
        _forget_compiled(self._manifest)
        try:
            outcome = self._runner(manifest=self._manifest, callbacks=[nodes.hear]).invoke(arguments, **settings)
            for result in getattr(outcome.result, "results", None) or ():
                nodes.finish(result.node.unique_id, str(result.status), result.execution_time, result.message)
            return None if outcome.exception is None else _text(outcome.exception)
        finally:
            _release()


class _Nodes:
    """dbt's events, told to the parent as ours, each node's end once."""

    def __init__(self, manifest: Any, tell: Callable[[Mapping[str, Any]], None]) -> None:
        self._manifest, self._tell = manifest, tell
        self._finished: set[str] = set()

    def hear(self, event: Any) -> None:
        # dbt marks a built node as failed when a callback raises. What is missed here is told at the end.
        try:
            self._translate(event.info.name, event.data)
        except Exception:
            return

    def _translate(self, name: str, data: Any) -> None:
        if name == "LogStartLine":
            node = data.node_info.unique_id
            self._tell({"event": "node_started", "node": node, "index": data.index, "total": data.total})
        elif name == "NodeFinished":
            result = data.run_result
            self.finish(data.node_info.unique_id, result.status, result.execution_time, result.message)

    def finish(self, unique_id: str, status: str, seconds: float, message: str | None) -> None:
        if unique_id in self._finished:
            return
        self._finished.add(unique_id)
        node = self._manifest.nodes.get(unique_id)
        known = "success" if status in _SUCCESS else "skipped" if status == "skipped" else "error"
        self._tell(
            {
                "event": "node_finished",
                "node": unique_id,
                "status": known,
                "seconds": seconds,
                "message": message or "",
                "path": getattr(node, "original_file_path", ""),
                "line": source_line(message or "", getattr(node, "raw_code", "")) if known == "error" else None,
            }
        )


def source_line(message: str, code: str) -> int | None:
    """The line of the node's file that dbt's message is about, None when that is not certain.

    Jinja counts lines of the file. DuckDB counts those of the compiled SQL, but quotes the line: that is looked for.
    """
    if found := re.search(r"^\s*line (\d+)$", message, re.MULTILINE):
        return int(found[1])
    if found := re.search(r"^\s*LINE \d+: (?:\.\.\.)?(.+?)(?:\.\.\.)?$", message, re.MULTILINE):
        lines = [number for number, line in enumerate(code.splitlines(), 1) if found[1].strip() in line]
        return lines[0] if len(lines) == 1 else None
    return None


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
        from dbt.cli.main import dbtRunner
    except ImportError as problem:
        _refuse(parent, f"dbt cannot be imported: {problem}")
        return
    signal.signal(signal.SIGTERM, _interrupt)
    worker = Worker(parent, dbtRunner)
    for request in parent.requests():
        worker.serve(request)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
            return


def _refuse(parent: Inside, reason: str) -> None:
    for _ in parent.requests():
        parent.tell({"event": "done", "success": False, "exception": reason})


if __name__ == "__main__":
    main()

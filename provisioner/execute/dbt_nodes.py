"""Inside the dbt worker: what dbt tells of its nodes, told to the parent in our words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_SUCCESS = ("success", "pass", "warn", "no-op")


class Nodes:
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

"""What is known of each node while dbt runs, and how each of them ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from provisioner.execute.child import Event
from provisioner.observe.values import DbtNode

_TOLD = ("status", "seconds", "message", "path", "line")


@dataclass(frozen=True, slots=True)
class NodeResult:
    """How a node ended.

    status: success, error, died, skipped (dbt: something it reads failed), timeout, stopped, or not_run (the worker
    ended first, or while it ran beside the one that is to blame). seconds: wall time. message: dbt's own words.
    path, line: of the node's file, line None when it is not certain.
    """

    status: str
    seconds: float = 0.0
    message: str = ""
    path: str = ""
    line: int | None = None


class DbtProgress:
    """What is known of each node of one invocation."""

    def __init__(self, nodes: Sequence[DbtNode], timeout: float | None, fail_fast: bool) -> None:
        self._left_out = "skipped" if fail_fast else "error"
        self._nodes, self._timeout = {node.unique_id: node for node in nodes}, timeout
        self._results: dict[str, NodeResult] = {}
        self._since: dict[str, float] = {}

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(self._since)

    @property
    def complete(self) -> bool:
        """Whether it is known of each node how it ended."""
        return self._results.keys() == self._nodes.keys()

    def hear(self, event: Event) -> None:
        node = event.get("node")
        if node not in self._nodes:
            return
        if event["event"] == "node_started":
            self._since[node] = time.monotonic()
        elif event["event"] == "node_finished":
            self._since.pop(node, None)
            self._results[node] = NodeResult(*(event[name] for name in _TOLD))

    def cut_short(self, stop: bool) -> dict[str, NodeResult] | None:
        """The results when the invocation must end now: told to stop, or a node takes too long. None to go on."""
        if stop:
            return self._complete("stopped", "Stopped.")
        late = min(self._since, key=self._since.__getitem__, default=None)
        if late is None or self._timeout is None or time.monotonic() - self._since[late] <= self._timeout:
            return None
        self._results[late] = NodeResult("timeout", self._timeout, path=self._nodes[late].path)
        return self._complete("not_run")

    def done(self, event: Event) -> dict[str, NodeResult]:
        return self._complete(
            self._left_out, event["exception"] or "dbt left this node out, though it was asked to run it."
        )

    def died(self, message: str) -> dict[str, NodeResult]:
        """Which of the running nodes is to blame nobody knows: all of them failed, the others did not run."""
        for node in self._since:
            self._results[node] = NodeResult("died", message=message, path=self._nodes[node].path)
        return self._complete("not_run")

    def _complete(self, rest: str, message: str = "") -> dict[str, NodeResult]:
        """The results, with `rest` for every node that has none."""
        missing = {name: NodeResult(rest, message=message, path=node.path) for name, node in self._nodes.items()}
        return {**missing, **self._results}

"""Events -> structured log: one JSON object a line, for machines that watch."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from loguru import logger

from provisioner.execute.events import Event, Listener, Noted, Outcome, RunFinished, UnitFinished
from provisioner.report.out import Out

if TYPE_CHECKING:
    from loguru import Record

NAMES = {
    "RunStarted": "run_started",
    "UnitStarted": "unit_started",
    "NodeFinished": "node_finished",
    "UnitFinished": "unit_finished",
    "RunFinished": "run_finished",
    "Noted": "noted",
}


def json_listener(out: Out) -> Listener:
    """Writes every event to `out` through loguru, with time and level."""
    logger.remove()
    logger.add(lambda message: _write(out, message.record), level="DEBUG", format="{message}")

    def tell(event: Event) -> None:
        logger.bind(**asdict(event)).log(_level(event), NAMES[type(event).__name__])

    return tell


def _level(event: Event) -> str:
    if isinstance(event, UnitFinished | RunFinished) and event.outcome is Outcome.FAILED:
        return "ERROR"
    return "WARNING" if isinstance(event, Noted) and event.warning else "INFO"


def _write(out: Out, record: Record) -> None:
    line = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "event": record["message"],
        **record["extra"],
    }
    out.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    out.flush()

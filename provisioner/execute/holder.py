"""Who holds a database's lock: written for people to read, never trusted for locking."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from provisioner.execute.beside import beside

_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class Holder:
    """pid: 0 when nobody left a name. since: UTC, ISO 8601. orphaned: the run has ended, but a child of it lives."""

    pid: int = 0
    host: str = ""
    since: str = ""
    command: str = ""
    run: str = ""
    orphaned: bool = False

    @property
    def known(self) -> bool:
        return self.pid > 0

    def __str__(self) -> str:
        """The holder in words, as of now: "process 4711 on saturn, since 2026-11-23T13:16:46Z (12 s ago), ..."."""
        if not self.known:
            return "a process that left no name"
        age = _seconds_since(self.since)
        ago = "" if age is None else f" ({age:.0f} s ago)"
        return f"process {self.pid} on {self.host}, since {self.since}{ago}, running `{self.command}` (run {self.run})"


def this_process(command: str, run: str) -> Holder:
    """This process as a holder from now on."""
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Holder(os.getpid(), socket.gethostname(), since, command, run)


def read_holder(database: Path) -> Holder | None:
    """Who says to hold the lock; None when nobody does or the record is damaged. It may be stale: the lock decides."""
    try:
        with open(beside(database, ".holder"), "rb") as file:
            fields = json.loads(file.read(_LONGEST))
        pid, texts = fields["pid"], [fields[key] for key in ("host", "since", "command", "run")]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    if type(pid) is not int or pid <= 0 or not all(isinstance(text, str) for text in texts):
        return None
    host, since, command, run = map(printable, texts)
    return Holder(pid, host, since, command, run)


def is_alive(holder: Holder) -> bool:
    """Whether the holder is a process that lives on this host; of another host nobody can tell."""
    if holder.host != socket.gethostname():
        return False
    try:
        os.kill(holder.pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def write_holder(database: Path, holder: Holder) -> None:
    """Leave the name. Only whoever holds the lock may. A disk that is full costs the name, not the run."""
    path, fresh = beside(database, ".holder"), beside(database, ".holder.tmp")
    fields = asdict(holder)
    del fields["orphaned"]
    with contextlib.suppress(OSError):
        fresh.write_text(json.dumps(fields), encoding="utf-8")
        os.replace(fresh, path)
        return
    erase_holder(database)


def erase_holder(database: Path) -> None:
    """Take the name away; only whoever holds the lock may."""
    for ending in (".holder", ".holder.tmp"):
        with contextlib.suppress(OSError):
            beside(database, ending).unlink()


def _seconds_since(moment: str) -> float | None:
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
    except (ValueError, TypeError):
        return None


def printable(text: str) -> str:
    """The text without what could move a terminal's cursor or break its encoding."""
    return "".join(char if char.isprintable() else "?" for char in text)

"""Who holds a database's lock: for people to read, and to notice that the lock's files were deleted under a run."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from provisioner.execute.beside import beside
from provisioner.execute.chain import open_regular

_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class Holder:
    """pid: 0 when nobody left a name. since: UTC, ISO 8601. orphaned: the run has ended, but a child of it lives.

    born: when the process began, in the system's own count; empty where the system does not tell.
    """

    pid: int = 0
    host: str = ""
    since: str = ""
    command: str = ""
    run: str = ""
    born: str = ""
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
    return Holder(os.getpid(), socket.gethostname(), since, command, run, _born(os.getpid()))


def read_holder(database: Path) -> Holder | None:
    """Who says to hold the lock; None when nobody does or the record is damaged. It may be stale: the lock decides."""
    try:
        with open(open_regular(beside(database, ".holder"), os.O_RDONLY), "rb") as file:
            fields = json.loads(file.read(_LONGEST))
        pid, texts = fields["pid"], [fields[key] for key in ("host", "since", "command", "run")]
        texts.append(fields.get("born", ""))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    if type(pid) is not int or pid <= 0 or not all(isinstance(text, str) for text in texts):
        return None
    host, since, command, run, born = map(printable, texts)
    return Holder(pid, host, since, command, run, born)


def is_alive(holder: Holder) -> bool:
    """Whether the holder lives on this host, as far as the system tells; of another host nobody can tell."""
    same = _is_itself(holder)
    return _is_there(holder.pid) if same is None else same


def is_at_work(holder: Holder) -> bool:
    """Whether the holder lives on this host for certain, and is not this very process."""
    return holder.pid != os.getpid() and _is_itself(holder) is True


def _is_itself(holder: Holder) -> bool | None:
    """Whether the process is the holder, and none that got its number later. None where the system does not tell."""
    if holder.host != socket.gethostname():
        return False
    born = _born(holder.pid)
    return born == holder.born if born and holder.born else None


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _born(pid: int) -> str:
    try:
        # Behind the name, which may hold anything, the twentieth field.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, LookupError):
        return ""


def write_holder(database: Path, holder: Holder) -> None:
    """Leave the name. Only whoever holds the lock may. A disk that is full costs the name, not the run."""
    path, fresh = beside(database, ".holder"), beside(database, ".holder.tmp")
    fields = asdict(holder)
    del fields["orphaned"]
    with contextlib.suppress(OSError):
        # A new file: through a link that somebody has put there, another one would be written over.
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "w") as file:
            json.dump(fields, file)
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

"""`provision apply` under strace, killed or failed at the Nth call of one kind on the files beside the database.

Two places are watched apart. `apply`: the process that a user starts; its children are left alone. `worker`: the first
child that runs dbt or a python step; its parent lives on, and must end with a clean error.

strace counts the calls of each thread by itself, so DuckDB is told to do all of its work in the thread that asks: then
a number means the same call in every run. A signal that strace injects arrives before the call is carried out; not so
with its --seccomp-bpf, under which strace 6.1 forgets the signal.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import duckdb
import neighbours  # noqa: F401  so that the next line finds its module
import warm_workers
from forked import Command, Ended, Forked
from worlds import database_of

Place = Literal["apply", "worker"]

STRACE = shutil.which("strace")
PLACES: tuple[Place, ...] = ("apply", "worker")
BESIDE = (
    "", ".wal", ".wal.checkpoint", ".wal.recovery", ".creating", ".creating.wal", ".tmp",
    ".journal", ".lock", ".guard", ".holder", ".holder.tmp",
)  # fmt: skip
"""The endings of the files that are watched."""

# A python child that finds this on its path lets DuckDB use one thread, as `one_thread` does here.
SITE = """
import duckdb
connect = duckdb.connect
def one_thread(*words, **settings):
    connection = connect(*words, **settings)
    connection.execute("SET threads = 1")
    return connection
duckdb.connect = one_thread
"""
# The first child is traced, in the place where it would have been: its parent sees the same process id and ending.
# One that is forked (`warm_workers.py`) waits for its tracer instead, which then need not watch dbt being imported.
START = """#!/bin/sh
mkdir {once} 2>/dev/null || exec {python} "$@"
echo $$ > {pid}
exec {strace} -DDD {python} "$@"
"""
ONCE, FORKED = "once", "forked"
_CALL = re.compile(r"^(\d+) +(\w+)\(")


@dataclass(frozen=True, slots=True)
class Point:
    """The call at which to strike: the `number`th `call` of a thread in this place, counted from 1."""

    place: Place
    call: str
    number: int

    def __str__(self) -> str:
        return f"{self.place} {self.call} {self.number}"


@dataclass(frozen=True, slots=True)
class Traced:
    """A run under strace. calls: how many of each kind, of the thread that made most. struck: whether the point came.

    lines: what strace wrote down.
    """

    ended: Ended
    calls: Mapping[str, int]
    struck: bool
    lines: tuple[str, ...]

    @property
    def at(self) -> tuple[str, ...]:
        """The call that was struck, with its file, and all that came after it; none when it did not come."""
        first = next((number for number, line in enumerate(self.lines) if _is_struck(line)), len(self.lines))
        return self.lines[first:]


def one_thread() -> None:
    """Let DuckDB do its work in the thread that asks; told as a setting, since a config must be the same for all."""
    connect = duckdb.connect

    def patched(*words: Any, **settings: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(*words, **settings)
        connection.execute("SET threads = 1")
        return connection

    duckdb.connect = patched


def run(command: Command, place: Place, folder: Path, *inject: str) -> Traced:
    """The command under strace in this place.

    folder: for what this needs and leaves; emptied. inject: strace's expressions for `-e`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "sitecustomize.py").write_text(SITE, encoding="utf-8")
    log = folder / "calls"
    strace = [STRACE or "strace", "-f", "-q", "-y", "-e", "trace=%file,%desc", "-o", str(log)]
    strace += [*_paths(database_of(command.manifest)), *_injected(inject)]

    def prepare() -> None:
        os.environ["PYTHONPATH"] = str(folder / "site")
        one_thread()
        if place == "worker":
            sys.executable = _worker_start(folder, strace)
            warm_workers.FIRST_ACTS.append(lambda: _await_tracer(folder))

    process = Forked(replace(command, prepare=prepare), folder / "said")
    tracer = _attach([*strace, "-b", "execve"], process.pid) if place == "apply" else None
    process.go()
    if place == "worker":
        tracer = _attach_to_forked(strace, process, folder / FORKED)
    ended = process.wait()
    if tracer:
        tracer.wait(60)
    lines = _read(log, folder / "pid")
    return Traced(ended, _count(lines), _struck(lines, bool(inject)), lines)


def kill_at(point: Point) -> str:
    """What to tell strace."""
    return f"inject={point.call}:signal=KILL:when={point.number}"


def _paths(database: Path) -> list[str]:
    return [word for ending in BESIDE for word in ("-P", f"{database}{ending}")]


def _injected(expressions: tuple[str, ...]) -> list[str]:
    return [word for expression in expressions for word in ("-e", expression)]


def _await_tracer(folder: Path) -> None:
    """In a worker: nothing, when it is not the first one."""
    with suppress(FileExistsError):
        (folder / ONCE).mkdir()
        (folder / f"{FORKED}.new").write_text(str(os.getpid()))
        (folder / f"{FORKED}.new").rename(folder / FORKED)
        while not _is_traced(os.getpid()):
            time.sleep(0.001)


def _attach_to_forked(strace: list[str], process: Forked, told: Path) -> subprocess.Popen[bytes] | None:
    """strace, attached to the first worker of the process; None when that was no forked one. told: its process id."""
    while not told.exists():
        if (told.parent / "pid").exists() or not process.alive:
            return None
        time.sleep(0.001)
    return _attach(strace, int(told.read_text()))


def _attach(strace: list[str], pid: int) -> subprocess.Popen[bytes]:
    """strace, attached to a child that waits."""
    tracer = subprocess.Popen([*strace, "-p", str(pid)], stderr=subprocess.DEVNULL)
    while not _is_traced(pid):
        if tracer.poll() is not None:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"strace did not attach; it ended with {tracer.returncode}")
        time.sleep(0.001)
    return tracer


def _is_traced(pid: int) -> bool:
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


def _worker_start(folder: Path, strace: list[str]) -> str:
    """What takes the place of Python where a child is started."""
    start = folder / "python"
    named = {"once": folder / ONCE, "pid": folder / "pid", "python": sys.executable}
    quoted = {name: shlex.quote(str(path)) for name, path in named.items()}
    start.write_text(START.format(**quoted, strace=shlex.join(strace)), encoding="utf-8")
    start.chmod(0o700)
    return str(start)


def _read(log: Path, pid: Path) -> tuple[str, ...]:
    """strace's lines. A worker's tracer is not ours to wait for: its last line tells how the worker ended."""
    end, last = time.monotonic() + 5, f"{pid.read_text().strip()} +++ " if pid.exists() else ""
    while True:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        if not last or last in text.replace("  ", " ") or time.monotonic() > end:
            return tuple(text.splitlines())
        time.sleep(0.005)


def _count(lines: tuple[str, ...]) -> dict[str, int]:
    """Of each call, how often the thread made it that made it most often."""
    made = Counter(match.groups() for line in lines if (match := _CALL.match(line)))
    most: dict[str, int] = {}
    for (_, call), number in made.items():
        most[call] = max(most.get(call, 0), number)
    return most


def _struck(lines: tuple[str, ...], wanted: bool) -> bool:
    """Whether what was asked for has happened: a call that never returned since its process was killed, or a fault."""
    return wanted and any(map(_is_struck, lines))


def _is_struck(line: str) -> bool:
    return "(INJECTED)" in line or line.endswith("= ?")

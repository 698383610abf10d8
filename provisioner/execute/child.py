"""A child process of ours, seen from its parent.

    alive --end()--> ended
    alive --its own death--> ended; the next `receive` or `send` raises, with its last words

It leads a process group of its own, so that it ends together with all it started, and dies with its parent. Requests
go to its stdin, so that no secret is ever in an argument; events come over a pipe of their own, since dbt and user code
print.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from provisioner.declare.shorten import shorten_start
from provisioner.errors import ProvisionError

Event = dict[str, Any]

# Of its output. A character has four bytes at most: where bytes were dropped, the first ones left are dropped too.
_TAIL_BYTES = 16_384
_TAIL_LENGTH = _TAIL_BYTES // 4 - 1
_TAIL_LINES = 12
_CHUNK = 65_536
_POLL_SECONDS = 0.05
_LAST_MOMENT_SECONDS = 1.0
_FORK_SECONDS = 5.0

# The child imports the same provisioner as its parent, installed or not. Nothing else is added to its path, not even
# the folder it works in (-P): a file json.py in a dbt project must not become the library's json.
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import provisioner; del sys.path[0]; import runpy;"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
_ROOT = str(Path(__file__).resolve().parents[2])


class Child:
    """One child process that runs `module` (a full module name) in the folder `cwd`.

    guard_fd: a descriptor that it inherits, so that a lock on it is held until the child and all it started are gone.
    what: its name in messages. error: what is raised, with code `worker_died`, when it ends unasked.
    environment: its own, None for ours.
    The thread that makes it must outlive it: Linux sends the parent-death signal when that thread ends.
    """

    def __init__(
        self,
        module: str,
        *,
        cwd: Path,
        guard_fd: int | None,
        what: str,
        error: type[ProvisionError],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._what, self._error, self._module = what, error, module
        self._unread, self._tail = b"", b""
        self._events, events_end = os.pipe()
        self._output, output_end = os.pipe()
        command = [sys.executable, "-P", "-c", _BOOT, _ROOT, module, str(events_end), str(os.getpid())]
        inherited = (events_end,) if guard_fd is None else (events_end, guard_fd)
        try:
            self._process = subprocess.Popen(
                command, cwd=cwd, stdin=subprocess.PIPE, stdout=output_end, stderr=output_end,
                start_new_session=True, pass_fds=inherited, env=environment,
            )  # fmt: skip
        except OSError as problem:
            os.close(self._events)
            os.close(self._output)
            cure = "Look at the limits of this process: `ulimit -n`, `ulimit -u`, `ulimit -v`."
            raise error(f"{what} cannot be started: {problem}.", code="worker_died", cure=cure) from problem
        finally:
            os.close(events_end)
            os.close(output_end)
        self._open = {self._events, self._output}

    @property
    def alive(self) -> bool:
        return bool(self._open) and self._process.poll() is None

    def send(self, request: Mapping[str, Any]) -> None:
        """Hand it a request. Raises when it is dead."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._died() from None

    def receive(self, seconds: float) -> Event | None:
        """Its next event, or None when there is none within `seconds`. Raises when it is dead and has told all."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if self._drain(min(max(left, 0), _POLL_SECONDS)):
                continue
            if self._events not in self._open or self._process.poll() is not None:
                raise self._died()
            if left <= 0:
                return None
        line, _, self._unread = self._unread.partition(b"\n")
        event: Event = json.loads(line)
        return event

    def events(self, tick: float) -> Iterator[Event | None]:
        """Its events as they come, and None after every `tick` seconds of silence. Ends only with its death."""
        while True:
            yield self.receive(tick)

    def end(self, grace_seconds: float = 0.0) -> None:
        """End it and all it started: SIGTERM, then after the grace SIGKILL. Returns when it is gone."""
        if not self._open:
            return
        if grace_seconds > 0:
            self._signal(signal.SIGTERM)
            deadline = time.monotonic() + grace_seconds
            while self._process.poll() is None and time.monotonic() < deadline:
                self._drain(_POLL_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._end_forks()
        self._close()

    def _end_forks(self) -> None:
        """A fork of the child that has left its group may have the database, and has the pipe that no program inherits.

        As far as Linux tells; elsewhere it lives on, and keeps the guard.
        """
        end = time.monotonic() + _FORK_SECONDS
        while self._events in self._open and time.monotonic() < end:
            if _is_readable(self._events, _POLL_SECONDS):
                self._read(self._events)
                continue
            forks = _forks_with(os.fstat(self._events).st_ino, self._module)
            for pid in forks:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if not forks:
                return

    def _drain(self, seconds: float) -> bool:
        """Read what comes within `seconds`. Both pipes are read, so that the child never blocks on a full one."""
        if not self._open:
            return False
        # poll, not select: an application may hold more than 1,024 descriptors.
        poll = select.poll()
        for descriptor in self._open:
            poll.register(descriptor, select.POLLIN)
        ready = poll.poll(seconds * 1000)
        for descriptor, _ in ready:
            self._read(descriptor)
        return bool(ready)

    def _read(self, descriptor: int) -> None:
        data = os.read(descriptor, _CHUNK)
        if not data:
            self._open.discard(descriptor)
            os.close(descriptor)
        elif descriptor == self._events:
            self._unread += data
        else:
            self._tail = (self._tail + data)[-_TAIL_BYTES:]

    def _died(self) -> ProvisionError:
        # It may have closed its pipe and live on: what ends it then is no sign of anything.
        by_itself = self._ended_by_itself()
        self._signal(signal.SIGKILL)
        ending = _ending(self._process.wait()) if by_itself else "it closed what it is to tell its end by"
        while self._drain(0):
            pass
        self._end_forks()
        self._close()
        tail = shorten_start(self._tail.decode(errors="replace"), _TAIL_LENGTH)
        words = "\n".join(tail.strip().splitlines()[-_TAIL_LINES:])
        message = f"{self._what} ended before it was done: {ending}." + (f" Its last words:\n{words}" if words else "")
        cure = "Run the command again: what was finished is kept, and the rest is done."
        if not by_itself or self._process.returncode >= 0:
            cure = "Find out what ends it there: a call of os._exit, or of what closes all descriptors. " + cure
        return self._error(message, cure=cure, code="worker_died")

    def _ended_by_itself(self) -> bool:
        """Its pipe falls a moment before it does."""
        try:
            self._process.wait(_LAST_MOMENT_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        # PermissionError: macOS says so of a group whose members are all dead but not yet waited for.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)
        self._open = set()
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()


def _is_readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()  # not select: an application may hold more than 1,024 descriptors
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _forks_with(pipe: int, module: str) -> list[int]:
    """The processes that have the pipe of this inode open and began as a child that runs the module."""
    found = list[int]()
    for name in filter(str.isdecimal, os.listdir("/proc") if os.path.isdir("/proc/self/fd") else ()):
        with suppress(OSError):  # it may be gone, or somebody else's
            if module.encode() not in Path("/proc", name, "cmdline").read_bytes():
                continue
            links = (os.readlink(f"/proc/{name}/fd/{number}") for number in os.listdir(f"/proc/{name}/fd"))
            if f"pipe:[{pipe}]" in links:
                found.append(int(name))
    return found


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"killed by {name}" + (", which is also what happens when memory runs out" if name == "SIGKILL" else "")

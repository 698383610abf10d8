"""`provision` in a forked child of this warm process: a real process that can be killed, and costs no start of Python.

Nothing here may run while this process has a database open: threads do not survive a fork.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401  warm before the fork, as is all that an apply needs

import provisioner.execute.run
import provisioner.face
import provisioner.report.progress
import provisioner.report.run_text  # noqa: F401
from provisioner import cli

PATIENCE = 120.0
"""Seconds after which a process that should have ended counts as hung."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. code: its exit code, or minus the signal that killed it. said: on stdout and stderr."""

    code: int
    said: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def clean(self) -> bool:
        """Whether it ended by itself and said nothing that no user should ever see."""
        return self.code in (0, 1, 3) and "Traceback" not in self.said and "something it does not know" not in self.said

    def __str__(self) -> str:
        """For a failure's one line: the end of what it said."""
        return f"exit {self.code}: {' | '.join(self.said.strip().splitlines())[-600:]}"


class Forked:
    """A child that is there and waits for `go`, so that someone may attach to it; it leads a process group of its own.

    work: what it does then; its return value is the exit code. output: the file for stdout and stderr.
    """

    def __init__(self, work: Callable[[], int], output: Path) -> None:
        self._output = output
        self._ended: Ended | None = None
        waiting, self._gate = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._gate)
            _live_on(work, waiting, output)
        os.close(waiting)

    def go(self) -> Forked:
        os.close(self._gate)
        return self

    def kill(self, *, group: bool = False) -> None:
        if group:
            os.killpg(self.pid, signal.SIGKILL)
        else:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = PATIENCE) -> Ended:
        """How it ended; one that hangs is killed, and AssertionError raised."""
        end = time.monotonic() + seconds
        while (ended := self.poll()) is None:
            if time.monotonic() > end:
                self.kill(group=True)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"hung: {self._said()}")
            time.sleep(0.002)
        return ended

    @property
    def alive(self) -> bool:
        return self.poll() is None

    def poll(self) -> Ended | None:
        """How it ended, None while it lives."""
        if self._ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._ended = Ended(os.waitstatus_to_exitcode(status), self._said()) if pid else None
        return self._ended

    def _said(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")


def _live_on(work: Callable[[], int], gate: int, output: Path) -> None:
    """The child's whole life. Nothing of the parent's is tidied up by it."""
    code = 70
    try:
        gc.freeze()  # what the tests hold is not looked through
        os.setsid()
        nothing, told = os.open(os.devnull, os.O_RDONLY), os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(nothing, 0)
        os.dup2(told, 1)
        os.dup2(told, 2)
        os.closerange(3, gate)
        os.closerange(gate + 1, 4096)
        os.read(gate, 1)
        os.close(gate)
        code = work()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


@dataclass(frozen=True, slots=True)
class Command:
    """`provision` with these words, in the folder of a manifest. variables: added to the environment."""

    manifest: Path
    words: tuple[str, ...] = ("apply",)
    variables: Mapping[str, str] | None = None
    prepare: Callable[[], None] = lambda: None

    def __call__(self) -> int:
        os.environ.update(self.variables or {})
        tempfile.tempdir = None
        os.chdir(self.manifest.parent)
        self.prepare()
        sys.argv = ["provision", *self.words, "--manifest", str(self.manifest)]
        # This process took the place of one whose streams were others.
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0


def answer(work: Callable[[], Any], output: Path) -> Any:
    """What `work` returns in a forked child; AssertionError when it died."""
    kept = output.with_suffix(".answer")

    def write() -> int:
        kept.write_bytes(pickle.dumps(work()))
        return 0

    ended = Forked(write, output).go().wait()
    assert ended.code == 0, ended
    return pickle.loads(kept.read_bytes())

"""Other processes that take the lock of a database, for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import provisioner

ROOT = Path(provisioner.__file__).parent.parent

HOLD = """
import subprocess, sys
from pathlib import Path
from provisioner.execute.lock import held
with held(Path(sys.argv[1]), command="provision apply", run="run-1", timeout=0,
          on_wait=print, should_stop=lambda: False) as lock:
    if sys.argv[2:] == ["with-child"]:
        child = subprocess.Popen(["sleep", "60"], pass_fds=(lock.guard_fd,), stdout=subprocess.DEVNULL)
        print(child.pid, flush=True)
    else:
        print("held", flush=True)
    sys.stdin.readline()
"""


class Other:
    """A process that holds the lock until it is told to let go. said: its first line."""

    def __init__(self, database: Path, *words: str, cwd: Path | None = None) -> None:
        self.process = start(HOLD, str(database), *words, cwd=cwd)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()

    def let_go(self) -> None:
        self.process.communicate("\n", timeout=10)

    def die(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)


def start(code: str, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    """Run a Python program that can import the package, wherever it is started from."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

"""A dbt worker without the two seconds that dbt takes to be imported: a fork of a process of the tests, which has it.

As real a worker as one from nothing: the child of the process that asks for it, with streams, a folder, an
environment and a group of its own. Workers from nothing are those of all processes that start from nothing, as in
README.md; those in which a test sets a trap; and those of a process that has a database open, which DuckDB in the
fork would take for its own.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any

import warm

from provisioner.execute import child
from provisioner.execute.dbt_environment import leave_no_semaphores
from provisioner.observe.header import is_held_here

WORKER = "provisioner.execute.dbt_worker"
TRAPPED = "CRASH_TRAP"
# The second half dbt imports by itself when it is to do something.
_OF_DBT = (
    *("dbt.cli.main", "dbt.adapters.duckdb", "dbt.adapters.duckdb.environments.local"),
    *("dbt.compilation", "dbt.parser.sql", "dbt.task.list", "dbt.task.run", "dbt.task.seed", "dbt.task.snapshot"),
    *("dbt_common.clients.agate_helper", "babel.dates", "google.protobuf.descriptor_pb2", "multiprocessing.pool"),
    *("sqlparse", "sqlparse.cli"),
)
_MAGIC_AT, _MAGIC = 8, b"DUCK"

# What a forked worker does before anything else.
FIRST_ACTS: list[Callable[[], None]] = []


def preload() -> None:
    """Import dbt, and from now on fork each dbt worker from the process that asks for it."""
    if isinstance(child.subprocess, _Subprocess):
        return
    leave_no_semaphores()
    for name in (WORKER, *_OF_DBT):
        import_module(name)
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # what is never looked at would count as leaked
    child.subprocess = _Subprocess("subprocess")  # type: ignore[assignment]


class _Popen(subprocess.Popen[bytes]):
    def _execute_child(self, args: list[str], *rest: Any) -> None:
        """What Popen calls to make the child. Nothing else of it is replaced."""
        _, _, _, kept, folder, environment, _, _, _, *ends = rest[:15]
        variables = os.environ if environment is None else environment
        if WORKER not in args or TRAPPED in variables or _has_a_database_open():
            return super()._execute_child(args, *rest)  # type: ignore[misc, no-any-return]
        stdin, _, _, stdout, _, stderr = ends
        self.pid = os.fork()
        if self.pid == 0:
            warm.begin([stdin, stdout, stderr], folder, environment, args[2:], prepare=_be_new, kept=kept)
        self._child_created = True
        self._close_pipe_fds(*ends)  # type: ignore[attr-defined]


class _Subprocess(ModuleType):
    """The library's subprocess as provision sees it."""

    Popen = _Popen

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


def _be_new() -> None:
    _forget()
    for act in FIRST_ACTS:
        act()


def _forget() -> None:
    """What a new program would not have."""
    os.setsid()
    atexit._clear()
    tempfile.tempdir = None
    sys.modules.pop(WORKER, None)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) and number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)


def _has_a_database_open() -> bool:
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            if os.pread(int(name), len(_MAGIC), _MAGIC_AT) == _MAGIC and is_held_here(os.fstat(int(name))):
                return True
    return False

"""Workers without the time that their imports take: forks of a process of the tests, which has them.

Two seconds for dbt, a third of one for a python step. As real a worker as one from nothing: the child of the process
that asks for it, with streams, a folder, an environment and a group of its own. Workers from nothing are those of all
processes that start from nothing, as in README.md; those in which a test sets a trap, or says FROM_NOTHING; and those
of a process that has a database open, which DuckDB in the fork would take for its own.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import warm

from provisioner.execute import child
from provisioner.execute.dbt_environment import leave_no_semaphores
from provisioner.observe.header import is_held_here

PYTHON, DBT = "provisioner.execute.python_worker", "provisioner.execute.dbt_worker"
FROM_NOTHING = {"CRASH_TRAP": "null"}
"""Variables for a process whose workers are not to be forked."""
COMMAND = "forked-worker"
"""What the system calls a forked worker, whose arguments are those of the tests."""
# The second half dbt imports by itself when it is to do something.
_OF_DBT = (
    *("dbt.cli.main", "dbt.adapters.duckdb", "dbt.adapters.duckdb.environments.local"),
    *("dbt.compilation", "dbt.parser.sql", "dbt.task.list", "dbt.task.run", "dbt.task.seed", "dbt.task.snapshot"),
    *("dbt_common.clients.agate_helper", "babel.dates", "google.protobuf.descriptor_pb2", "multiprocessing.pool"),
    *("sqlparse", "sqlparse.cli"),
)
_MAGIC_AT, _MAGIC = 8, b"DUCK"
_READY = set[str]()
# What a worker for a python step has imported before it comes to the step's own modules.
_OF_A_WORKER = set[str]()

# What a forked worker does before anything else.
FIRST_ACTS: list[Callable[[], None]] = []


def preload_python() -> None:
    """From now on, fork each worker for a python step from the process that asks for it."""
    if PYTHON not in _READY:
        listed = f"import sys, {PYTHON}; print(*sys.modules)"
        _OF_A_WORKER.update(
            subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True).stdout.split()
        )
        _preload(PYTHON, ())


def preload_dbt() -> None:
    """The same for dbt's workers, with dbt."""
    if DBT not in _READY:
        leave_no_semaphores()
        _preload(DBT, _OF_DBT)


def _preload(worker: str, more: tuple[str, ...]) -> None:
    for name in (worker, *more):
        import_module(name)
    gc.collect()
    gc.freeze()
    if not _READY:
        atexit.register(gc.unfreeze)  # what is never looked at would count as leaked
        child.subprocess = _Subprocess("subprocess")  # type: ignore[assignment]
    _READY.add(worker)


class _Popen(subprocess.Popen[bytes]):
    def _execute_child(self, args: list[str], *rest: Any) -> None:
        """What Popen calls to make the child. Nothing else of it is replaced."""
        _, _, _, kept, folder, environment, _, _, _, *ends = rest[:15]
        variables = os.environ if environment is None else environment
        if not _READY & {*args} or FROM_NOTHING.keys() & variables.keys() or _has_a_database_open():
            return super()._execute_child(args, *rest)  # type: ignore[misc, no-any-return]
        stdin, _, _, stdout, _, stderr = ends
        # A fork closes the guard of its parent, which a program that is started inherits.
        copies = {number: os.dup(number) for number in kept}
        self.pid = os.fork()
        if self.pid == 0:
            prepare = partial(_be_new, inherited=copies, for_a_step=PYTHON in args)
            all_kept = {*copies.keys(), *copies.values()}
            warm.begin([stdin, stdout, stderr], folder, environment, args[2:], prepare=prepare, kept=all_kept)
        for copy in copies.values():
            os.close(copy)
        self._child_created = True
        self._close_pipe_fds(*ends)  # type: ignore[attr-defined]


class _Subprocess(ModuleType):
    """The library's subprocess as provision sees it."""

    Popen = _Popen

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


def _be_new(*, inherited: Mapping[int, int], for_a_step: bool) -> None:
    """With and without what a new program would have. inherited: descriptors, and the copies of them."""
    os.setsid()
    for number, copy in inherited.items():
        os.dup2(copy, number, inheritable=True)
        os.close(copy)
    Path("/proc/self/comm").write_text(COMMAND, encoding="ascii")
    atexit._clear()
    tempfile.tempdir = None
    for worker in _READY:
        sys.modules.pop(worker, None)
    if for_a_step:
        _forget_modules_of_tests()
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) and number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
    for act in FIRST_ACTS:
        act()


def _forget_modules_of_tests() -> None:
    """A step's module may be called like one that only the tests have imported."""
    here = {path.stem for path in Path().iterdir()}
    for name in [name for name in sys.modules if name.partition(".")[0] in here and name not in _OF_A_WORKER]:
        del sys.modules[name]


def _has_a_database_open() -> bool:
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            if os.pread(int(name), len(_MAGIC), _MAGIC_AT) == _MAGIC and is_held_here(os.fstat(int(name))):
                return True
    return False

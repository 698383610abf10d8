"""A Python process without the half second that Python and the imports take: a fork of this one, which has them.

It is a process like any other, with streams, a folder, an environment and signals of its own; nothing that this one
has open is open in it. That `provision` also starts from nothing is what the pages of the documentation show.

Not for a test that itself has the database open: to DuckDB in the fork, it would be its own.
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable
from typing import Any, NoReturn

# Nearly all that a command imports when it comes to need it.
import provisioner.cli
import provisioner.cli_apply
import provisioner.cli_look
import provisioner.cli_plan
import provisioner.declare.build
import provisioner.execute.locked
import provisioner.observe.reads
import provisioner.report.json
import provisioner.report.log
import provisioner.report.plan_text
import provisioner.report.progress
import provisioner.report.run_text  # noqa: F401

# In a fork of a fork: streams that nothing refers to any more would close the descriptors of those in their place.
_LEFT: list[Any] = []


class Python(subprocess.Popen[str]):
    """`python *words`, where the words are `-m module …` or `-c program …`; its other arguments are those of Popen."""

    def __init__(self, *words: str, **streams: Any) -> None:
        super().__init__([sys.executable, *words], text=True, **streams)

    def _execute_child(self, args: list[str], *rest: Any) -> None:
        """What Popen calls to make the child. Nothing else of it is replaced, so that all of it can be used."""
        _, prepare, _, _, folder, environment, _, _, _, *ends = rest[:15]
        stdin, _, _, stdout, _, stderr = ends
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            begin([stdin, stdout, stderr], folder, environment, args[1:], prepare=prepare)
        self._child_created = True
        self._close_pipe_fds(*ends)  # type: ignore[attr-defined]


def run(*words: str, timeout: float, **settings: Any) -> subprocess.CompletedProcess[str]:
    """The process, run to its end, and what it said."""
    pipe = subprocess.PIPE
    with Python(*words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, **settings) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def begin(
    ends: list[int], folder: Any, environment: Any, words: list[str], *, prepare: Any = None, kept: Iterable[int] = ()
) -> NoReturn:
    """The whole life of a process that was just forked. kept: what else stays open in it."""
    status = 1
    try:
        gc.freeze()  # what the tests hold is not looked through
        for number, end in enumerate(ends):
            if end >= 0:
                os.dup2(end, number)
        _close_all_but(kept)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _open_streams()
        if folder is not None:
            os.chdir(folder)
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        if prepare is not None:
            prepare()
        status = _run(words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _close_all_but(kept: Iterable[int]) -> None:
    below = 3
    for number in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
        os.closerange(below, number)
        below = number + 1


def _open_streams() -> None:
    _LEFT.append((sys.stdin, sys.stdout, sys.stderr))
    sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)


def _run(words: list[str]) -> int:
    """As Python itself would: returns the exit status, once all threads that are waited for have ended."""
    kind, what, *rest = words
    sys.argv = [what if kind == "-m" else kind, *rest]
    status = 0
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    return status

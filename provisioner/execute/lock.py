"""One writer at a time for one database: across processes, and across children that outlive their parent.

    free --attempt--> held --release or death--> free
      \\--in the way--> waiting (on_wait at once, then every 5 s) --attempt--> held, or BusyError, or StoppedError

Three files lie beside the database's real path. `.lock` is free the moment its process dies; no child inherits it.
`.guard` is held as long as this process or any child that got `guard_fd` lives. `.holder` tells people who it is.
An attempt gets both or neither, so that whoever waits for a guard does not look like a holder.
None of `.lock` and `.guard` is ever deleted: a deleted lock file can be held by two. Where somebody else deletes them
under a run, its name in `.holder` keeps the next one waiting.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import fasteners  # type: ignore[import-untyped]

from provisioner.errors import BusyError, InputError, StoppedError
from provisioner.execute.beside import beside, not_writable
from provisioner.execute.holder import Holder, erase_holder, is_at_work, read_holder, this_process, write_holder

_PAUSE = 0.05
_REPEAT = 5.0

# Which lock of this process has each path: POSIX locks do not keep two of one process apart, and they fall when any
# descriptor of the file is closed, so even an attempt opens the file only under a claim. `setdefault` is atomic.
_CLAIMS: dict[Path, Lock] = {}


class Lock:
    """The lock of one database. guard_fd: to be inherited by children (`pass_fds`); -1 while the lock is not held.

    real: the file that it is for, wherever a link of that name leads later on.

    Children get it without a `preexec_fn`, which would run the cleaning after a fork that closes it.
    """

    def __init__(self, database: Path, *, command: str, run: str) -> None:
        self.guard_fd = -1
        self.real = beside(database, "")
        self._database, self._command, self._run = database, command, run
        self._path, self._guard = beside(self.real, ".lock"), beside(self.real, ".guard")
        self._thread = 0
        self._undo = ExitStack()

    def acquire(
        self, timeout: float | None, on_wait: Callable[[Holder], None], should_stop: Callable[[], bool]
    ) -> None:
        """Wait until the lock is ours.

        timeout: seconds; 0 fails at once, None waits for ever. on_wait: called when waiting begins, then every 5 s.
        Raises BusyError (code `locked`), StoppedError when should_stop says so, InputError when no lock can be made.
        """
        began = time.monotonic()
        next_word = began
        while (holder := self._attempt()) is not None:
            now = time.monotonic()
            if timeout is not None and now - began >= timeout:
                raise _busy(self._database, holder, self._guard if holder.orphaned else self._path)
            if should_stop():
                raise StoppedError(
                    f"Stopped while waiting for the lock of {self._database}; nothing was done.",
                    cure="Run the same command again.",
                )
            if now >= next_word:
                on_wait(holder)
                next_word = now + _REPEAT
            time.sleep(_PAUSE if timeout is None else min(_PAUSE, max(0.0, began + timeout - now)))
        write_holder(self.real, this_process(self._command, self._run))

    def release(self) -> None:
        """Give the lock back; the guard stays held while a child that inherited it lives. Twice is as once."""
        if self.guard_fd >= 0:
            erase_holder(self.real)
            self.guard_fd = -1
            self._undo.close()

    def _attempt(self) -> Holder | None:
        """Take the claim, the lock and the guard, or none of them; then say who is in the way."""
        first = _CLAIMS.setdefault(self._path, self)
        if first is not self or self.guard_fd >= 0:
            if first.guard_fd >= 0 and first._thread == threading.get_ident():
                raise _own_lock(self._database)
            return read_holder(self.real) or Holder()
        with ExitStack() as undo:
            undo.callback(_CLAIMS.pop, self._path)
            if not _took_file_lock(self._path, undo):
                return read_holder(self.real) or Holder()
            guard = _take_guard(self._guard, undo)
            if guard is None:
                return replace(read_holder(self.real) or Holder(), orphaned=True)
            name = read_holder(self.real)
            if name is not None and is_at_work(name):
                return name
            self.guard_fd, self._thread, self._undo = guard, threading.get_ident(), undo.pop_all()
        return None

    def forget(self) -> None:
        """In a forked child: the lock stays the parent's, and a guard kept open here would outlive it."""
        self._undo.pop_all()
        if self.guard_fd >= 0:
            os.close(self.guard_fd)
            self.guard_fd = -1


@contextlib.contextmanager
def held(
    database: Path,
    *,
    command: str,
    run: str,
    timeout: float | None,
    on_wait: Callable[[Holder], None],
    should_stop: Callable[[], bool],
) -> Iterator[Lock]:
    """The lock of a database, held while inside; arguments and errors are those of `Lock.acquire`."""
    lock = Lock(database, command=command, run=run)
    try:
        lock.acquire(timeout, on_wait, should_stop)
        yield lock
    finally:
        lock.release()


def _took_file_lock(path: Path, undo: ExitStack) -> bool:
    file_lock = fasteners.InterProcessLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_other(path)
        took: bool = file_lock.acquire(blocking=False)
    except OSError as error:
        raise not_writable(path, error) from error
    except threading.ThreadError as error:  # fasteners' word for every other answer than yes and no
        raise _no_locks(path, error) from error
    if took:
        undo.callback(file_lock.release)
    elif file_lock.lockfile is not None:  # closed now: closing it later would let go a lock taken meanwhile
        file_lock.lockfile.close()
    return took


def _take_guard(path: Path, undo: ExitStack) -> int | None:
    try:
        _refuse_other(path)
        guard = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise not_writable(path, error) from error
    undo.callback(os.close, guard)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError as error:
        raise _no_locks(path, error) from error
    return guard


def _refuse_other(path: Path) -> None:
    """A pipe would be waited for, a link makes a file elsewhere."""
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise InputError(
            f"{path} is a folder, a link, a pipe or a device; the lock of a database is a plain file.",
            cure=f"Move it away: mv {path} {path}.old",
            code="lock_foreign",
        )


def _no_locks(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be locked ({error}).",
        cure="Set `database:` to a folder on a file system that has locks, a local disk for instance.",
        code="no_locks",
    )


def _busy(database: Path, holder: Holder, file: Path) -> BusyError:
    look = f"ps -p {holder.pid}" if holder.known and not holder.orphaned else f"fuser {file}"
    wait = "Wait for it with `--lock-timeout 10m`"
    if holder.orphaned:
        started = f" It was started by {holder}." if holder.known else ""
        return BusyError(
            f"{database} is locked: an orphaned worker of a dead run still ends.{started}",
            cure=f"{wait}, or see which process it is with `{look}`.",
            code="locked",
        )
    where = f" on {holder.host}" if holder.known else ""
    return BusyError(
        f"{database} is locked by {holder}.", cure=f"{wait}, or look at it with `{look}`{where}.", code="locked"
    )


def _own_lock(database: Path) -> BusyError:
    return BusyError(
        f"{database} is locked by this very thread, which would wait for itself for ever.",
        cure="Take the inner call of `ensure` or `apply` out of the step or listener that makes it.",
        code="locked",
    )


def _forget_in_child() -> None:
    for lock in _CLAIMS.values():
        lock.forget()
    _CLAIMS.clear()


os.register_at_fork(after_in_child=_forget_in_child)

"""What a person at the command line sees and is asked: results on stdout, everything else on stderr."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

import click

from provisioner.declare.escape import escape
from provisioner.declare.redact import find_secrets, redact, redact_error
from provisioner.errors import ProvisionError
from provisioner.report.converged import dump

if TYPE_CHECKING:
    from provisioner.declare.values import Manifest
    from provisioner.execute.events import Event, Listener
    from provisioner.options import Wishes
    from provisioner.reconcile.values import Plan
    from provisioner.report.progress import Progress

# So long nobody wonders what is going on.
SILENCE_SECONDS = 0.4
# The code of the error that nothing can be printed: it is told on stderr, whatever the format.
NOT_PRINTED = "output"
# Who has been asked something does not wonder what is going on.
_ASKED = threading.Event()
STYLES: dict[str, dict[str, Any]] = {"bold": {"bold": True}, "dim": {"dim": True}}


@contextmanager
def listening(wishes: Wishes) -> Iterator[Listener]:
    """Where events go: progress lines, a structured log, or nowhere."""
    if wishes.level < 0:
        yield lambda event: None
    elif wishes.log_json:
        from provisioner.report.log import json_listener

        yield json_listener(_Edge(sys.stderr))
    else:
        progress = _LateProgress()
        try:
            yield progress
        finally:
            progress.close()


class _LateProgress:
    """Progress that is imported and begins at the first event, or after a silence: most looks are over before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Progress | None = None
        self._silence = threading.Timer(SILENCE_SECONDS, self._break_silence)
        self._silence.daemon = True
        self._silence.start()

    def __call__(self, event: Event) -> None:
        self._progress()(event)

    def close(self) -> None:
        self._silence.cancel()
        with self._lock:
            if self._made is not None:
                self._made.close()

    def _break_silence(self) -> None:
        if self._made is None and not _ASKED.is_set():
            self._progress().first_sign()

    def _progress(self) -> Progress:
        with self._lock:
            if self._made is None:
                from provisioner.report.progress import Progress

                self._made = Progress(_Edge(sys.stderr), painter(sys.stderr))
            return self._made


def show_converged(body: dict[str, Any], text: str, wishes: Wishes) -> None:
    """What was asked for, of a database in which nothing is to do."""
    show(dump(body) if wishes.json else text)


def ask(plan: Plan, manifest: Manifest) -> bool:
    """Show the hazards to a person at a terminal; anyone else has to allow them by name."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    show_plan(plan, manifest)
    return _confirm("Carry it out, hazards and all?")


def ask_recreate(error: ProvisionError, manifest: Manifest) -> bool:
    """Whether a person at a terminal wants a database that cannot be used set aside, and a new one made."""
    from provisioner.execute.recreate import LOST, is_recreatable

    if not (sys.stdin.isatty() and sys.stderr.isatty() and is_recreatable(error, manifest.database)):
        return False
    tell(f"{error.message}\n{LOST}")
    return _confirm("Keep it under another name, and make a new one?")


def _confirm(question: str) -> bool:
    """Ctrl-C at a question is an answer: it ends the command at once, since nothing is under way."""
    _ASKED.set()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise end.__context__ from None
        return False  # there is nobody any more who could answer
    finally:
        signal.signal(signal.SIGINT, before)


def show_plan(plan: Plan, manifest: Manifest) -> None:
    """On stderr, with what else is told while the work goes on."""
    from provisioner.report.plan_text import plan_text

    tell(plan_text(plan, manifest, painter(sys.stderr)))


def painter(stream: Any) -> Callable[[str, str], str]:
    """Colours on a terminal; plain text in a pipe, and where NO_COLOR is set."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return lambda text, colour: text
    return lambda text, colour: click.style(text, **STYLES.get(colour, {"fg": colour}))


def leaving(text: str) -> str:
    """The text as it may leave this program: without secrets, and without what could play tricks on a terminal."""
    return escape(redact(text, find_secrets(os.environ)))


class _Edge:
    """A stream that what is told passes through on its way out."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(leaving(text))

    def flush(self) -> None:
        self._out.flush()


def abandon_stdout() -> None:
    """Whoever read our output has gone, or cannot take it; what Python still holds for it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(text: str) -> None:
    """On stdout: what was asked for. Raises ProvisionError when it cannot be written there."""
    show_exactly(leaving(text))


def show_exactly(text: str) -> None:
    """As show, of what is read by a program and has no odd characters: not a letter of it is changed."""
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        cure = "Make room there, or let it print elsewhere. What was done is done: provision history"
        raise ProvisionError(
            f"Nothing can be printed to stdout: {error.strerror}.", code=NOT_PRINTED, cure=cure
        ) from None


def tell(text: str) -> None:
    """On stderr."""
    click.echo(leaving(text), err=True)


def tell_error(error: ProvisionError) -> None:
    """On stderr, with its cure."""
    from provisioner.report.run_text import error_text

    tell(error_text(error, painter(sys.stderr)))


def tell_usage(error: click.ClickException) -> None:
    """On stderr, as click words it, who quotes what was typed."""
    words = StringIO()
    error.show(words)
    tell(words.getvalue().rstrip("\n"))


def report(error: ProvisionError, wishes: Wishes) -> int:
    """Tell an error the way the user asked for, with its traceback for --debug. Returns the exit code."""
    error.cure = wishes.complete(error.cure)
    redact_error(error, find_secrets(os.environ))
    if wishes.debug:
        import traceback  # slow to import, and hardly ever needed

        tell("".join(traceback.format_exception(error)).rstrip("\n"))
    if wishes.json and error.code != NOT_PRINTED:
        from provisioner.report.json import error_json

        show(dump(error_json(error)))
    else:
        tell_error(error)
    return error.exit_code


def unexpected(error: Exception) -> ProvisionError:
    """A defect of ours, in one line; or what this process lacks, wherever in Python that was met."""
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return ProvisionError(
            "This process ran out of memory, or may start no more threads.",
            code="out_of_memory",
            cure="Let it use more (`ulimit -v`, `ulimit -u`), and run it again: what was done stays done.",
        )
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return ProvisionError(
            f"This process may open no more files ({error.strerror}).",
            code="too_many_files",
            cure="Raise the limit (`ulimit -n 4096`), and run again: what was done stays done.",
        )
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return ProvisionError(
            "The working directory is gone, and a name was given that starts there.",
            code="failed",
            cure="Change to a folder that is there, or write whole names.",
        )
    wrapped = ProvisionError(
        f"provision met something it does not know: {type(error).__name__}: {error}",
        code="unexpected",
        cure="This is a defect of provision. Run it again with --debug and report what it prints.",
    )
    wrapped.__cause__ = error
    return wrapped

"""The child in which one python step runs: effect, verification and stamp in one transaction."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import duckdb

from provisioner.errors import ProvisionError, StepError
from provisioner.execute.fresh_import import import_from_source
from provisioner.execute.inside import Inside, enter
from provisioner.execute.live import bypass_wal, open_for_steps
from provisioner.execute.patience import Patience
from provisioner.execute.runners.ddl import drop_relation
from provisioner.execute.transaction import make
from provisioner.observe.complaints import blame_surroundings
from provisioner.observe.database import translate
from provisioner.observe.values import Stamp, Unit
from provisioner.observe.watch import Watch, refuse_changes


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a python step is told, as its second argument.

    step: its name. tables: what it must make, quoted for SQL, in the order of the manifest. folder: its own; relative
    file names start there. run: the run's id.
    """

    step: str
    tables: tuple[str, ...]
    folder: Path
    run: str


def main() -> None:
    parent = enter()
    for request in parent.requests():
        _tell(parent, _Work(*pickle.loads(bytes.fromhex(request["work"]))))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be done. lock_timeout: seconds to wait for another process that has the database open.

    watch: the files that the step's fingerprint was taken from.
    """

    unit: Unit
    stamps: tuple[Stamp, ...]
    database: Path
    folder: Path
    run: str
    lock_timeout: float | None
    watch: Watch


def _tell(parent: Inside, work: _Work) -> None:
    unit, database = work.unit, work.database
    try:
        # From here on it is the step's own time; Python and DuckDB are loaded.
        parent.tell({"event": "begun"})
        parent.tell({"event": "done", "rows": _carry_out(parent, work)})
    except ProvisionError as error:
        parent.tell({"event": "failed", "code": error.code, "message": error.message, "cure": error.cure})
    except duckdb.Error as error:
        words = translate(error, database)
        cure = words.cure or f"Look at what {unit.source} does with its connection, then run `provision apply` again."
        parent.tell({"event": "failed", "code": words.code, "message": f"{unit.id}: {words.message}", "cure": cure})
    except OSError as error:
        around = translate(error, database)
        parent.tell({"event": "failed", "code": around.code, "message": around.message, "cure": around.cure})
    except Exception as error:
        # Not the step's own, which `_own_words` tells of: memory that is short, for instance.
        message = f"{unit.id} was not made: {type(error).__name__}: {error}"
        parent.tell({"event": "failed", "code": "failed", "message": message, "cure": "Run `provision apply` again."})


def _carry_out(parent: Inside, work: _Work) -> int | None:
    unit, folder = work.unit, work.folder
    build = _import(work)
    context = StepContext(unit.id, tuple(table.sql for table in unit.tables), folder, work.run)
    connection = _open(parent, work)

    def effect() -> None:
        for table in unit.tables:
            drop_relation(connection, table)
        with _alone(), _own_words(work):
            build(connection, context)
        refuse_changes(work.watch.changed(), f"while {unit.id} was made")

    try:
        return make(connection, unit, work.stamps, effect, nullcontext())
    finally:
        with suppress(duckdb.Error):  # a thread of the step may be at work in it; what is committed is committed
            connection.close()


def _open(parent: Inside, work: _Work) -> duckdb.DuckDBPyConnection:
    """Time in which another process has the database is not the step's."""
    patience = Patience(work.lock_timeout, lambda words: parent.tell({"event": "waiting", "words": words}))
    connection = patience.until_free(lambda: open_for_steps(work.database, work.folder))
    parent.tell({"event": "opened"})
    bypass_wal(connection)  # it costs nothing: what closes the database writes its WAL into it anyway
    return connection


def _import(work: _Work) -> Callable[[duckdb.DuckDBPyConnection, StepContext], object]:
    module, _, function = work.unit.source.partition(":")
    import_from_source(work.folder)
    with _own_words(work):
        build: Callable[[duckdb.DuckDBPyConnection, StepContext], object] = getattr(import_module(module), function)
    return build


@contextmanager
def _alone() -> Iterator[None]:
    """A process that the step forked and that came back from it ends here: two would write the same transaction."""
    worker = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != worker:
            os._exit(1)


@contextmanager
def _own_words(work: _Work) -> Iterator[None]:
    """An error of the step's code becomes a StepError with its file and line; so does an attempt to end the process."""
    unit = work.unit
    try:
        yield
    except BaseException as error:
        words = "".join(traceback.format_exception_only(error)).strip()
        place = _place(error, work.folder)
        if isinstance(error, duckdb.Error) and (blamed := blame_surroundings(error, work.database)):
            message = f"{unit.id} at {place}: {blamed.message}"
            raise StepError(message, code=blamed.code, cure=blamed.cure) from error
        raise StepError(
            f"{unit.id} raised at {place}: {words}",
            code="python_failed",
            cure="Mend it, then run `provision apply` again."
            f" What {unit.id} had made is undone, unless it committed it.",
        ) from error


def _place(error: BaseException, folder: Path) -> str:
    """The innermost line of the user's own code, else the innermost line of all."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.relpath(error.filename, folder)}:{error.lineno}"
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)] or list(frames)
    return f"{os.path.relpath(own[-1].filename, folder)}:{own[-1].lineno}"


if __name__ == "__main__":
    main()

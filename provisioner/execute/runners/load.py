"""The runner of load steps: files -> one table, columns matched by name."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import duckdb

from provisioner.declare.suggest import nearest
from provisioner.declare.values import fold, quote
from provisioner.errors import StepError
from provisioner.execute.private import private_folder
from provisioner.execute.runners.ddl import drop_relation, ensure_schema
from provisioner.execute.runners.formats import Reader, make_reader
from provisioner.execute.runners.lossless import INTEGERS, Change, find_bent, whole
from provisioner.execute.runners.reader_errors import say_reader_error, tells_line
from provisioner.execute.runners.unzip import Bounds, DataFile, is_archive, unpack
from provisioner.observe.complaints import NAMELESS, blame_surroundings
from provisioner.observe.values import Want

# What else may be open beside the files of a load.
_OTHERS = 500
_FEWER = "Let this process open more of them (`ulimit -n {}`), or put the rows into fewer files."
_OWN_HEADER = ("header", "names", "column_names")
_OWN_NUMBERS = ("thousands", "decimal_separator")
_Columns = dict[str, str]
"""Names as the file has them, with the types that DuckDB sees; in the file's order."""


def load(
    connection: duckdb.DuckDBPyConnection,
    want: Want,
    paths: tuple[Path, ...],
    *,
    format: str | None = None,
    options: Mapping[str, Any],
    database: Path = NAMELESS,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Make the table anew from the files, inside the open transaction. Columns keep the files' order.

    Declared columns get their declared types; others are kept with the types that DuckDB sees in them. No value is bent
    to fit a type. database: for messages. is_over: asked between two pieces of an archive. Raises StepError:
    load_no_file, load_column_missing, load_value (with file, and line where DuckDB tells it), load_failed, load_format,
    load_option, those of unpack, or the code of what failed around it.
    """
    if not paths:
        raise StepError(
            f"{want.table}: there is no file to load.", code="load_no_file", cure="Mend the step's `load:`."
        )
    with private_folder() if any(map(is_archive, paths)) else nullcontext(Path()) as folder:
        files = unpack(paths, folder, any_ending=format is not None, bounds=Bounds(is_over=is_over))
        reader = make_reader(connection, tuple(file.name for file in files), format, options)
        try:
            with _open_files(len(files)):
                _load(connection, want, files, reader)
        except (duckdb.InterruptException, duckdb.FatalException):
            raise
        except (duckdb.Error, RuntimeError) as error:
            if blamed := blame_surroundings(error, database):
                message = f"{want.table}, loading {_some(files)}: {blamed.message}"
                cure = _FEWER.format(len(files) + _OTHERS) if blamed.code == "too_many_files" else blamed.cure
                raise StepError(message, code=blamed.code, cure=cure) from error
            told = error if tells_line(error) else _with_line(connection, want, files, reader) or error
            raise say_reader_error(told, files) from error


@contextmanager
def _open_files(count: int) -> Iterator[None]:
    """So many may be open meanwhile, as far as the system allows it: DuckDB 2.0 has those of a table open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHERS if hard == resource.RLIM_INFINITY else min(count + _OTHERS, hard)
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        yield
        return
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _some(files: tuple[DataFile, ...]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files"


def _load(connection: duckdb.DuckDBPyConnection, want: Want, files: tuple[DataFile, ...], reader: Reader) -> None:
    source, values, casts = _plain_source(files, reader)
    if want.columns:
        columns = _check_columns(connection, want, files, reader)
        source, values, casts = _typed_source(want, columns, files, reader)
        if not reader.csv:
            _refuse_bent(connection, source, values, _changes(want, columns), files)
    drop_relation(connection, want.table)
    ensure_schema(connection, want.table)
    replaced = f" REPLACE ({', '.join(casts)})" if casts else ""
    connection.execute(f"CREATE TABLE {want.table.sql} AS SELECT *{replaced} FROM {source}", values)


_Source = tuple[str, list[Any], list[str]]
"""A reader's call, its parameters, and the casts of single columns on top of it."""


def _plain_source(files: tuple[DataFile, ...], reader: Reader) -> _Source:
    return (*reader.call(_paths(files)), [])


def _typed_source(want: Want, columns: _Columns, files: tuple[DataFile, ...], reader: Reader) -> _Source:
    changes = _changes(want, columns)
    if reader.csv:
        # A whole number is read as text first: the reader itself would round a fraction away.
        guarded = set() if _has(reader, _OWN_NUMBERS) else {name for name, _, type_ in changes if type_ in INTEGERS}
        types = {name: "VARCHAR" if name in guarded else type_ for name, _, type_ in changes}
        casts = [f"{whole(name, type_)} AS {quote(name)}" for name, _, type_ in changes if name in guarded]
        return (*reader.call(_paths(files), types=types, **_header(reader)), casts)
    more: dict[str, Any] = {}
    if reader.json:
        # As text from the start: through another type, a time or a number would come out in another form.
        texts = {name for name, _, type_ in changes if type_ == "VARCHAR"}
        more = {"columns": {name: "VARCHAR" if name in texts else type_ for name, type_ in columns.items()}}
    casts = [f"CAST({quote(name)} AS {type_}) AS {quote(name)}" for name, seen, type_ in changes if seen != type_]
    return (*reader.call(_paths(files), **more), casts)


def _check_columns(
    connection: duckdb.DuckDBPyConnection, want: Want, files: tuple[DataFile, ...], reader: Reader
) -> _Columns:
    """The columns of all files together. Raises StepError when a file lacks a declared one."""
    columns: _Columns = {}
    for file in files:
        own = _describe(connection, (file,), reader)
        present = {fold(name) for name in own}
        for column in want.columns:
            if fold(column.name) not in present:
                _refuse_ragged(connection, want, file, own, reader)
                raise _missing(column.name, file, own, reader)
        columns = own if not columns else columns | {name: type_ for name, type_ in own.items() if name not in columns}
    # Types seen in one file alone may not hold for all.
    return columns if len(files) == 1 else _describe(connection, files, reader)


def _describe(connection: duckdb.DuckDBPyConnection, files: tuple[DataFile, ...], reader: Reader) -> _Columns:
    # Of a CSV only the names matter here, and guessing types is the slow part.
    names_only = {"all_varchar": True} if reader.csv else {}
    call, values = reader.call(_paths(files), **names_only, **_header(reader))
    rows = connection.execute(f"DESCRIBE SELECT * FROM {call}", values).fetchall()
    return {row[0]: row[1] for row in rows}


def _changes(want: Want, columns: _Columns) -> list[Change]:
    declared = {fold(column.name): column.type for column in want.columns}
    return [(name, seen, declared[fold(name)]) for name, seen in columns.items() if fold(name) in declared]


def _refuse_bent(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    values: list[Any],
    changes: list[Change],
    files: tuple[DataFile, ...],
) -> None:
    changes = [change for change in changes if change[1] != change[2]]
    if bent := find_bent(connection, source, values, changes):
        (name, seen, type_), value = bent
        raise StepError(
            f'{files[0].name}: column "{name}" holds {value!r} ({seen}), which {type_} cannot hold without loss.',
            code="load_value",
            cure=f"Declare {name} as {seen}, or mend the value.",
        )


def _missing(column: str, file: DataFile, own: _Columns, reader: Reader) -> StepError:
    near = nearest(column, own)
    cure = f"Mend the file or the declared columns{f': did you mean {near}?' if near else '.'}"
    if near is None and reader.csv and not _has(reader, _OWN_HEADER):
        cure += " If the file has no header, name its columns: `options: {header: false, names: [...]}`."
    found = ", ".join(own) or "none"
    return StepError(
        f"{file.name} has no column {column}, which the manifest declares; its columns: {found}.",
        code="load_column_missing",
        cure=cure,
    )


def _refuse_ragged(
    connection: duckdb.DuckDBPyConnection, want: Want, file: DataFile, own: _Columns, reader: Reader
) -> None:
    """Where the header was taken for one column because some row has more or fewer fields, let DuckDB name that row."""
    header = next(iter(own), "")
    separator = next((mark for mark in ",;\t|" if mark in header), None)
    if not reader.csv or len(own) > 1 or separator is None or _has(reader, _OWN_HEADER):
        return
    names = [name.strip() for name in header.split(separator)]
    if not {fold(column.name) for column in want.columns} <= {fold(name) for name in names}:
        return
    told = {"auto_detect": False, "header": True, "delim": separator, "columns": dict.fromkeys(names, "VARCHAR")}
    call, values = reader.call(_paths((file,)), **told)
    wanted = ", ".join(f"system.main.max({quote(name)})" for name in names)
    connection.execute(f"SELECT {wanted} FROM {call}", values)


def _with_line(
    connection: duckdb.DuckDBPyConnection, want: Want, files: tuple[DataFile, ...], reader: Reader
) -> Exception | None:
    """The complaint of a CSV read with all its declared types, for that one tells the line; None when it has none.

    On a connection of its own, since the transaction is lost by now.
    """
    if not reader.csv or not want.columns:
        return None
    with connection.cursor() as other:
        try:
            types = {name: type_ for name, _, type_ in _changes(want, _describe(other, files, reader))}
            if not types:
                return None
            call, values = reader.call(_paths(files), types=types, **_header(reader))
            wanted = ", ".join(f"system.main.max({quote(name)})" for name in types)
            other.execute(f"SELECT {wanted} FROM {call}", values)
        except duckdb.Error as error:
            return error
    return None


def _header(reader: Reader) -> dict[str, Any]:
    """With a contract a CSV is taken to have a header, so that a file of words alone is not read as one without."""
    return {"header": True} if reader.csv and not _has(reader, _OWN_HEADER) else {}


def _has(reader: Reader, names: tuple[str, ...]) -> bool:
    return any(name in reader.options for name in names)


def _paths(files: tuple[DataFile, ...]) -> list[str]:
    return [str(file.path) for file in files]

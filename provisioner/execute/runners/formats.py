"""Which of DuckDB's readers reads a file, and with what options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from provisioner.declare.suggest import did_you_mean
from provisioner.errors import StepError

_CSV, _PARQUET, _JSON = "read_csv", "read_parquet", "read_json"
READERS = dict.fromkeys(("csv", "tsv", "txt"), _CSV) | dict.fromkeys(("parquet", "pq"), _PARQUET)
READERS |= dict.fromkeys(("json", "jsonl", "ndjson"), _JSON)
_ENDING = re.compile(rf"\.({'|'.join(READERS)})(?:\.(?:gz|zst))?$", re.IGNORECASE)
_DELIMITERS = ("delim", "sep", "delimiter", "separator")
_CSV_DIALECT = {"skip": 0, "quote": '"', "escape": '"', "comment": "", "dateformat": "%Y-%m-%d"}
# The path, the types (which the manifest declares), and what writes elsewhere or only tunes.
_NOT_OURS = frozenset(
    {"path", "paths", "col0", "types", "dtypes", "column_types", "columns", "parallel", "buffer_size", "store_rejects"}
    | {"rejects_table", "rejects_scan", "rejects_limit", "rejects_line_size_limit"}
)


@dataclass(frozen=True, slots=True)
class Reader:
    """function: of DuckDB. options: its named parameters; sent as prepared values, never as SQL text."""

    function: str
    options: Mapping[str, Any]

    def call(self, paths: list[str], **more: Any) -> tuple[str, list[Any]]:
        """The call as SQL with numbered parameters, and their values. more: options that go before the reader's own."""
        options = {**self.options, **more}
        named = "".join(f", {name} := ${number}" for number, name in enumerate(options, start=2))
        return f"{self.function}($1{named})", [[_exact(path) for path in paths], *options.values()]

    @property
    def csv(self) -> bool:
        return self.function == _CSV

    @property
    def json(self) -> bool:
        return self.function == _JSON


def format_of(name: str) -> str | None:
    """The format that a file's ending tells, None when it tells none."""
    match = _ENDING.search(name)
    return match[1].lower() if match else None


def make_reader(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], format: str | None, options: Mapping[str, Any]
) -> Reader:
    """The one reader for all the files. Raises StepError load_format, load_option."""
    told = format.lower() if format else _common_format(names)
    if told not in READERS:
        raise StepError(
            f"The format `{told}` is unknown.", code="load_format", cure=did_you_mean(told, READERS, "formats")
        )
    function = READERS[told]
    if options:
        _check_options(connection, function, options)
    chosen = dict(options)
    if told == "tsv" and not any(name in options for name in _DELIMITERS):
        chosen["delim"] = "\t"
    if function == _CSV:
        # Left to guess, DuckDB skips leading lines that do not fit the later ones, takes `#2` for a comment, one quote
        # without its partner for a file without quotes, and 02/03/2021 for March or February as other rows have it.
        for name, value in _CSV_DIALECT.items():
            chosen.setdefault(name, value)
    if function == _JSON:
        # All rows are looked at: a type guessed from the first ones would fail on, or bend, a later value.
        chosen.setdefault("sample_size", -1)
    if len(names) > 1:
        chosen.setdefault("union_by_name", True)
    return Reader(function, chosen)


def _common_format(names: tuple[str, ...]) -> str:
    formats = {name: format_of(name) for name in names}
    for name, found in formats.items():
        if found is None:
            cure = f"Write `format:` in the step: {', '.join(READERS)}."
            raise StepError(f"{name} has an ending that tells no format.", code="load_format", cure=cure)
    by_function = {READERS[found]: name for name, found in formats.items() if found}
    if len(by_function) > 1 or len(set(formats.values()) & {"csv", "tsv"}) > 1:
        shown = ", ".join(sorted(formats)[:4])
        raise StepError(
            f"The files of one load step have different formats: {shown}.",
            code="load_format",
            cure="Narrow the glob, or write one step for each format.",
        )
    return next(iter(sorted(found for found in formats.values() if found)))


def _check_options(connection: duckdb.DuckDBPyConnection, function: str, options: Mapping[str, Any]) -> None:
    rows = connection.execute(
        "SELECT parameters FROM system.main.duckdb_functions() WHERE function_name = $1", [function]
    ).fetchall()
    known = {name for (names,) in rows for name in names} - _NOT_OURS
    for name in options:
        if name not in known:
            raise StepError(
                f"{function} has no option `{name}`.", code="load_option", cure=did_you_mean(name, known, "options")
            )


def _exact(path: str) -> str:
    """The path as a pattern that matches it alone: DuckDB takes every path for a glob."""
    return re.sub(r"([*?\[])", r"[\1]", path)

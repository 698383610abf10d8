"""Does what the expectations measure depend on the database alone, and not on the clock, on files or on chance?

A table does. A view runs its query whenever it is read. What cannot be told for certain counts as a dependence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from provisioner.declare.values import TableKind, fold
from provisioner.observe.spelling import BARE_CALLS
from provisioner.observe.values import Want

if TYPE_CHECKING:
    import duckdb

# Words that DuckDB takes for a function's call without brackets, and those that draw lots.
_CALLED_BARE = ("sample", "tablesample", *BARE_CALLS)
# DuckDB calls these steady, and they look at the clock.
_FROM_THE_CLOCK = ("age", "current_localtime", "current_localtimestamp")
# Table functions that give the same rows whenever they are called.
_STEADY_TABLES = ("generate_series", "range", "repeat", "repeat_row", "unnest")
_VIEWS = """SELECT view_name, sql FROM system.main.duckdb_views() WHERE NOT internal
AND database_name = system.main.current_database()"""
# A macro may hold anything.
_UNSTEADY = """
    SELECT DISTINCT function_name FROM system.main.duckdb_functions() WHERE CASE
        WHEN function_type IN ('scalar', 'aggregate', 'window') THEN stability <> 'CONSISTENT'
        WHEN function_type = 'macro' THEN NOT internal OR system.main.contains(macro_definition, 'current_')
        ELSE true END"""
# A string, or a name and perhaps a bracket; from left to right, since each may hold the other's quotes.
_TOKEN = r"""'(?:[^']|'')*'|(?P<name>"(?:[^"]|"")*"|[A-Za-z_\x80-\U0010ffff][\w$]*)\s*(?P<bracket>\()?"""
# A name such as "a.csv" may stand for a file.
_LIKE_A_FILE = r"[./\\:*?]"


def rests_on_database(connection: duckdb.DuckDBPyConnection, wants: Iterable[Want]) -> bool:
    """Whether every expectation of these wants can only be met or missed by a write to the database."""
    measured = [fold(want.table.name) for want in wants if want.kind is TableKind.VIEW and not want.expect.empty]
    if not measured:
        return True
    views: dict[str, str] = {}
    for name, sql in connection.execute(_VIEWS).fetchall():
        # Views of one name in several schemas are read as one.
        views[fold(name)] = f"{views.get(fold(name), '')} {sql.partition(' AS ')[2]}"
    unsteady = {fold(name) for (name,) in connection.execute(_UNSTEADY).fetchall()}
    unsteady = unsteady.union(_FROM_THE_CLOCK).difference(_STEADY_TABLES)
    return not any(_is_unsteady(sql, unsteady) for sql in _closure(measured, views))


def _closure(names: list[str], views: Mapping[str, str]) -> list[str]:
    """The queries of these views and of all views that they name."""
    seen, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen and name in views:
            seen.add(name)
            waiting += [word for word, _ in _words(views[name])]
    return [views[name] for name in sorted(seen)]


def _is_unsteady(sql: str, unsteady: set[str]) -> bool:
    return any(
        word in _CALLED_BARE or re.search(_LIKE_A_FILE, word) or (called and word in unsteady)
        for word, called in _words(sql)
    )


def _words(sql: str) -> list[tuple[str, bool]]:
    """Every name and keyword of a query, folded, and whether a bracket follows it."""
    found = [(token["name"], token["bracket"]) for token in re.finditer(_TOKEN, sql) if token["name"]]
    return [(fold(word[1:-1].replace('""', '"') if word[0] == '"' else word), bool(bracket)) for word, bracket in found]

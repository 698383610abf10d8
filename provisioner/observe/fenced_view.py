"""The views that a sandbox leaves behind. They are read outside of it, so what they read must stand in them.

That is tables, DuckDB's own functions, and declared files by their names. Judged is what DuckDB understood.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from provisioner.declare.values import DEFAULT_SCHEMA, TableName
from provisioner.observe.fence import Fence
from provisioner.observe.lexer import lex

if TYPE_CHECKING:
    import duckdb

CALM = frozenset(("range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree", "histogram"))
"""Table functions that read what they are given."""
CATALOGUE = re.compile(
    r"duckdb_(?:columns|constraints|databases|dependencies|functions|indexes|keywords|schemas|sequences|tables|types|views)"
    r"|pragma_(?:database_size|show|storage_info|table_info|version)"
)
FILES = re.compile(r"read_\w+|parquet_\w+|sniff_csv|glob")
# Also as schema.name does DuckDB take such a name for a file's, where no table has it.
_ENDINGS = frozenset(
    (
        *("csv", "tsv", "txt", "parquet", "json", "jsonl", "ndjson", "geojson", "db", "duckdb", "xlsx", "avro"),
        *("shp", "gpkg", "fgb", "arrow", "arrows", "ipc", "vortex", "gz", "zst", "zstd", "bz2"),
    )
)
_PARTS = ("catalog_name", "schema_name", "table_name")
_VIEWS = "SELECT schema_name, view_name, sql FROM system.main.duckdb_views() WHERE NOT internal AND NOT temporary"
_FUNCTIONS = "SELECT function_name, internal FROM system.main.duckdb_functions()"
Views = frozenset[tuple[str, str, str]]


def lasting_views(connection: duckdb.DuckDBPyConnection) -> Views:
    """Every view of the database: its schema, its name, and DuckDB's own words for it."""
    return frozenset(connection.execute(_VIEWS).fetchall())


def find_fault(connection: duckdb.DuckDBPyConnection, views: Views, fence: Fence) -> str | None:
    """Why one of these views must not be left behind, None when all may. Macros are those of this moment."""
    if not views:
        return None
    files = {os.path.realpath(path) for path in fence.paths}
    known = _known(connection)
    for _, name, sql in sorted(views):
        tree = json.loads(_serialise(connection, _body(sql)))
        fault = next(_faults(tree, known, fence, files), None)
        if tree["error"] or fault:
            return f"leaves the view {name}, which {fault or 'DuckDB cannot take apart'}"
    return None


def unreadable_views(connection: duckdb.DuckDBPyConnection, fence: Fence) -> dict[TableName, str]:
    """The views of the database that no look may read, each with why; so may none that reads one of them.

    The fence alone would not do: some functions write, or change settings, whatever they may touch.
    """
    files, known = {os.path.realpath(path) for path in fence.paths}, _known(connection)
    faults, reads = dict[TableName, str](), dict[TableName, set[TableName]]()
    for schema, name, sql in sorted(lasting_views(connection)):
        view, tree = TableName(schema, name), json.loads(_serialise(connection, _body(sql)))
        reads[view] = {TableName(*named) for named in _tables(tree)}
        if tree["error"]:
            faults[view] = "DuckDB cannot take apart"
        elif fault := next(_faults(tree, known, fence, files), ""):
            faults[view] = fault
    while more := {view: read for view, names in reads.items() if view not in faults for read in names & faults.keys()}:
        faults |= {view: f"reads {read}, which {faults[read]}" for view, read in more.items()}
    return faults


def _tables(tree: Any) -> Iterator[tuple[str, str]]:
    for node in _nodes(tree):
        if node.get("type") == "BASE_TABLE":
            yield node.get("schema_name") or DEFAULT_SCHEMA, node.get("table_name", "")


def _known(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """DuckDB's own functions, but for those that a macro stands in front of."""
    rows = connection.execute(_FUNCTIONS).fetchall()
    return {name.lower() for name, own in rows if own} - {name.lower() for name, own in rows if not own}


def _serialise(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    (row,) = connection.execute("SELECT system.main.json_serialize_sql(?::VARCHAR)", [query]).fetchall()
    return str(row[0])


def _body(sql: str) -> str:
    """The query of a view, from `CREATE VIEW name (columns) AS query;`."""
    start = next(token.start for token in lex(sql) if token.text == "AS")
    return sql[start + 2 :].strip().rstrip(";")


def _faults(tree: Any, known: set[str], fence: Fence, files: set[str]) -> Iterator[str]:
    for node in _nodes(tree):
        kind = node.get("type")
        if kind in ("BASE_TABLE", "SHOW_REF"):
            parts = [part for key in _PARTS if (part := str(node.get(key, "")).strip('"'))]
            if _like_a_file(parts) and not _declared(name := ".".join(parts), fence, files):
                yield f"reads {name}, which may be a file that is not declared"
        elif kind == "TABLE_FUNCTION":
            yield from _call_faults(node["function"], fence, files)
        elif node.get("class") == "FUNCTION" and node["function_name"].lower() not in known:
            yield f"calls {node['function_name']}, which is none of DuckDB's own functions"


def _call_faults(call: dict[str, Any], fence: Fence, files: set[str]) -> Iterator[str]:
    name = call["function_name"].lower()
    if name in CALM or CATALOGUE.fullmatch(name):
        return
    if not FILES.fullmatch(name):
        yield f"calls {name}"
        return
    for given in _given(call):
        if given is None or not _declared(given, fence, files):
            yield f"reads {given or 'a computed name'} with {name}, and not a file declared under that very name"


def _given(call: dict[str, Any]) -> list[str | None]:
    """The names of files that a call is given, None for what is no literal. Trees differ by version."""
    parts = _arguments(call)
    first = parts[0] if parts else {}
    if first.get("class") == "FUNCTION" and first["function_name"] == "list_value":
        return [_literal(part) for part in _arguments(first)] or [None]
    return [_literal(first)]


def _arguments(call: dict[str, Any]) -> list[dict[str, Any]]:
    return [part.get("expression", part) for part in call.get("arguments") or call.get("children") or ()]


def _literal(node: dict[str, Any]) -> str | None:
    if node.get("class") != "CONSTANT":
        return None
    text = node["literal"].get("text") if "literal" in node else node["value"].get("value")
    return text if isinstance(text, str) else None


def _like_a_file(parts: list[str]) -> bool:
    """parts: of a name; DuckDB puts them together where no table has it."""
    return any(re.search(r"[./\\:*?\[~]", part) for part in parts) or (len(parts) > 1 and parts[-1].lower() in _ENDINGS)


def _declared(name: str, fence: Fence, files: set[str]) -> bool:
    return os.path.realpath(fence.folder / name) in files


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(part)

"""What SQL reads, found with sqlglot. Kept apart because sqlglot is slow to import."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from provisioner.declare.values import DEFAULT_SCHEMA, TableName, fold

_DATA_FILE = re.compile(
    r"\.(?:csv|tsv|txt|parquet|json|jsonl|ndjson|xlsx|db|duckdb)(?:\.gz|\.zst)?$|[*?]|://", re.IGNORECASE
)
_SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "system", "temp"})
_SYSTEM_VIEW = re.compile(r"(?:duckdb|pragma)_\w+$|pg_\w+$|sqlite_(?:temp_)?(?:master|schema)$")
_FILE_FUNCTION = re.compile(r"(?:read_\w+|\w+_scan|scan_\w+|sniff_csv|glob|st_read|parquet_\w+)$")
# A statement that sqlglot keeps as opaque text reads nothing when it begins with one of these.
_READS_NOTHING = re.compile(
    r"(?:set|reset|load|install|pragma|vacuum|analyze|checkpoint|drop|comment|deallocate|show"
    r"|create (?:or replace )?(?:persistent |temporary |temp )?secret)(?!\w)",
    re.IGNORECASE,
)
_TARGETS = (exp.Create, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Alter, exp.Comment, exp.AlterRename)


@dataclass(frozen=True, slots=True)
class Found:
    """tables: read. understood: False when a statement could not be parsed, so that nothing is known."""

    tables: tuple[TableName, ...]
    files: tuple[str, ...]
    understood: bool


def find_reads(statements: Iterable[str]) -> Found:
    """The relations and literal file paths that the statements read, in order, without what earlier ones made."""
    tables: dict[TableName, None] = {}
    files: dict[str, None] = {}
    made: set[TableName] = set()
    for text in statements:
        tree = _parse(text)
        if tree is None:
            return Found((), (), False)
        for table in tree.find_all(exp.Table):
            files |= dict.fromkeys(_files(table))
            if (name := _read(table)) and name not in made:
                tables[name] = None
        files |= dict.fromkeys(_copied(tree))
        made |= _made(tree)
    return Found(tuple(tables), tuple(files), True)


def _parse(text: str) -> Any:
    """The statement's tree, None when there is none to trust. EXPLAIN reads what the statement behind it reads."""
    text = re.sub(r"\A\s*explain\s+(?:analyze\s+)?", "", text, flags=re.IGNORECASE)
    logger = logging.getLogger("sqlglot")
    level, logger.level = logger.level, logging.ERROR
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError):
        return exp.Command() if _READS_NOTHING.match(text) else None
    finally:
        logger.level = level
    return None if isinstance(tree, exp.Command) and not _READS_NOTHING.match(text) else tree


def _read(table: exp.Table) -> TableName | None:
    """The relation that a mention of a table reads, None when it reads none."""
    if not isinstance(table.this, exp.Identifier) or _is_target(table) or _is_system(table) or _is_file(table):
        return None
    if not table.db and _is_cte(table):
        return None
    return _name(table)


def _name(table: exp.Table) -> TableName:
    return TableName(table.db or DEFAULT_SCHEMA, table.name)


def _is_target(table: exp.Table) -> bool:
    """Whether the statement writes this table rather than reads it."""
    parent: Any = table.parent
    key = table.arg_key
    if isinstance(parent, exp.Schema):
        key, parent = parent.arg_key, parent.parent
    if isinstance(parent, exp.Copy):
        return bool(parent.args.get("kind"))  # True for COPY ... FROM
    if isinstance(parent, exp.Drop | exp.TruncateTable | exp.UserDefinedFunction):
        return True
    return isinstance(parent, _TARGETS) and key == "this"


def _is_system(table: exp.Table) -> bool:
    if fold(table.db) in _SYSTEM_SCHEMAS or fold(table.catalog) in ("system", "temp"):
        return True
    return not table.db and bool(_SYSTEM_VIEW.match(fold(table.name)))


def _is_file(table: exp.Table) -> bool:
    return not table.db and table.this.quoted and bool(_DATA_FILE.search(table.name))


def _is_cte(table: exp.Table) -> bool:
    """Whether the name is that of a CTE in sight: of an enclosing query, or an earlier one of the same WITH."""
    name = fold(table.name)
    child: Any = table
    while (node := child.parent) is not None:
        if isinstance(node, exp.With):
            if name in _in_sight(node, child):
                return True
            child = node.parent  # the query of this WITH: its body sees more than its CTEs do
            continue
        clause = next((value for value in node.args.values() if isinstance(value, exp.With)), None)
        if clause and name in (fold(cte.alias) for cte in clause.expressions):
            return True
        child = node
    return False


def _in_sight(clause: exp.With, inside: Any) -> Iterator[str]:
    """The CTEs that one of them may read: those before it, and itself when it recurs."""
    for cte in clause.expressions:
        if cte is not inside or clause.args.get("recursive"):
            yield fold(cte.alias)
        if cte is inside:
            return


def _files(table: exp.Table) -> Iterator[str]:
    if isinstance(table.this, exp.Identifier):
        if _is_file(table):
            yield table.name
        return
    call = table.this
    if not isinstance(call, exp.Func) or not _FILE_FUNCTION.match(_function(call)):
        return
    first = next((part for part in (call.this, *call.expressions) if isinstance(part, exp.Expression)), None)
    literals = first.expressions if isinstance(first, exp.Array) else [first]
    yield from (literal.this for literal in literals if isinstance(literal, exp.Literal) and literal.is_string)


def _function(call: exp.Func) -> str:
    return fold(call.name if isinstance(call, exp.Anonymous) else call.sql_name())


def _copied(tree: Any) -> Iterator[str]:
    if isinstance(tree, exp.Copy) and tree.args.get("kind"):
        yield from (file.this for file in tree.args.get("files") or () if isinstance(file, exp.Literal))


def _made(tree: Any) -> set[TableName]:
    """What the statement makes: later statements that read it read the script's own."""
    if isinstance(tree, exp.Create) and tree.kind in ("TABLE", "VIEW"):
        return {_name(table) for table in _first_table(tree.this)}
    renames = tree.find_all(exp.AlterRename) if isinstance(tree, exp.Alter) else ()
    schema = tree.this.db or DEFAULT_SCHEMA if isinstance(tree, exp.Alter) else DEFAULT_SCHEMA
    return {TableName(schema, table.name) for rename in renames for table in _first_table(rename.this)}


def _first_table(node: Any) -> tuple[exp.Table, ...]:
    found = node.find(exp.Table)
    return (found,) if found else ()

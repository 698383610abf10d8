"""The runner of sql steps."""

from __future__ import annotations

from pathlib import Path

import duckdb

from provisioner.declare.values import TableKind
from provisioner.errors import StepError
from provisioner.execute.runners.ddl import drop_relation, ensure_schema
from provisioner.observe.complaints import NAMELESS, blame_surroundings
from provisioner.observe.fence import Fence, cure_of
from provisioner.observe.fenced_sql import refuse_leaving
from provisioner.observe.fenced_view import find_fault, lasting_views
from provisioner.observe.sql import Script, Statement, parse_script, say_error
from provisioner.observe.values import Unit


def run_sql(
    connection: duckdb.DuckDBPyConnection,
    unit: Unit,
    text: str,
    path: str,
    fence: Fence | None = None,
    *,
    database: Path = NAMELESS,
) -> None:
    """Make the unit's relations from nothing, inside the open transaction.

    A script that is one query becomes the unit's one relation; any other runs statement by statement.
    path, database: for messages. fence: what the connection is enclosed in. Raises StepError with file and line:
    sql_failed, sandbox, or the code of what failed around it; and what parse_script raises.
    """
    script = parse_script(text, path)
    if fence is not None:
        refuse_leaving(script, path)
    for table in unit.tables:
        drop_relation(connection, table)
        ensure_schema(connection, table)
    for statement, sql in _statements(unit, script, path):
        try:
            _execute(connection, statement, sql, path, fence)
        except (duckdb.InterruptException, duckdb.FatalException):
            raise
        except (duckdb.Error, RuntimeError, ValueError) as error:
            # ValueError: DuckDB 1.5 says in bytes that are no text what it finds in a damaged file.
            raise _say(error, statement, path, fence, database) from error


def _execute(
    connection: duckdb.DuckDBPyConnection, statement: Statement, sql: str, path: str, fence: Fence | None
) -> None:
    if fence is None or "view" not in sql.lower():
        connection.execute(sql)
        return
    before = lasting_views(connection)
    connection.execute(sql)
    if fault := find_fault(connection, lasting_views(connection) - before, fence):
        message = f"{path}:{statement.line}: it {fault}; this manifest's policy.sandbox_sql keeps SQL from that."
        cure = "Make it a table, or let it read tables, and files under the names that stand in the step's `inputs`."
        raise StepError(message, code="sandbox", cure=cure)


def _statements(unit: Unit, script: Script, path: str) -> list[tuple[Statement, str]]:
    if not script.single_select:
        return [(statement, statement.text) for statement in script.statements]
    if len(unit.wants) != 1:
        tables = ", ".join(map(str, unit.tables))
        raise StepError(
            f"{path} is one query, and the step {unit.id} makes {len(unit.wants)} tables: {tables}.",
            code="sql_one_query",
            cure="Write a CREATE TABLE for each, or one step for each.",
        )
    want = unit.wants[0]
    made = "VIEW" if want.kind is TableKind.VIEW else "TABLE"
    query = script.statements[0]
    # On the query's own first line, so that DuckDB's line numbers stay those of the file.
    return [(query, f"CREATE {made} {want.table.sql} AS {query.text}")]


def _say(error: Exception, statement: Statement, path: str, fence: Fence | None, database: Path) -> StepError:
    line, words = say_error(error, statement.line)
    if blamed := blame_surroundings(error, database):
        return StepError(f"{path}:{line}: {blamed.message}", code=blamed.code, cure=blamed.cure)
    if fence is not None and (cure := cure_of(words, fence.folder)):
        return StepError(f"{path}:{line}: policy.sandbox_sql keeps SQL from this: {words}", code="sandbox", cure=cure)
    return StepError(f"{path}:{line}: {words}", code="sql_failed", cure=_cure(words, path, line))


def _cure(words: str, path: str, line: int) -> str:
    if "already exists" in words:
        return f"Write CREATE OR REPLACE at {path}:{line}, or name it in the manifest as a table of this step."
    if "does not exist" in words and "Table" in words:
        return f"Mend the name at {path}:{line}; name what a macro or an extension reads in the step's `reads:`."
    return f"Mend {path} at line {line}."

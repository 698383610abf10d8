"""Random tables that become other random tables, with their rows: what must hold whatever changes.

Several tables share a database, so that an example costs little. Beside them lies what nothing declares.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml
from examples import examples
from hypothesis import HealthCheck, Phase, given, note
from hypothesis import strategies as st
from random_tables import Pair, pairs, quote

import provisioner
from provisioner import ProvisionError
from provisioner.declare.values import VIOLATIONS
from provisioner.reconcile.values import Plan

Entries = dict[str, dict[str, Any]]
# That takes many minutes, and an example names its tables.
WITHOUT_SHRINKING = (Phase.reuse, Phase.generate)
FORBIDDEN = {str(kind) for kind in VIOLATIONS}
BYSTANDERS = """
    CREATE SCHEMA theirs; CREATE SEQUENCE theirs.numbers START 5; CREATE TYPE theirs.mood AS ENUM ('x');
    CREATE TABLE theirs.log (id INTEGER DEFAULT nextval('theirs.numbers') PRIMARY KEY, m theirs.mood, note VARCHAR);
    INSERT INTO theirs.log (m, note) VALUES ('x', 'one'), (NULL, 'two');
    CREATE INDEX theirs_notes ON theirs.log (note); COMMENT ON TABLE theirs.log IS 'theirs';
    CREATE VIEW theirs.shown AS SELECT note FROM theirs.log; CREATE MACRO theirs.twice(x) AS x || x
"""
STRUCTURE = """
    SELECT 'table', schema_name, table_name, sql, comment, column_count::VARCHAR FROM duckdb_tables() WHERE NOT internal
    UNION ALL SELECT 'view', schema_name, view_name, sql, comment, '' FROM duckdb_views() WHERE NOT internal
    UNION ALL SELECT 'index', schema_name, index_name, sql, comment, '' FROM duckdb_indexes()
    UNION ALL SELECT 'column', schema_name, table_name, column_name, comment, data_type FROM duckdb_columns()
        WHERE NOT internal
    UNION ALL SELECT 'sequence', schema_name, sequence_name, sql, comment, last_value::VARCHAR FROM duckdb_sequences()
    ORDER BY ALL
"""


@contextmanager
def connected(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / "build" / "shop.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def declare(folder: Path, tables: Entries) -> Path:
    manifest = {
        "version": 1, "name": "shop", "database": "build/shop.duckdb", "tiers": ["one", "two"], "tables": tables,
    }  # fmt: skip
    path = folder / "provision.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True))
    return path


def everything(folder: Path) -> list[Any]:
    """Structure and rows, records too."""
    with connected(folder) as connection:
        found: list[Any] = connection.execute(STRUCTURE).fetchall()
        for _, schema, table, *_ in [row for row in found if row[0] == "table"]:
            found.append((schema, table, rows_of(connection, f"{quote(schema)}.{quote(table)}")))
    return found


def theirs(folder: Path) -> list[Any]:
    return [one for one in everything(folder) if "theirs" in one]


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    # As text: NaN is not itself.
    return sorted(map(repr, connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {table}").fetchall()))


def fill(folder: Path, tables: dict[str, Pair]) -> None:
    """Each row that its keys and checks let in."""
    with connected(folder) as connection:
        connection.execute(BYSTANDERS)
        for name, pair in tables.items():
            for row in pair.rows:
                columns, values = ", ".join(map(quote, row)), ", ".join(row.values())
                with suppress(duckdb.ConstraintException):
                    connection.execute(f"INSERT INTO {name} ({columns}) VALUES ({values})")


def promised(folder: Path, tables: dict[str, Pair]) -> dict[str, list[Any]]:
    """What each column that stays must hold afterwards, by `rid`, as DuckDB converts what there is now."""
    found = {}
    with connected(folder) as connection:
        for name, pair in tables.items():
            for column, new in pair.after["columns"].items():
                old = pair.renamed.get(column, column)
                if "generated" in new or old not in pair.before["columns"]:
                    continue
                had = pair.before["columns"][old]
                if "generated" in had:
                    continue
                value = quote(old) if had["type"] == new["type"] else f"TRY_CAST({quote(old)} AS {new['type']})"
                value = f"coalesce({value}, {new['backfill']})" if "backfill" in new else value
                query = f"SELECT rid, CAST(CAST({value} AS {new['type']}) AS VARCHAR) FROM {name} ORDER BY ALL"
                found[f"{name}/{column}"] = connection.execute(query).fetchall()
    return found


def kept(folder: Path, columns: list[str]) -> dict[str, list[Any]]:
    found = {}
    with connected(folder) as connection:
        for one in columns:
            name, _, column = one.partition("/")
            query = f"SELECT rid, CAST({quote(column)} AS VARCHAR) FROM {name} ORDER BY ALL"
            found[one] = connection.execute(query).fetchall()
    return found


def in_the_way(plan: Plan) -> set[str]:
    """Tables that nobody can change as they are: their rows do not allow it, or no statement of DuckDB leads there."""
    return {str(one.table) for one in plan.by_hand} | {
        str(hazard.table) for hazard in plan.hazards if str(hazard.kind) in FORBIDDEN
    }


def refused(path: Path, **wishes: Any) -> str:
    try:
        provisioner.apply(path, cache=False, **wishes)
    except ProvisionError as error:
        return error.code
    return ""


@examples(6, phases=WITHOUT_SHRINKING, suppress_health_check=list(HealthCheck))
@given(st.lists(pairs(), min_size=1, max_size=6))
def test_any_table_becomes_any_other_with_its_rows_or_nothing_is_touched(found: list[Pair]) -> None:
    change(found)


def change(found: list[Pair]) -> None:
    """The whole way from one to the other, with all that must hold on it."""
    tables = {f"s{number}.t": pair for number, pair in enumerate(found)}
    with TemporaryDirectory() as text:
        folder = Path(text)
        provisioner.apply(declare(folder, {name: pair.before for name, pair in tables.items()}), cache=False)
        fill(folder, tables)
        path = declare(folder, {name: pair.after for name, pair in tables.items()})
        plan = provisioner.plan(path, cache=False)
        if stuck := in_the_way(plan):
            note(f"in the way: {plan.by_hand} {plan.hazards}")
            before = everything(folder)
            allowed = sorted({str(hazard.kind) for hazard in plan.hazards} - FORBIDDEN)
            code = refused(path, allow=allowed)
            assert code in ("rows_in_the_way", "by_hand")
            if code == "rows_in_the_way":
                assert everything(folder) == before
            left = {name: pair.before if name in stuck else pair.after for name, pair in tables.items()}
            tables = {name: pair for name, pair in tables.items() if name not in stuck}
            path = declare(folder, left)
            plan = provisioner.plan(path, cache=False)
        assert not in_the_way(plan), (plan.by_hand, plan.hazards)
        if plan.hazards:
            before = everything(folder)
            assert refused(path) == "hazard" and everything(folder) == before
        aside, wanted = theirs(folder), promised(folder, tables)
        allow = sorted({f"{hazard.kind}:{hazard.table}" for hazard in plan.hazards})
        provisioner.apply(path, allow=allow, cache=False)
        assert provisioner.plan(path, cache=False).converged
        assert kept(folder, list(wanted)) == wanted
        assert theirs(folder) == aside
        shutil.copy(folder / "build" / "shop.duckdb", folder / "build" / "copy.duckdb")
        shutil.move(folder / "build" / "copy.duckdb", folder / "build" / "shop.duckdb")
        assert provisioner.plan(path, cache=False).converged

"""Small projects to die in, each with an apply before it that has work of every kind, and all that must be so after it.

What must happen once leaves a row for every time that it happens: `counts_log`, `built_log`, the incremental `log`, the
hook's rows in `hooked`, the snapshot `kept`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import neighbours  # noqa: F401  so that the next line finds its module
from projects import Project, make

from provisioner.declare.values import quote

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """A project at the moment before an apply.

    make: writes it into a folder and returns its manifest; where it begins with a database, that is applied once and
    sources are edited since. dbt: whether its apply starts dbt.
    """

    name: str
    make: Callable[[Path], Path]
    dbt: bool = False


def database_of(manifest: Path) -> Path:
    """The database of a world, made or not."""
    return manifest.parent / "build" / "shop.duckdb"


def put(template: Path, folder: Path) -> Path:
    """The world that was made in one folder, in another one in the place of all that is there; its manifest.

    Times of files are kept. dbt's cache goes by the path: to a world with dbt give the same folder again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    return folder / "provision.yaml"


SALES = "id,v\n1,10\n2,20\n3,30\n"
NOTES = {
    "tier": "one",
    "columns": {"id": {"type": "BIGINT", "nullable": False}, "body": {"type": "VARCHAR", "default": "'new'"}},
    "primary_key": ["id"],
}
STEPS = {
    "sales": {"load": "sales.csv"},
    "counts": {"sql": "counts.sql"},
    "shown": {"sql": "shown.sql"},
    "built": {"python": "building:build"},
}
TABLES = {
    "notes": NOTES,
    "sales": {"tier": "one", "step": "sales", "columns": {"id": "INTEGER", "v": "BIGINT"}},
    "counted": {"tier": "two", "step": "counts"},
    "summed": {"tier": "two", "step": "counts", "columns": {"id": "INTEGER", "total": "HUGEINT"}},
    "shown": {"tier": "two", "step": "shown", "kind": "view"},
    "built": {"tier": "three", "step": "built"},
}
FILES = {
    "sales.csv": SALES,
    "counts.sql": (
        "CREATE TABLE IF NOT EXISTS counts_log (n BIGINT);\n"
        "INSERT INTO counts_log SELECT count(*) FROM sales;\n"
        "CREATE TABLE counted AS SELECT count(*) AS n FROM sales;\n"
        "CREATE TABLE summed (id INTEGER PRIMARY KEY, total HUGEINT NOT NULL);\n"
        "INSERT INTO summed SELECT id, sum(v) FROM sales GROUP BY id;\n"
        "CREATE INDEX by_total ON summed (total);\n"
        "COMMENT ON TABLE summed IS 'sums';\n"
    ),
    "shown.sql": "SELECT id, v FROM sales WHERE v > 10\n",
    "building.py": (
        "def build(connection, context):\n"
        '    connection.execute("CREATE TABLE IF NOT EXISTS built_log (n BIGINT)")\n'
        '    connection.execute("INSERT INTO built_log SELECT count(*) FROM notes")\n'
        '    connection.execute(f"CREATE TABLE {context.tables[0]} AS SELECT 1 AS id, 2 AS v")\n'
        '    connection.execute("CREATE UNIQUE INDEX built_id ON built (id)")\n'
    ),
}


def project(folder: Path, steps: Mapping[str, Any], tables: Mapping[str, Any], files: Mapping[str, str]) -> Project:
    """Its database has a folder to itself, so that nothing left beside it is overlooked."""
    made = make(folder, steps, tables, files)
    made.declare(database="build/shop.duckdb")
    return made


def _fresh(folder: Path) -> Path:
    return project(folder, STEPS, TABLES, FILES).path


PEOPLE = {
    "tier": "one",
    "columns": {"id": {"type": "INTEGER", "nullable": False}, "name": "VARCHAR"},
    "primary_key": ["id"],
    "protect": True,
}


def _repair(folder: Path) -> Path:
    """Users' rows under protection, an orphan, two sources edited and a view dropped since the last apply."""
    steps, tables = {**STEPS, "old": {"sql": "old.sql"}}, {**TABLES, "people": PEOPLE}
    files = {**FILES, "old.sql": "SELECT 1 AS x\n"}
    old = {"old": {"tier": "one", "step": "old"}}
    made = project(folder, steps, {**tables, **old}, files)
    made.apply()
    made.sql(
        "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob')",
        "INSERT INTO notes VALUES (7, 'kept')",
        "CREATE INDEX by_name ON people (name)",
        "COMMENT ON COLUMN people.name IS 'as spoken'",
        "DROP VIEW shown",
    )
    made.write("sales.csv", SALES + "4,40\n")
    made.write("counts.sql", FILES["counts.sql"] + "COMMENT ON COLUMN summed.total IS 'of v';\n")
    made.declare(steps=dict(STEPS), tables=tables)
    return made.path


OWNED = {
    "notes": {"tier": "one", "columns": {"id": "BIGINT", "body": "VARCHAR"}},
    "people": {
        **PEOPLE,
        "columns": {"id": {"type": "INTEGER", "nullable": False}, "name": "VARCHAR", "mood": "ENUM('sad', 'ok')"},
        "indexes": {"by_name": ["name"]},
    },
    "replies": {
        "tier": "one",
        "columns": {"person": "INTEGER", "text": "VARCHAR"},
        "foreign_keys": [{"columns": "person", "references": {"table": "people"}}],
        "comment": "of people",
    },
    "shown": {"tier": "two", "sql": "SELECT name FROM people"},
    "counted": {"tier": "three", "step": "counts"},
}
OWNED_LATER = {
    **OWNED,
    # Altered in place; the next one is made anew, with the rows that refer to it, and so is the view.
    "notes": {
        "tier": "one",
        "columns": {"id": "BIGINT", "text": {"type": "VARCHAR", "renamed_from": "body"}, "more": "INTEGER"},
    },
    "people": {
        **PEOPLE,
        "columns": {
            "id": {"type": "INTEGER", "nullable": False},
            "called": {"type": "VARCHAR", "renamed_from": "name"},
            "mood": "ENUM('sad', 'ok', 'glad')",
            "since": {"type": "DATE", "nullable": False, "backfill": "'2026-01-01'::DATE"},
        },
        "indexes": {"by_name": ["called"]},
        "unique": [["called"]],
    },
    "shown": {"tier": "two", "sql": "SELECT called, since FROM people"},
}


def _migrated(folder: Path) -> Path:
    """Tables with users' rows that are declared otherwise since the last apply, beside one that nobody declares."""
    counts = (
        "CREATE TABLE IF NOT EXISTS counts_log (n BIGINT);\nINSERT INTO counts_log SELECT count(*) FROM people;\n"
        "CREATE TABLE counted AS SELECT count(*) AS n FROM people;\n"
    )
    made = project(folder, {"counts": {"sql": "counts.sql"}}, OWNED, {"counts.sql": counts})
    made.apply()
    made.sql(
        "INSERT INTO notes VALUES (7, 'kept'), (8, NULL)",
        "INSERT INTO people VALUES (1, 'Ada', 'ok'), (2, 'Bob', NULL)",
        "INSERT INTO replies VALUES (1, 'a'), (1, 'b'), (NULL, 'c')",
        "CREATE TABLE theirs AS SELECT 1 AS x",
    )
    made.declare(tables=OWNED_LATER)
    return made.path


HOOK = "insert into {{ this }} values (99, 'hook')"
DBT_FILES = {
    "dbt/dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "dbt/profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: own.duckdb, threads: 1}\n",
    "dbt/seeds/events.csv": "id,note\n1,a\n2,b\n",
    "dbt/models/named.sql": "{{ config(materialized='view') }}\nselect id, note from {{ ref('events') }}\n",
    "dbt/models/plain.sql": (
        "{{ config(materialized='table') }}\nselect id, upper(note) as note from {{ ref('named') }}\n"
    ),
    "dbt/models/log.sql": "{{ config(materialized='incremental') }}\nselect id, note from {{ ref('named') }}\n",
    "dbt/models/hooked.sql": (
        f"{{{{ config(materialized='table', post_hook=\"{HOOK}\") }}}}\nselect id, note from {{{{ ref('named') }}}}\n"
    ),
    "dbt/models/sources.yml": (
        "sources: [{name: raw, schema: main, tables: [{name: sales}]}]\n"
        "models: [{name: sold, config: {materialized: table}}]\n"
    ),
    "dbt/models/sold.sql": "select id, v from {{ source('raw', 'sales') }}\n",
    "dbt/snapshots/kept.yml": (
        "snapshots:\n"
        "  - {name: kept, relation: ref('events'), config: {unique_key: id, strategy: check, check_cols: all}}\n"
    ),
    "sales.csv": SALES,
    "totals.sql": "SELECT count(*) AS n, max(note) AS last FROM plain\n",
}
DBT_STEPS = {
    "seeds": {"dbt": "seed"},
    "models": {"dbt": "run"},
    "snapshots": {"dbt": "snapshot"},
    "sales": {"load": "sales.csv"},
    "totals": {"sql": "totals.sql"},
}
DBT_TABLES = {
    "events": {"tier": "one", "step": "seeds"},
    "sales": {"tier": "one", "step": "sales"},
    "named": {"tier": "two", "step": "models", "kind": "view"},
    **{name: {"tier": "two", "step": "models"} for name in ("plain", "log", "hooked", "sold")},
    "kept": {"tier": "three", "step": "snapshots"},
    "totals": {"tier": "three", "step": "totals"},
}


def _dbt(folder: Path) -> Path:
    return _dbt_project(folder).path


def _dbt_project(folder: Path) -> Project:
    made = project(folder, DBT_STEPS, DBT_TABLES, DBT_FILES)
    made.declare(dbt={"project_dir": "dbt"})
    return made


def _dbt_repair(folder: Path) -> Path:
    """The seed and a model edited since the last apply. The incremental `log` is to have run twice in the end."""
    made = _dbt_project(folder)
    made.apply()
    made.write("dbt/seeds/events.csv", "id,note\n1,a\n2,c\n3,d\n")
    made.write("dbt/models/sold.sql", "select id, v * 2 as v from {{ source('raw', 'sales') }}\n")
    return made.path


WORLDS = {
    world.name: world
    for world in (
        World("fresh", _fresh),
        World("repair", _repair),
        World("migrated", _migrated),
        World("dbt", _dbt, dbt=True),
        World("dbt_repair", _dbt_repair, dbt=True),
    )
}

OF_COLUMNS = (
    "SELECT schema_name, table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() WHERE {mine}"
)
OF_RELATIONS = (
    "SELECT schema_name, table_name, 'table', comment FROM duckdb_tables() WHERE {mine} UNION ALL "
    "SELECT schema_name, view_name, 'view', comment FROM duckdb_views() WHERE {mine}"
)
OF_KEYS = (
    "SELECT schema_name, table_name, constraint_type, constraint_column_names::VARCHAR"
    " FROM duckdb_constraints() WHERE {mine}"
)
OF_INDEXES = "SELECT schema_name, table_name, index_name, is_unique, expressions FROM duckdb_indexes() WHERE {mine}"
OF_STAMPS = "SELECT schema_name, table_name, unit, fingerprint, base, protect FROM _provisioner.stamps"
OF_MARKS = "SELECT schema_name, table_name, unit, existed, kept FROM _provisioner.marks"
MINE = "NOT internal AND schema_name <> '_provisioner' AND database_name = current_database()"
MINE_ANYHOW = "schema_name <> '_provisioner' AND database_name = current_database()"


def facts_of(database: Path) -> Facts:
    """What is in a database, and must equal an undisturbed run; opens it to read.

    Without what tells of time: runs, moments, and the columns that a snapshot keeps of them. Leftover relations are
    among the relations, marks among the marks, leftover files among the files.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relations = _rows(connection, OF_RELATIONS.format(mine=MINE))
        return {
            "relations": relations,
            "columns": _rows(connection, OF_COLUMNS.format(mine=MINE)),
            "keys": _rows(connection, OF_KEYS.format(mine=MINE_ANYHOW)),
            "indexes": _rows(connection, OF_INDEXES.format(mine=MINE_ANYHOW)),
            "stamps": _rows(connection, OF_STAMPS),
            "marks": _rows(connection, OF_MARKS),
            "content": {f"{schema}.{name}": _content(connection, schema, name) for schema, name, *_ in relations},
            "files": sorted(_beside(database)),
        }


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(query).fetchall(), key=repr)


def _content(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> list[tuple[Any, ...]]:
    described = connection.execute(f'DESCRIBE "{schema}"."{name}"').fetchall()
    columns = [quote(row[0]) for row in described]
    # Of dbt's own columns only whether they hold something: the rest is time, and what is made from it.
    asked = [f"{column} IS NULL" if column.startswith('"dbt_') else f"{column}::VARCHAR" for column in columns]
    return _rows(connection, f'SELECT {", ".join(asked)} FROM "{schema}"."{name}"')


def _beside(database: Path) -> set[str]:
    """Files that an apply should not have left, without the moment in the name of what was set aside.

    Journal and lock files stay. So does the name of a dead holder, until the next one: nobody trusts it.
    """
    staying = {database.name, *(f"{database.name}.{ending}" for ending in ("lock", "guard", "holder", "journal"))}
    return {re.sub("-2[0-9TZ.]*", "", path.name) for path in database.parent.iterdir()} - staying


def differences(wanted: Facts, found: Facts) -> list[str]:
    """One line for each fact that is not as in an undisturbed run."""
    told = []
    for key in wanted:
        if wanted[key] == found[key]:
            continue
        if isinstance(wanted[key], dict):
            told += [
                f"{name}: {found[key].get(name)} instead of {rows}"
                for name, rows in wanted[key].items()
                if found[key].get(name) != rows
            ]
            told += [f"{name} should not be there" for name in found[key].keys() - wanted[key].keys()]
            continue
        told += [f"{key}: {one} is missing" for one in wanted[key] if one not in found[key]]
        told += [f"{key}: {one} should not be there" for one in found[key] if one not in wanted[key]]
    return told

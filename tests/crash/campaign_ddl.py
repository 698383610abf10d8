"""Every DDL that provision and dbt emit, and more: committed, killed, opened again.

Each set of statements is committed by a process that is then killed. What `apply` opens must hold what was committed,
or, where DuckDB cannot replay its own log, be as before with the log kept under another name.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
from campaign import Result, Scale
from damage import mark_as_ours
from forked import Forked, answer

from provisioner.errors import DatabaseError
from provisioner.execute.opening import open_folded, revive

BASE = """
    CREATE SEQUENCE sq; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE MACRO twice(x) AS x || x; CREATE SCHEMA s2;
    CREATE TABLE t (id INTEGER, name VARCHAR, d DATE, n DECIMAL(10, 2) DEFAULT 1.5, s STRUCT(a INTEGER, b VARCHAR));
    INSERT INTO t SELECT i, 'n' || i, DATE '2020-01-01', i, {'a': i, 'b': 'x'} FROM range(10) r(i);
    CREATE TABLE k (id INTEGER PRIMARY KEY, v VARCHAR NOT NULL UNIQUE, CHECK (id >= 0)); INSERT INTO k VALUES (1, 'a');
    CREATE TABLE x (a INTEGER); CREATE INDEX ix ON x (a); CREATE VIEW vw AS SELECT id, name FROM t;
"""
# ruff: noqa: E501  a line is a transaction
# What our own files emit: declared tables, what is put aside, records and their older forms.
OURS = """
    CREATE TABLE g ("id" BIGINT NOT NULL, "b" VARCHAR DEFAULT ('new'), PRIMARY KEY ("id")); INSERT INTO g (id) VALUES (1)
    CREATE TABLE g (a TIMESTAMP DEFAULT (now()), b INTEGER DEFAULT (abs(-3)), c UUID DEFAULT (uuid())); INSERT INTO g (b) VALUES (2)
    CREATE TABLE g (a INTEGER DEFAULT (nextval('sq'))); INSERT INTO g DEFAULT VALUES
    CREATE TABLE g (a mood DEFAULT ('ok'), s STRUCT(a INTEGER) DEFAULT ({'a': 1}), l INTEGER[] DEFAULT ([1, 2])); INSERT INTO g DEFAULT VALUES
    CREATE TABLE g (a INTEGER); COMMENT ON COLUMN g.a IS 'it''s a'; COMMENT ON TABLE g IS 'g'
    CREATE SCHEMA IF NOT EXISTS s3; CREATE TABLE s3.g AS SELECT 1 AS a
    ALTER TABLE t RENAME TO "t__kept_20260101-000000-abcd"; CREATE TABLE t AS SELECT 5 AS id
    ALTER VIEW vw RENAME TO "vw__kept"; CREATE VIEW vw AS SELECT 7 AS id; DROP VIEW "vw__kept"
    CREATE TABLE k__kept AS FROM k; TRUNCATE k; INSERT INTO k FROM k__kept; DROP TABLE k__kept
    DROP TABLE x; DROP VIEW vw; DROP TABLE t
    CREATE SCHEMA _p; CREATE TABLE _p.stamps (a VARCHAR); INSERT INTO _p.stamps VALUES ('x'); ALTER TABLE _p.stamps ADD COLUMN "died" VARCHAR
    CREATE TABLE new (id INTEGER NOT NULL, name VARCHAR); INSERT INTO new SELECT id, name FROM t; DROP VIEW vw; DROP TABLE t; ALTER TABLE new RENAME TO t; CREATE INDEX i ON t (id)
"""
# What dbt-duckdb emits: tables, views, seeds, incremental models with schema changes, snapshots, grants, docs.
DBT = """
    CREATE TABLE m__dbt_tmp AS (SELECT * FROM t); ALTER TABLE t RENAME TO t__dbt_backup; ALTER TABLE m__dbt_tmp RENAME TO t; DROP TABLE IF EXISTS t__dbt_backup CASCADE
    CREATE VIEW vw__dbt_tmp AS (SELECT 1 AS id); ALTER VIEW vw RENAME TO vw__dbt_backup; ALTER VIEW vw__dbt_tmp RENAME TO vw; DROP VIEW IF EXISTS vw__dbt_backup CASCADE
    CREATE OR REPLACE VIEW vw AS (SELECT 2 AS id)
    CREATE OR REPLACE TABLE t AS (SELECT * FROM range(5))
    DROP VIEW vw; CREATE TABLE vw AS (SELECT 1 AS id)
    ALTER TABLE t ADD COLUMN extra VARCHAR; UPDATE t SET extra = name
    ALTER TABLE t ADD COLUMN "id__dbt_alter" BIGINT; UPDATE t SET "id__dbt_alter" = id; DROP VIEW vw; ALTER TABLE t DROP COLUMN id CASCADE; ALTER TABLE t RENAME COLUMN "id__dbt_alter" TO id
    DELETE FROM t USING (SELECT 3 AS id) d WHERE t.id = d.id; INSERT INTO t (id, name) SELECT 3, 'again'
    CREATE TABLE snap AS SELECT *, md5(name) AS dbt_scd_id, now() AS dbt_valid_from, NULL::TIMESTAMP AS dbt_valid_to FROM t; UPDATE snap SET dbt_valid_to = now() WHERE id < 3; INSERT INTO snap SELECT * FROM snap WHERE id < 3
    CREATE TABLE seed (a INTEGER, b VARCHAR); INSERT INTO seed VALUES (1, 'x'), (2, 'y'); TRUNCATE seed; INSERT INTO seed VALUES (3, 'z')
    COMMENT ON TABLE t IS 'doc'; COMMENT ON COLUMN t.id IS 'doc'; COMMENT ON VIEW vw IS 'doc'
    CREATE UNIQUE INDEX u ON t (id); DROP INDEX u
    CREATE SCHEMA IF NOT EXISTS "s 4"; DROP SCHEMA s2 CASCADE
    MERGE INTO k USING (SELECT 1 AS id, 'b' AS v) n ON k.id = n.id WHEN MATCHED THEN UPDATE SET v = n.v WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.v)
"""
# What a script, a hook or an application may do; some of it no DuckDB replays when it opens the database.
SCRIPTS = """
    ALTER TABLE t ALTER name TYPE INTEGER USING length(name)
    ALTER TABLE t ALTER name TYPE BLOB USING encode(name)
    ALTER TABLE t ALTER id TYPE VARCHAR USING (twice(id::VARCHAR))
    ALTER TABLE t ALTER id TYPE BIGINT
    ALTER TABLE t ALTER s TYPE STRUCT(a BIGINT, b VARCHAR)
    ALTER TABLE t ADD COLUMN z INTEGER DEFAULT 5
    ALTER TABLE t ADD COLUMN z VARCHAR DEFAULT upper('x')
    ALTER TABLE t ADD COLUMN z VARCHAR DEFAULT twice('x')
    ALTER TABLE t ADD COLUMN z INTEGER[] DEFAULT [1, 2]
    ALTER TABLE t ADD COLUMN z INTEGER DEFAULT nextval('sq')
    ALTER TABLE t ADD COLUMN z mood DEFAULT 'ok'
    ALTER TABLE t ALTER n SET DEFAULT abs(-3); INSERT INTO t (id) VALUES (77)
    ALTER TABLE t ALTER n DROP DEFAULT
    ALTER TABLE t ALTER id SET NOT NULL; ALTER TABLE t ALTER id DROP NOT NULL
    ALTER TABLE t ADD PRIMARY KEY (id); INSERT INTO t (id) VALUES (77)
    ALTER TABLE t ADD COLUMN s.c INTEGER
    ALTER TABLE t DROP COLUMN s.b
    ALTER TABLE t RENAME COLUMN s.b TO c
    ALTER TABLE t ALTER name TYPE VARCHAR USING trim(name); UPDATE t SET name = 'zz'; DROP VIEW vw; ALTER TABLE t RENAME TO tt
    CREATE TABLE g (a INTEGER, b INTEGER GENERATED ALWAYS AS (abs(a))); INSERT INTO g VALUES (-1); ALTER TABLE g ADD COLUMN c INTEGER DEFAULT abs(-4)
    CREATE TABLE g (a INTEGER CHECK (abs(a) < 9), b VARCHAR COLLATE NOCASE); INSERT INTO g VALUES (5, 'x')
    CREATE TABLE g (m MAP(VARCHAR, INTEGER), u UNION(a INTEGER, b VARCHAR)); INSERT INTO g VALUES (map(['a'], [1]), 5); ALTER TABLE g DROP COLUMN u
    CREATE MACRO m3(a) AS TABLE SELECT * FROM t; CREATE VIEW v3 AS SELECT twice('a') AS a; DROP MACRO twice
    CREATE TYPE m2 AS ENUM ('x'); CREATE TABLE g (a m2); INSERT INTO g VALUES ('x'); DROP TABLE g; DROP TYPE m2
    CREATE INDEX i2 ON t (abs(id)); CREATE INDEX i3 ON t ((id + 1)); DELETE FROM t WHERE id = 3; INSERT INTO t (id) VALUES (3)
    CREATE SEQUENCE s9; CREATE TABLE g AS SELECT nextval('s9') AS a; DROP SEQUENCE s9
    CREATE TABLE big AS SELECT range AS a, range::VARCHAR AS b FROM range(300_000); ALTER TABLE big ALTER b TYPE INTEGER USING length(b)
"""
_WITHOUT_CHANCE = """
    SELECT table_name || '.' || column_name || ' ' || data_type || CASE WHEN is_nullable THEN '' ELSE ' NOT NULL' END
    FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal ORDER BY ALL
"""


def campaign(scale: Scale) -> Result:
    points = scale.sample([(name, text, ours) for name, text in statements() for ours in (True, False)], 30)
    make_base(scale.folder / "base.duckdb")
    with ProcessPoolExecutor(scale.jobs, get_context("fork")) as pool:
        found = list(pool.map(partial(_try, scale.folder), range(len(points)), points))
    aside = sum(said == "aside" for said, _ in found)
    attached = sum(said == "attached" for said, _ in found)
    refused = sum(said == "refused" for said, _ in found)
    note = f"{attached} that only attaching replays, {aside} set aside, {refused} not of this version"
    return Result(len(points), tuple(wrong for _, wrong in found if wrong), note)


def statements() -> list[tuple[str, str]]:
    groups = {"ours": OURS, "dbt": DBT, "scripts": SCRIPTS}
    return [(name, line.strip()) for name, text in groups.items() for line in text.strip().splitlines()]


def make_base(path: Path) -> None:
    def work() -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute(BASE)
            mark_as_ours(connection)

    answer(work, path.with_suffix(".said"))


def _try(folder: Path, number: int, point: tuple[str, str, bool]) -> tuple[str, str]:
    name, text, ours = point
    here = folder / f"{os.getpid()}-{number}"
    here.mkdir()
    try:
        said, wrong = try_statements(folder / "base.duckdb", here, text, ours=ours)
    except Exception as problem:
        said, wrong = "wrong", str(problem)[-400:]
    shutil.rmtree(here)
    print(f"ddl: {number}", file=sys.stderr) if number % 50 == 49 else None
    return said, wrong and f"{name}, {'ours' if ours else 'of others'}: {text}: {wrong}"


def try_statements(base: Path, here: Path, text: str, *, ours: bool) -> tuple[str, str]:
    """replayed, attached, aside, refused (by this version); and what was wrong.

    Those of ours are committed as a unit's are: what alters goes past the log.
    """
    wanted_in, died_in = (Path(shutil.copy(base, here / f"{name}.duckdb")) for name in ("wanted", "died"))
    try:
        wanted = answer(partial(_undisturbed, wanted_in, text, ours), here / "said")
    except AssertionError as refused:
        return ("refused", "") if "Error: " in str(refused) else ("wrong", str(refused)[-300:])
    assert Forked(partial(_commit_and_die, died_in, text, ours), here / "said").go().wait().killed
    before = answer(partial(_facts_of, Path(shutil.copy(base, here / "before.duckdb"))), here / "said")
    how, found = answer(partial(_reopen, died_in), here / "said")
    if how == "aside":
        kept = list(here.glob("died.duckdb.wal.unreplayable-*"))
        return how, "" if found == before and len(kept) == 1 else f"set aside {len(kept)}; {found} instead of {before}"
    return how, "" if found == wanted else f"{found} instead of {wanted}"


def _carry_out(connection: duckdb.DuckDBPyConnection, text: str, ours: bool) -> None:
    if ours and "alter" in text.lower():
        connection.execute("SET wal_autocheckpoint = '0B'")
    connection.execute("BEGIN")
    if ours:
        mark_as_ours(connection)
    connection.execute(text)
    connection.execute("COMMIT")


def _undisturbed(path: Path, text: str, ours: bool) -> Any:
    with duckdb.connect(str(path)) as connection:
        _carry_out(connection, text, ours)
    return _facts_of(path)


def _commit_and_die(path: Path, text: str, ours: bool) -> int:
    connection = duckdb.connect(str(path))
    _carry_out(connection, text, ours)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def _reopen(path: Path) -> tuple[str, Any]:
    """As `apply` does under its lock, and what is there then."""
    said: list[str] = []
    how = "replayed"
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error:
        how = "attached"
    try:
        revive(path, lambda: open_folded(path).close(), lambda note: said.append(note.text), without_wal=False)  # type: ignore[union-attr]
    except DatabaseError as error:
        if error.code != "database_wal" or "--without-wal" not in error.cure:
            raise
        revive(path, lambda: open_folded(path).close(), lambda note: said.append(note.text), without_wal=True)  # type: ignore[union-attr]
    return ("aside" if said else how), _facts_of(path)


def _facts_of(path: Path) -> Any:
    """Every column, and the rows of every table, but for what chance and the clock made."""
    with duckdb.connect(str(path)) as connection:
        columns = connection.execute(_WITHOUT_CHANCE).fetchall()
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() "
            "AND schema_name NOT LIKE '\\_provisioner' ESCAPE '\\' ORDER BY ALL"
        ).fetchall()
        rows = {}
        for schema, table in tables:
            names = [
                column
                for column, kind in connection.execute(
                    "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?",
                    [schema, table],
                ).fetchall()
                if kind not in ("UUID", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
            ]
            listed = ", ".join('"' + name + '"' for name in names)
            found = connection.execute(f'SELECT {listed} FROM "{schema}"."{table}"').fetchall()
            rows[f"{schema}.{table}"] = [*sorted(map(repr, found))[:50], str(len(found))]
    return columns, rows

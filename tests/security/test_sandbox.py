"""`policy.sandbox_sql`: SQL of a step touches no file but the declared ones. Attempts to get out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

import provisioner
from provisioner import ProvisionError
from provisioner.declare.values import Place, Step, StepKind, TableName
from provisioner.execute.live import Live
from provisioner.execute.runners.sql import run_sql
from provisioner.observe.database import create
from provisioner.observe.fence import Fence, enclose, fence_of_step, lock
from provisioner.observe.values import Unit, UnitKind, Want

PLACE = Place("provision.yaml", 1, 1)

SECRET = "quarzwal"


class Yard:
    """A project with one step `out`, in the sandbox, that declares the inputs; a secret lies beside and outside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "data" / "ok.csv").write_text("a,b\n1,2\n")
        (self.folder / "data" / "more.csv").write_text("a,b\n3,4\n")
        (self.folder / "hidden.csv").write_text(f"a,b\n{SECRET},2\n")
        (folder / "outside.csv").write_text(f"a,b\n{SECRET},2\n")
        (self.folder / "data" / "link.csv").symlink_to(folder / "outside.csv")
        with duckdb.connect(str(folder / "other.duckdb")) as other:
            other.execute(f"CREATE TABLE t AS SELECT '{SECRET}' AS a")
        self.declare()

    def declare(self, sql: str = "SELECT 1 AS a", inputs: tuple[str, ...] = ("data/ok.csv",), **keys: Any) -> None:
        (self.folder / "out.sql").write_text(sql)
        manifest: dict[str, Any] = {
            "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"],
            "steps": {"out": {"sql": "out.sql", "inputs": list(inputs), "reads": []}},
            "tables": {"out": {"tier": "one", "step": "out"}}, "policy": {"sandbox_sql": True},
        }  # fmt: skip
        (self.folder / "provision.yaml").write_text(yaml.safe_dump(manifest | keys))

    def run(self, sql: str, inputs: tuple[str, ...] = ("data/ok.csv",)) -> list[tuple[Any, ...]]:
        """As a step does, but for all that leads to it. Returns the rows of its table."""
        step = Step("out", StepKind.SQL, "out.sql", PLACE, inputs=inputs)
        unit = Unit("out", UnitKind.SQL, 0, (Want(TableName("main", "out"), None),), (), "out.sql", "out")
        fence = fence_of_step(step, self.folder)
        with Live(self.folder / "shop.duckdb", self.folder).apart(fence) as connection:
            connection.execute("BEGIN")
            run_sql(connection, unit, sql, "out.sql", fence)
            return connection.execute("FROM out").fetchall()

    def apply(self) -> None:
        provisioner.apply(self.folder / "provision.yaml")

    def refused(self) -> ProvisionError:
        with pytest.raises(ProvisionError) as caught:
            self.apply()
        return caught.value

    def rows(self) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "shop.duckdb"), read_only=True) as connection:
            return connection.execute("FROM out").fetchall()


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yard:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return Yard(tmp_path)


# What the SQL tries; {here}: the project, {up}: the folder above it.
ATTEMPTS = {
    "a file beside the declared one": "FROM 'data/more.csv'",
    "a file by its whole name": "FROM '{here}/hidden.csv'",
    "a file outside of the project": "FROM read_csv('{up}/outside.csv')",
    "through a link inside the project": "FROM 'data/link.csv'",
    "through a link by its whole name": "FROM '{here}/data/link.csv'",
    "up and down again": "FROM 'data/../hidden.csv'",
    "a pattern": "FROM 'data/*.csv'",
    "a pattern over everything": "FROM read_csv('{here}/**/*.csv')",
    "a declared file and another": "FROM read_csv(['data/ok.csv', 'hidden.csv'])",
    "a computed name": "FROM read_text('hid' || 'den.csv')",
    "as text": "FROM read_text('{here}/hidden.csv')",
    "as bytes": "FROM read_blob('{here}/hidden.csv')",
    "as Parquet": "FROM read_parquet('{here}/hidden.csv')",
    "as JSON": "FROM read_json('{here}/hidden.csv')",
    "what Parquet tells of it": "FROM parquet_schema('{here}/hidden.csv')",
    "what a CSV looks like": "FROM sniff_csv('{here}/hidden.csv')",
    "the names of files": "FROM glob('{here}/*')",
    "the environment": "FROM read_text('/proc/self/environ')",
    "the users of the machine": "FROM read_csv('/etc/passwd')",
    "through query()": "FROM query('FROM read_text(''{here}/hidden.csv'')')",
    "through a variable": "SET VARIABLE f = '{here}/hidden.csv'; CREATE TABLE out AS FROM read_text(getvariable('f'))",
    "through a temporary macro": "CREATE TEMP MACRO m(f) AS TABLE FROM read_text(f); FROM m('{here}/hidden.csv')",
    "a view for later": "CREATE VIEW out AS FROM '{here}/hidden.csv'",
    "a macro for later": "CREATE MACRO m(f) AS TABLE FROM read_text(f); CREATE TABLE out AS SELECT 1",
    "a macro in the place of a function": "CREATE OR REPLACE FUNCTION count_star() AS 7; CREATE TABLE out AS SELECT 1",
    "the network": "FROM 'http://127.0.0.1:9/x.csv'",
    "the network, encrypted": "FROM read_parquet('https://127.0.0.1:9/x.parquet')",
    "a bucket": "FROM 's3://bucket/x.parquet'",
    "an extension by its name": "LOAD httpfs",
    "an extension from a file": "LOAD '{up}/evil.duckdb_extension'",
    "an extension from the network": "INSTALL httpfs",
    "an extension by another's name": "FORCE INSTALL h3 FROM community",
    "a function of an extension": "FROM st_read('{here}/hidden.csv')",
    "another database": "ATTACH '{up}/other.duckdb' AS o; CREATE TABLE out AS FROM o.t",
    "another database as a file": "FROM '{up}/other.duckdb'",
    "copying in": "CREATE TABLE out (a VARCHAR, b VARCHAR); COPY out FROM '{here}/hidden.csv'",
    "copying out": "CREATE TABLE out AS SELECT 1; COPY out TO '{here}/new.csv'",
    "copying over the declared file": "COPY (SELECT 7) TO '{here}/data/ok.csv' (USE_TMP_FILE false)",
    "copying over the database": "COPY (SELECT 7) TO '{here}/shop.duckdb' (USE_TMP_FILE false)",
    "copying out, explained": "EXPLAIN ANALYZE COPY (SELECT 1) TO '{here}/new.csv'",
    "copying out, prepared": "PREPARE p AS COPY (SELECT 1) TO '{here}/new.csv'; EXECUTE p",
    "the whole database": "EXPORT DATABASE '{here}/new'",
    "a database brought in": "IMPORT DATABASE '{here}/new'",
    "opening the fence": "SET enable_external_access = true; CREATE TABLE out AS FROM '{here}/hidden.csv'",
    "opening it by RESET": "RESET enable_external_access; CREATE TABLE out AS FROM '{here}/hidden.csv'",
    "widening it": "SET GLOBAL allowed_directories = ['/']; CREATE TABLE out AS FROM '{here}/hidden.csv'",
    "picking its lock": "SET lock_configuration = false; CREATE TABLE out AS FROM '{here}/hidden.csv'",
    "a pragma": "PRAGMA enable_profiling; CREATE TABLE out AS SELECT 1",
    "spilling elsewhere": "SET temp_directory = '{here}/new'; CREATE TABLE out AS SELECT 1",
    "a log in a file": "CALL enable_logging('QueryLog', storage = 'file', storage_path = '{here}/new')",
    "a log, selected": "FROM enable_logging('QueryLog', storage = 'file', storage_path = '{here}/new')",
    "a secret": "CREATE SECRET s (TYPE http, BEARER_TOKEN 'x'); CREATE TABLE out AS SELECT 1",
    "a secret that stays": "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x'); CREATE TABLE out AS SELECT 1",
    "text that runs": "FROM query('SELECT 42')",
    "text that runs, in other words": 'FROM system.main."QuERY"/* */(\'SELECT 42\')',
    "text that runs, after a space of another alphabet": "FROM query\u00a0('SELECT 42')",
    "text that runs, in backticks": "FROM `query`('SELECT 42')",
    "text that names a table": "FROM query_table('data/ok.csv')",
    "text that runs, from JSON": "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 42'))",
    "text that is planned": "SELECT json_serialize_plan('FROM ''{here}/hidden.csv''')",
    "text that runs, in a macro": "CREATE TEMP MACRO m(s) AS TABLE FROM query(s); CREATE TABLE out AS FROM m('a')",
    "profiles over the declared file": "FROM query('FROM enable_' || 'profiling(format=''json'',"
    " save_location=''{here}/data/ok.csv'')'); CREATE TABLE out AS SELECT 1",
    "profiles, called": "FROM \"enable_profiling\" (format='json', save_location='{here}/data/ok.csv')",
    "a log that is gone": "FROM truncate_duckdb_logs()",
    "in a second statement of WITH": "WITH s AS (FROM '{here}/hidden.csv') SELECT * FROM s",
    "copying a table that is called from": 'CREATE TABLE out AS SELECT 1; CREATE TABLE main."from" AS SELECT 7;'
    " COPY main.from TO '{here}/data/ok.csv' (USE_TMP_FILE false)",
    "copying over the database, by that name": 'CREATE TABLE out AS SELECT 1; CREATE TABLE main."from" AS SELECT 7;'
    " COPY main.from TO '{here}/shop.duckdb' (USE_TMP_FILE false)",
    "text that runs, behind a string that is none": "SELECT $\u20ac$ ' $\u20ac$ AS a"
    " FROM query($\u20ac$SELECT 42$\u20ac$) -- '",
    "a macro, behind a string that is none": "CREATE TABLE out AS SELECT $\u00b7$ ' $\u00b7$ AS a;"
    " CREATE MACRO m(f) AS TABLE FROM read_text(f); -- '",
    "text that runs, behind a string without its e": 'CREATE TYPE "\u20ace" AS VARCHAR;'
    " CREATE TABLE out AS SELECT \u20ace'\\' AS a FROM query($$SELECT 42$$) --'",
    "a line in a log": "SELECT write_log('hi')",
    "hidden by comments": "/* */ co/**/py (SELECT 1) -- from\n TO '{here}/new.csv'",
}  # fmt: skip
OTHER_CODES = {
    "another database": "sql_refused", "the whole database": "sql_refused", "a database brought in": "sql_refused",
    "picking its lock": "sql_refused",
    "hidden by comments": "sql_syntax", "a function of an extension": "sql_failed",
    "text that runs, in backticks": "sql_syntax",  # with DuckDB 1.5
}  # fmt: skip
"""Refused also without a sandbox."""


@pytest.fixture
def files_before(yard: Yard) -> Iterator[None]:
    """Nothing but our own files appears, and no file changes."""
    before = _files(yard.folder.parent)
    yield
    after = _files(yard.folder.parent)
    ours = {name for name in after if name.startswith(("shop/shop.duckdb", "cache/")) or name == "shop/out.sql"}
    assert {name: after[name] for name in after.keys() - ours} == {name: before[name] for name in before.keys() - ours}


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.usefixtures("files_before")
def test_sql_does_not_get_out_by(attempt: str, yard: Yard) -> None:
    create(yard.folder / "shop.duckdb")
    with pytest.raises(ProvisionError) as caught:
        yard.run(ATTEMPTS[attempt].format(here=yard.folder, up=yard.folder.parent))
    error = caught.value
    assert error.code in (OTHER_CODES.get(attempt), "sandbox")
    assert "out.sql" in str(error)
    assert error.cure
    assert SECRET not in str(error)


@pytest.mark.parametrize("attempt", ["a file beside the declared one", "a macro for later", "picking its lock"])
@pytest.mark.usefixtures("files_before")
def test_an_apply_is_refused_where_sql_tries_to_get_out_by(attempt: str, yard: Yard) -> None:
    yard.declare(ATTEMPTS[attempt].format(here=yard.folder, up=yard.folder.parent))
    assert yard.refused().code == OTHER_CODES.get(attempt, "sandbox")


# What is harmless inside, and reads a file outside; {here}: the project.
LASTING = {
    "a macro in the place of a function": (
        "CREATE TEMP MACRO read_text(f) AS TABLE SELECT 'x' AS content;"
        " CREATE VIEW out AS FROM read_text('/etc/hostname')"
    ),
    "a macro that is dropped": (
        "CREATE TEMP MACRO m(f) AS f; CREATE VIEW out AS SELECT m('x') AS a; DROP MACRO m"
    ),
    "a macro of the database, hidden meanwhile": (
        "CREATE TEMP MACRO content_of(f) AS f; CREATE VIEW out AS SELECT content_of('{here}/hidden.csv') AS a"
    ),
    "a macro of the database, told where it is": (
        "CREATE VIEW out AS SELECT content_of(CASE WHEN current_setting('enable_external_access')"
        " THEN '{here}/hidden.csv' ELSE 'data/ok.csv' END) AS a"
    ),
    "a name that is found out": (
        "CREATE VIEW out AS FROM read_text(CASE WHEN current_setting('enable_external_access')"
        " THEN '{here}/hidden.csv' ELSE 'data/ok.csv' END)"
    ),
    "a name that is found out, in a list": (
        "CREATE VIEW out AS FROM read_text(['data/ok.csv', coalesce(getvariable('f'), 'data/ok.csv')])"
    ),
    "a table in the place of a file": (
        'CREATE TEMP TABLE "hidden.csv" AS SELECT 1; CREATE VIEW out AS FROM "hidden.csv"'
    ),
    "a table in the place of a file, in a schema": (
        "CREATE SCHEMA hidden; CREATE TABLE hidden.csv AS SELECT 1 AS a;"
        " CREATE VIEW out AS (SELECT (SELECT a FROM hidden.csv))"
    ),
    "a table in the place of a file, further down": (
        'CREATE TEMP TABLE "/etc/x.csv" AS SELECT 1 AS a; CREATE VIEW out AS'
        ' WITH s AS (SELECT a FROM "/etc/x.csv") FROM s UNION ALL FROM (DESCRIBE FROM s) SELECT 1'
    ),
    "a table in the place of a file, packed, in a schema": (
        'CREATE SCHEMA "hidden.csv"; CREATE TABLE "hidden.csv".gz AS SELECT 1 AS a;'
        ' CREATE VIEW out AS FROM "hidden.csv".gz'
    ),
    "a table in the place of a file, packed, in a schema of the database": (
        "CREATE SCHEMA csv; CREATE TABLE csv.zst AS SELECT 1 AS a; CREATE VIEW out AS FROM shop.csv.zst"
    ),
    "a view of another name": "CREATE TABLE out AS SELECT 1; CREATE TEMP TABLE \"h.csv\" AS SELECT 1;"
    ' CREATE OR REPLACE VIEW other AS FROM "h.csv"',
    "a recursive view": (
        'CREATE TEMP TABLE "h.csv" AS SELECT 1 AS n; CREATE RECURSIVE VIEW out(n) AS SELECT n FROM "h.csv"'
        " UNION ALL SELECT n + 1 FROM out WHERE n < 1"
    ),
    "the secrets of who looks": "CREATE VIEW out AS FROM duckdb_secrets()",
}  # fmt: skip


@pytest.mark.parametrize("way", LASTING)
def test_no_view_is_left_that_reads_more_outside_than_inside_by(way: str, yard: Yard) -> None:
    create(yard.folder / "shop.duckdb")
    with duckdb.connect(str(yard.folder / "shop.duckdb")) as connection:
        connection.execute("CREATE MACRO content_of(f) AS (SELECT content FROM read_text(f))")
    with pytest.raises(ProvisionError) as caught:
        yard.run(LASTING[way].format(here=yard.folder))
    assert (caught.value.code, "leaves the view" in str(caught.value)) == ("sandbox", True)


KEPT = {
    "a file": "FROM 'data/ok.csv'",
    "a file by its whole name": "FROM read_csv('{here}/data/ok.csv', header = true)",
    "a list of files": "SELECT a FROM read_csv(['./data/ok.csv', 'data/../data/ok.csv'],"
    " columns = {{'a': 'INT', 'b': 'INT'}})",
    "what DuckDB knows": "SELECT table_name FROM duckdb_tables() JOIN information_schema.tables USING (table_name)",
    "all sorts": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, "
    "list_transform([n],"
    " lambda x: x + 1)[1] AS l, row_number() OVER (ORDER BY n) AS i, n::DECIMAL(9, 2) AS d, {{'a': 'x' || n}}.a AS s,"
    " strftime(DATE '2026-01-01' + INTERVAL 1 DAY, '%Y') AS y, coalesce(nullif(n, 1), 2) AS c, 'x' LIKE 'y' AS k"
    " FROM r, range(2), generate_series(1, 2), unnest([1]) QUALIFY i < 9 ORDER BY ALL",
    "grouped": "SELECT a, count(*) AS n, sum(b) FILTER (WHERE b > 1) AS s, list(b ORDER BY a) AS l, mode(b) AS m,"
    " grouping(a) AS g FROM plain GROUP BY ROLLUP (a)",
    "pivoted": "FROM plain PIVOT (sum(b) FOR a IN (1, 2))",
    "columns": "SELECT * EXCLUDE (b), columns('b') + 1 AS c FROM plain ASOF JOIN plain AS other USING (a)",
}


@pytest.mark.parametrize("view", KEPT)
def test_a_view_is_left_that_reads_tables_and_declared_files(view: str, yard: Yard) -> None:
    create(yard.folder / "shop.duckdb")
    sql = KEPT[view].format(here=yard.folder)
    yard.run(f"CREATE TABLE plain AS SELECT 1 AS a, 2 AS b; CREATE VIEW out AS {sql}")


# What the fence itself refuses, should a statement ever get past the rules for statements.
UNDOING = (
    "SET enable_external_access = true", "RESET enable_external_access", "SET lock_configuration = false",
    "SET allowed_paths = ['/etc/passwd']", "SET allowed_directories = ['/']", "SET autoload_known_extensions = true",
    "SET temp_directory = '/tmp/elsewhere'", "SET file_search_path = '/etc'", "SET secret_directory = '/tmp'",
    "SET log_query_path = '/tmp/provision-log'", "LOAD httpfs", "INSTALL httpfs", "FROM read_csv('/etc/passwd')",
    "ATTACH '/tmp/provision-other.duckdb'", "COPY (SELECT 1) TO '/tmp/provision-out.csv'",
    "FROM read_text('/proc/self/environ')", "FROM 'http://127.0.0.1:9/x.csv'",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
)  # fmt: skip


@pytest.mark.parametrize("statement", UNDOING)
def test_the_fence_alone_refuses(statement: str, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        enclose(connection, Fence((), tmp_path))
        lock(connection)
        with connection.cursor() as other, pytest.raises(duckdb.Error, match=r"disabled|locked"):
            other.execute(statement)


# Names for declared files, as SQL may write them.
ALLOWED = {
    "a file": ("FROM 'data/ok.csv'", ["data/ok.csv"]),
    "with a dot before it": ("FROM './data/ok.csv'", ["data/ok.csv"]),
    "a file by its whole name": ("FROM '{here}/data/ok.csv'", ["data/ok.csv"]),
    "declared by its whole name": ("FROM 'data/ok.csv'", ["{here}/data/ok.csv"]),
    "a pattern": ("FROM read_csv('data/*.csv')", ["data/*.csv"]),
    "one file of a pattern": ("FROM read_csv('data/ok.csv')", ["data/*.csv"]),
    "a list": ("FROM read_csv(['data/ok.csv', 'data/more.csv'])", ["data/ok.csv", "data/more.csv"]),
    "a computed name": ("FROM read_csv('data/' || 'ok.csv')", ["data/ok.csv"]),
    "a declared link": ("FROM 'data/link.csv'", ["data/link.csv"]),
    "copied in": ('CREATE TABLE out ("to" INT, b INT); COPY out ("to", b) FROM \'data/ok.csv\'', ["data/ok.csv"]),
    "odd characters": ("FROM read_csv('data/we''ird,[x] .csv')", ["data/we'ird,[x] .csv"]),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_declared_files_are_read_from_any_folder(case: str, yard: Yard) -> None:
    (yard.folder / "data" / "we'ird,[x] .csv").write_text("a,b\n1,2\n")
    sql, inputs = ALLOWED[case]
    create(yard.folder / "shop.duckdb")
    assert yard.run(sql.format(here=yard.folder), tuple(text.format(here=yard.folder) for text in inputs))


SCRIPT = """
CREATE SCHEMA IF NOT EXISTS more;
CREATE TEMP MACRO twice(x) AS x * 2;
SET VARIABLE factor = 3;
CREATE TYPE mood AS ENUM ('fine');
CREATE TEMP TABLE t AS SELECT range AS a FROM range(10);
CREATE OR REPLACE TABLE out AS
    WITH s AS (FROM t) SELECT twice(a) * getvariable('factor') AS a, 'fine'::mood AS m FROM s;
INSERT INTO out VALUES (1, 'fine');
UPDATE out SET a = 2 WHERE a = 1;
DELETE FROM out WHERE a = 0;
ALTER TABLE out ADD COLUMN b INTEGER;
CREATE INDEX by_a ON out (a);
COMMENT ON TABLE out IS 'all sorts';
CREATE TABLE more.v AS PIVOT out ON m IN ('fine') USING sum(a);
"""


def test_all_that_makes_tables_works_in_the_sandbox(yard: Yard) -> None:
    yard.declare(SCRIPT, (), tables={"out": {"tier": "one", "step": "out"}, "more.v": {"tier": "one", "step": "out"}})
    yard.apply()
    assert len(yard.rows()) == 10


def test_a_file_of_the_working_directory_does_not_stand_in_for_a_declared_one(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = yard.folder.parent / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    (elsewhere / "data" / "ok.csv").write_text(f"a\n{SECRET}\n")
    monkeypatch.chdir(elsewhere)
    yard.declare("FROM 'data/ok.csv'")
    error = yard.refused()
    assert (error.code, str(yard.folder) in error.cure) == ("sandbox", True)


def test_views_over_declared_files_are_verified_and_stay(yard: Yard) -> None:
    table = {"tier": "one", "step": "out", "kind": "view", "expect": {"min_rows": 1}}
    yard.declare("FROM 'data/ok.csv'", tables={"out": table})
    yard.apply()
    assert not provisioner.plan(yard.folder / "provision.yaml", cache=False).actions


def test_a_look_binds_views_in_the_sandbox_too(yard: Yard) -> None:
    """Whoever changed the view, a plan does not read what it points to."""
    table = {"tier": "one", "step": "out", "kind": "view", "expect": {"min_rows": 1}}
    yard.declare("FROM 'data/ok.csv'", tables={"out": table})
    yard.apply()
    with duckdb.connect(str(yard.folder / "shop.duckdb")) as connection:
        connection.execute(f"CREATE OR REPLACE VIEW out AS FROM read_csv('{yard.folder}/hidden.csv')")
    (action,) = provisioner.plan(yard.folder / "provision.yaml", cache=False).actions
    assert "not a file declared" in action.reasons[0].fact


def test_a_look_runs_no_view_that_writes_or_changes_settings(yard: Yard) -> None:
    """A declared file may be touched, but what a look reads is not to be written over; nor through another view."""
    table = {"tier": "one", "step": "out", "kind": "view", "expect": {"min_rows": 0}}
    yard.declare("SELECT 1 AS a", tables={"out": table})
    yard.apply()
    call = f"enable_profiling(format='json', save_location='{yard.folder}/data/ok.csv')"
    with duckdb.connect(str(yard.folder / "shop.duckdb")) as connection:
        connection.execute(f"CREATE VIEW inner_one AS SELECT 1 AS a FROM {call}")
        connection.execute("CREATE OR REPLACE VIEW out AS SELECT a FROM inner_one")
    (action,) = provisioner.plan(yard.folder / "provision.yaml", cache=False).actions
    assert "reads inner_one, which calls enable_profiling" in action.reasons[0].fact
    assert (yard.folder / "data" / "ok.csv").read_text() == "a,b\n1,2\n"


def test_steps_of_other_kinds_and_declared_tables_work_beside_the_sandbox(yard: Yard) -> None:
    (yard.folder / "code.py").write_text(
        "def build(connection, context):\n"
        f"    connection.execute(\"CREATE TABLE made AS FROM '{yard.folder}/hidden.csv'\")\n"
    )
    steps = {"out": {"sql": "out.sql"}, "loaded": {"load": "data/more.csv"}, "made": {"python": "code:build"}}
    tables = {"notes": {"tier": "one", "columns": {"id": "INTEGER"}}}
    tables |= {name: {"tier": "one", "step": name} for name in steps}
    yard.declare("SELECT a FROM loaded", steps=steps, tables=tables)
    yard.apply()
    assert yard.rows() == [(3,)]


def test_an_environment_may_set_the_sandbox(yard: Yard) -> None:
    yard.declare("FROM 'hidden.csv'", policy={}, environments={"prod": {"policy": {"sandbox_sql": True}}})
    with pytest.raises(ProvisionError) as caught:
        provisioner.apply(yard.folder / "provision.yaml", env="prod")
    assert caught.value.code == "sandbox"
    yard.apply()


def test_sql_that_needs_more_memory_than_there_is_spills_in_the_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path), config={"memory_limit": "60MB", "threads": 1}) as connection:
        enclose(connection, Fence((), tmp_path))
        lock(connection)
        connection.execute("CREATE TEMP TABLE t AS SELECT range AS a, hash(range) AS h FROM range(6000000)")
        spilled = connection.execute("SELECT count(*) FROM duckdb_temporary_files()").fetchall()
        assert spilled[0][0] > 0
        assert connection.execute("SELECT count(DISTINCT h % 1000) FROM t").fetchall() == [(1000,)]
    assert not os.listdir(tmp_path) or os.listdir(tmp_path) == ["x.duckdb"]

"""A sql step makes its relations from nothing, and an error names file and line."""

import duckdb
import pytest
from step_world import rows, sql_unit, want

from provisioner.declare.values import TableKind
from provisioner.errors import StepError
from provisioner.execute.runners.sql import run_sql

VIEW = want("t", TableKind.VIEW)


@pytest.mark.parametrize(
    "before", ["SELECT 1", "CREATE TABLE t (z INT)", "CREATE VIEW t AS SELECT 9", "CREATE TABLE T (z INT)"]
)
@pytest.mark.parametrize(
    ("wanted", "sql"),
    [
        (want("t"), "select 1 as a"),
        (VIEW, "-- why\nselect 1 as a; -- done"),
        (want("t"), "create table t (a int); insert into t values (1);"),
        (VIEW, "create view t as select 1 as a"),
        (want("t"), "pivot (select 1 as a, 'x' as b) on b using sum(a)"),
        (want("t"), "with c as (select 1 as a) from c"),
    ],
)
def test_the_relation_is_made_anew(connection, before, wanted, sql):
    connection.execute(before)
    run_sql(connection, sql_unit(wanted), sql, "f.sql")
    assert rows(connection) == [(1,)]


def test_a_script_makes_several_tables_in_their_schemas(connection):
    unit = sql_unit(want("mart.a"), want('"odd ""s".b'))
    run_sql(connection, unit, 'create table mart.a as select 1 x; create table "odd ""s".b as from mart.a', "f.sql")
    assert rows(connection, '"odd ""s".b') == [(1,)]


def test_a_pivot_leaves_no_type_in_the_database(connection):
    run_sql(connection, sql_unit(want("t")), "pivot (select 1 as a, 'x' as b) on b using sum(a)", "f.sql")
    assert rows(connection, "duckdb_types() SELECT type_name WHERE NOT internal AND database_name <> 'temp'") == []


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("select 1 as a,\n  nope", 2, "nope"),
        ("create table t as\nselect 1;\n\ninsert into t\nfrom missing", 5, "missing"),
        ("create table t as select 1 a;\ncreate table t as select 1 a", 2, "already exists"),
        ("create table t (a int not null);\n\ninsert into t values (null)", 3, "NOT NULL"),
        ("-- é\nselect 'x'::int as a", 2, "Could not convert"),
        ("pivot (select 1 a) on b", 1, "b"),
        ("select error('mine') a", 1, "mine"),
    ],
)
def test_an_error_names_file_and_line(connection, sql, line, words):
    with pytest.raises(StepError) as caught:
        run_sql(connection, sql_unit(want("t")), sql, "sql/f.sql")
    assert caught.value.code == "sql_failed"
    assert caught.value.message.startswith(f"sql/f.sql:{line}: ")
    assert words in caught.value.message and "LINE" not in caught.value.message
    assert caught.value.cure


def test_too_little_memory_is_not_told_as_a_mistake_in_the_sql(tmp_path):
    settings = {"memory_limit": "20MB", "temp_directory": "", "threads": "1"}
    sql = "select 1 as a;\n\ncreate table t as select list(md5(range::varchar)) from range(1_000_000)"
    with duckdb.connect(config=settings) as connection, pytest.raises(StepError) as caught:
        run_sql(connection, sql_unit(want("t")), sql, "sql/f.sql", database=tmp_path / "t.duckdb")
    assert caught.value.code == "out_of_memory" and "Mend" not in caught.value.cure
    assert caught.value.message.startswith("sql/f.sql:3: ") and "t.duckdb" in caught.value.message


def test_one_query_cannot_make_two_tables(connection):
    with pytest.raises(StepError, match="one query") as caught:
        run_sql(connection, sql_unit(want("a"), want("b")), "select 1", "f.sql")
    assert caught.value.code == "sql_one_query"


def test_a_script_that_commits_is_refused_before_it_runs(connection):
    with pytest.raises(StepError):
        run_sql(connection, sql_unit(want("t")), "create table u (i int); commit", "f.sql")
    assert rows(connection, "duckdb_tables() SELECT count(*) WHERE table_name = 'u'") == [(0,)]

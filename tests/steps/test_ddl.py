"""Declared tables are made as declared, and a default can be nothing but one expression."""

from dataclasses import replace

import pytest
from step_world import PLACE, rows, want

from provisioner.declare.values import Column, TableName
from provisioner.errors import StepError
from provisioner.execute.runners.ddl import create_declared, drop_relation


def declared(*columns, key=()):
    return replace(want('odd."it\'s"'), columns=columns, primary_key=key)


def test_a_declared_table_has_all_that_was_declared(connection):
    columns = (
        Column("id", "BIGINT", PLACE, nullable=False),
        Column('bo"dy', "VARCHAR", PLACE, default="'it''s' -- why", comment="a 'remark'"),
    )
    create_declared(connection, declared(*columns, key=("id",)))
    connection.execute('INSERT INTO odd."it\'s" (id) VALUES (1)')
    assert rows(connection, 'odd."it\'s"') == [(1, "it's")]
    assert rows(connection, "duckdb_columns() SELECT comment WHERE column_name = 'bo\"dy'") == [("a 'remark'",)]
    assert rows(connection, "duckdb_constraints() SELECT count(*) WHERE constraint_type = 'PRIMARY KEY'") == [(1,)]


@pytest.mark.parametrize(
    "text", ["0", "now()", "'a' || ',;'", "[1, 2]", "(1 + 2) * 3", "1 -- one", "current_date", "{'a': 1}"]
)
def test_one_expression_is_a_default(connection, text):
    create_declared(connection, declared(Column("a", "BIGINT", PLACE), Column("b", "VARCHAR", PLACE, default=text)))
    assert rows(connection, 'odd."it\'s"') == []


@pytest.mark.parametrize(
    "text",
    ["", " -- x", "1), (2", "1) + (2", "1; drop table x", "1, 2", "1 from y", "1 as x", "x int", "1 check (a > 0)",
     "1) CHECK (b > 0", "'open", "((1)", "1 /* open", "1 order by 1"],
)  # fmt: skip
def test_anything_else_is_refused(connection, text):
    with pytest.raises(StepError) as caught:
        create_declared(connection, declared(Column("b", "BIGINT", PLACE, default=text)))
    assert (caught.value.code, "m.yaml:1:1" in caught.value.message) == ("default_expression", True)


def test_a_default_that_duckdb_refuses_is_an_error_of_ours(connection):
    with pytest.raises(StepError) as caught:
        create_declared(connection, declared(Column("b", "BIGINT", PLACE, default="(select 1)")))
    assert caught.value.code == "ddl_failed"


@pytest.mark.parametrize(
    "before", ["CREATE TABLE T (i INT)", "CREATE VIEW t AS SELECT 1", "CREATE TEMP TABLE u (i INT)"]
)
def test_a_relation_is_dropped_as_it_is_found(connection, before):
    connection.execute(before)
    connection.execute("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS i")
    drop_relation(connection, TableName("main", "t"))
    assert rows(connection, "(SHOW TABLES) SELECT count(*) WHERE lower(name) = 't'") == [(0,)]
    assert rows(connection, "s.t") == [(1,)]


def test_a_table_that_others_depend_on_is_not_dropped_in_silence(connection):
    connection.execute("CREATE TABLE t (i INT PRIMARY KEY); CREATE TABLE u (i INT REFERENCES t (i))")
    with pytest.raises(StepError) as caught:
        drop_relation(connection, TableName("main", "t"))
    assert caught.value.code == "ddl_failed"

"""Relations are dropped as they are found."""

import pytest
from step_world import rows

from provisioner.declare.values import TableName
from provisioner.errors import StepError
from provisioner.execute.runners.ddl import drop_relation


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

"""What is kept as a copy comes back whole: rows, keys, checks, defaults, indexes and comments; also under kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from provisioner.declare.values import TableKind, TableName
from provisioner.execute.aside import put_aside, put_back, recover
from provisioner.execute.opening import open_folded
from provisioner.observe.introspect import introspect
from provisioner.observe.structure import read_structures
from provisioner.observe.values import DbtNode, Unit, UnitKind, Want

Connection = duckdb.DuckDBPyConnection

ODD, PLAIN, KEYED, CHILD = (
    TableName(*name) for name in (("odd s", 'T "x'), ("main", "plain"), ("main", "keyed"), ("main", "child"))
)
ALL = (ODD, PLAIN, KEYED, CHILD)
WORLD = """
CREATE SCHEMA "odd s"; CREATE SEQUENCE numbers; CREATE MACRO nothing(x) AS x * 0;
CREATE TYPE mood AS ENUM ('a', 'b''c');
CREATE TABLE "odd s"."T ""x" (
    id INTEGER DEFAULT nextval('numbers') PRIMARY KEY, "na me" VARCHAR NOT NULL DEFAULT 'it''s', m mood,
    d DECIMAL(10, 2) CHECK (d > nothing(d)), s STRUCT(a INTEGER, "b c" VARCHAR[]), ts TIMESTAMPTZ DEFAULT now(),
    v VARCHAR COLLATE nocase, UNIQUE ("na me", d), CHECK (d < 1000000));
CREATE INDEX "i x" ON "odd s"."T ""x" (d);
CREATE UNIQUE INDEX of_both ON "odd s"."T ""x" ((d + 1), "na me");
INSERT INTO "odd s"."T ""x" ("na me", m, d) SELECT 'n' || i, 'a', i + 0.5 FROM range(200) t(i);
COMMENT ON TABLE "odd s"."T ""x" IS 'ta''ble'; COMMENT ON COLUMN "odd s"."T ""x"."na me" IS 'co''l';
COMMENT ON INDEX "odd s"."i x" IS 'in''dex';
CREATE TABLE plain (id INTEGER NOT NULL DEFAULT 7, b BOOLEAN DEFAULT 't');
INSERT INTO plain VALUES (1, true), (1, NULL);
CREATE TABLE keyed (id INTEGER PRIMARY KEY, note VARCHAR); INSERT INTO keyed VALUES (1, 'a'), (2, NULL);
CREATE TABLE child (id INTEGER REFERENCES keyed (id)); INSERT INTO child VALUES (1);
"""
MADE_ANEW = "DROP TABLE {0}; CREATE TABLE {0} AS SELECT 99 AS other"
IN_PLACE = [
    ("nothing", "SELECT 1", ALL),
    ("added rows", "INSERT INTO {0} BY NAME SELECT 90000 AS id, {1}", ALL[:3]),
    ("deleted rows", "DELETE FROM {0} WHERE id = 2", ALL[:3]),
    ("changed rows", "UPDATE {0} SET id = id + 70000", ALL[:2]),
    ("emptied it", "TRUNCATE {0}", ALL[:2]),
    ("dropped it", "DROP TABLE {0}", (ODD, PLAIN, CHILD)),
    ("made it anew", MADE_ANEW, (ODD, PLAIN, CHILD)),
    ("made a view of it", "DROP TABLE {0}; CREATE VIEW {0} AS SELECT 99 AS id", (ODD, PLAIN, CHILD)),
    ("dropped a column", "ALTER TABLE {0} DROP COLUMN b", (PLAIN,)),
    ("added a column", "ALTER TABLE {0} ADD COLUMN more INTEGER; UPDATE {0} SET more = 1", (PLAIN, CHILD)),
    ("took a default away", "ALTER TABLE {0} ALTER id DROP DEFAULT", (PLAIN,)),
    ("dropped its index", 'DROP INDEX "odd s"."i x"', (ODD,)),
    ("commented on it", "COMMENT ON TABLE {0} IS 'new'; COMMENT ON COLUMN {0}.id IS 'new'", (ODD, PLAIN)),
]  # fmt: skip
FILLED = {ODD: "'new' AS \"na me\", 1 AS d", PLAIN: "true AS b", KEYED: "'new' AS note"}
CASES = [(did, sql, table) for did, sql, tables in IN_PLACE for table in tables]


def remembering(table: TableName) -> Unit:
    node = DbtNode(f"model.shop.{table.name}", "run", True, "models/x.sql")
    return Unit(node.unique_id, UnitKind.DBT, 0, (Want(table, TableKind.TABLE),), (), node.path, dbt=node)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(WORLD)
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A database whose tables have all that a table can have."""
    path = tmp_path / "shop.duckdb"
    path.write_bytes(whole.read_bytes())
    return path


@pytest.fixture
def live(path: Path) -> Iterator[Connection]:
    with duckdb.connect(str(path)) as connection:
        yield connection


def facts(connection: Connection) -> dict[str, object]:
    """Everything that must be as it was."""
    rows = {str(table): connection.execute(f"SELECT * FROM {table.sql} ORDER BY ALL").fetchall() for table in ALL}
    return {
        "structures": read_structures(connection, ALL), **rows,
        "relations": [str(name) for name in introspect(connection, ()).relations],
        "constraints": connection.execute(
            "SELECT table_name, constraint_type, constraint_text FROM duckdb_constraints()"
            " WHERE schema_name <> '_provisioner' ORDER BY ALL"
        ).fetchall(),
    }  # fmt: skip


def put_back_all(connection: Connection, table: TableName) -> None:
    put_back(connection, remembering(table))


def recover_all(connection: Connection, table: TableName) -> None:
    assert recover(connection, introspect(connection, ()), [table]) == (table,)


WAYS = [(*case, way) for n, case in enumerate(CASES) for way in ((put_back_all, recover_all)[n % 2],)]


@pytest.mark.parametrize(
    ("sql", "table", "way"), [case[1:] for case in WAYS], ids=[f"{case[0]}: {case[2].name}" for case in WAYS]
)
def test_whatever_dbt_did_to_it_a_copy_comes_back_with_its_structure(
    live: Connection, sql: str, table: TableName, way: Callable[[Connection, TableName], None]
) -> None:
    before = facts(live)
    put_aside(live, [remembering(table)], "run1")
    live.execute(sql.format(table.sql, FILLED.get(table, "")))
    way(live, table)
    assert facts(live) == before
    with pytest.raises(duckdb.ConstraintException):
        live.execute({
            ODD: f"INSERT INTO {ODD.sql} (id, d) VALUES (1, 1)", PLAIN: "INSERT INTO plain VALUES (NULL, true)",
            KEYED: "INSERT INTO keyed VALUES (1, 'x')", CHILD: "INSERT INTO child VALUES (77)",
        }[table])  # fmt: skip


def test_what_is_remembered_survives_an_open_and_a_close(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        before = facts(connection)
        put_aside(connection, [remembering(ODD), remembering(PLAIN)], "run1")
        for table in (ODD, PLAIN):
            connection.execute(MADE_ANEW.format(table.sql))
    with duckdb.connect(str(path)) as connection:
        recover(connection, introspect(connection, ()), [ODD, PLAIN])
    with duckdb.connect(str(path)) as connection:
        assert facts(connection) == before


AFTER_COMMIT = -1


@pytest.mark.parametrize("nth", [6, 9, 14, 20, AFTER_COMMIT])
def test_killed_anywhere_in_putting_back_the_next_recovery_makes_it_whole(path: Path, nth: int) -> None:
    with duckdb.connect(str(path)) as connection:
        before = facts(connection)
        put_aside(connection, [remembering(ODD), remembering(PLAIN)], "run1")
        connection.execute(MADE_ANEW.format(ODD.sql))
        connection.execute("INSERT INTO plain VALUES (3, false)")
    status = die_at(path, nth)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, "it was not reached"
    with open_folded(path) as connection:
        recover(connection, introspect(connection, ()), [ODD, PLAIN])
        assert facts(connection) == before
    with duckdb.connect(str(path)) as connection:
        assert facts(connection) == before


class Dying:
    """A connection that ends its process instead of the nth statement which changes anything, or with the last one."""

    def __init__(self, connection: Connection, nth: int) -> None:
        self._connection, self._left = connection, nth

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, sql: str, *more: object) -> object:
        if not sql.lstrip().startswith(("SELECT", "FROM", "WITH")):
            self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._connection.execute(sql, *more)


def die_at(path: Path, nth: int) -> int:
    child = os.fork()
    if child == 0:
        try:
            connection = duckdb.connect(str(path))
            recover(Dying(connection, nth), introspect(connection, ()), [ODD, PLAIN])  # type: ignore[arg-type]
            if nth == AFTER_COMMIT:
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP SEQUENCE numbers CASCADE",
        "UPDATE _provisioner.marks SET structure = '[\"CREATE TABLE gone (id INTEGER)\"]'",
        "UPDATE _provisioner.marks SET structure = '[\"CREATE TABLE a (id INTEGER); CREATE TABLE b (id INTEGER)\"]'",
        "UPDATE _provisioner.marks SET structure = '[\"COPY (SELECT 1) TO ''copied.csv''\"]'",
        "UPDATE _provisioner.marks SET structure = 'damaged'",
        "UPDATE _provisioner.marks SET structure = NULL",
    ],
)
def test_where_its_structure_cannot_be_had_the_rows_come_back_and_nobody_trusts_them(
    live: Connection, spoil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = facts(live)
    put_aside(live, [remembering(ODD), remembering(PLAIN)], "run1")
    live.execute(MADE_ANEW.format(ODD.sql))
    live.execute("INSERT INTO plain VALUES (3, false)")
    live.execute(spoil)
    recover(live, introspect(live, ()), [ODD, PLAIN])
    after = facts(live)
    assert [after[str(table)] for table in (ODD, PLAIN)] == [before[str(table)] for table in (ODD, PLAIN)]
    assert after["relations"] == before["relations"] and not list(tmp_path.glob("*.csv"))
    assert {ODD, PLAIN} <= introspect(live, ()).marks.keys()

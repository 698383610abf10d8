"""Two rules of the protocol that no kill shows: a COMMIT is read back, and a mark stands before any effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import neighbours  # noqa: F401  so that the next line finds its module
import pytest
from campaign_mutants import PACKAGE
from mutants import MUTANTS, Mutant
from projects import make as make_project
from projects import planned
from strike import cache_of, run

from provisioner.declare.values import TableKind, TableName
from provisioner.errors import StepError
from provisioner.execute.aside import Made, accept, put_aside
from provisioner.execute.stamps import create_records, make_stamps
from provisioner.execute.transaction import make, transaction
from provisioner.observe.database import create
from provisioner.observe.values import Catalog, Graph, Stamp, Unit, UnitKind, Want
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.values import Request

ORDERS = TableName("main", "orders")
UNIT = Unit("orders", UnitKind.SQL, 0, (Want(ORDERS, TableKind.TABLE),), (), "orders.sql", definition={"code": "1"})


def stamps() -> tuple[Stamp, ...]:
    found = find_drift(Graph({UNIT.id: UNIT}), Catalog(), Request(), "run").fingerprints[UNIT.id]
    return make_stamps(UNIT, found, "run")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    create(tmp_path / "shop.duckdb")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE keyed (id INTEGER PRIMARY KEY)")
        with transaction(connection):
            create_records(connection)
        yield connection


@contextmanager
def aborting(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Leaves the transaction aborted behind everything that was checked in it."""
    yield
    with suppress(duckdb.ConstraintException):
        connection.execute("INSERT INTO keyed VALUES (1), (1)")


def test_a_commit_of_an_aborted_transaction_says_that_all_went_well(connection: duckdb.DuckDBPyConnection) -> None:
    """The fact on which reading back rests. When a DuckDB comes that raises here, `make` raises with it."""
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE made AS SELECT 1 AS x")
    with aborting(connection):
        pass
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'made'").fetchone() == (0,)


def test_a_commit_that_did_not_hold_is_found_out(connection: duckdb.DuckDBPyConnection) -> None:
    def effect() -> None:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS x")

    with pytest.raises(StepError) as lost:
        make(connection, UNIT, stamps(), effect, aborting(connection))
    assert lost.value.code == "commit_lost"


def test_a_commit_that_did_not_hold_is_found_out_behind_a_child_too(connection: duckdb.DuckDBPyConnection) -> None:
    put_aside(connection, [UNIT], "run")
    connection.execute("CREATE TABLE orders AS SELECT 1 AS x")
    with pytest.raises(StepError) as lost:
        accept(connection, [Made(UNIT, stamps())], aborting(connection))
    assert lost.value.code == "commit_lost"


def test_what_commits_by_itself_and_dies_is_interrupted_and_never_adopted(tmp_path: Path) -> None:
    script = (
        "import os\n"
        "def build(connection, context):\n"
        '    connection.execute("CREATE TABLE half AS SELECT 1 AS x")\n'
        '    connection.execute("COMMIT")\n'
        "    os.kill(os.getpid(), 9)\n"
    )
    tables = {"half": {"tier": "one", "step": "half", "columns": {"x": "INTEGER"}}}
    project = make_project(tmp_path, {"half": {"python": "halving:build"}}, tables, {"halving.py": script})
    ended = run(project.path, "apply")
    assert ended.code == 1 and ended.clean and "SIGKILL" in ended.said
    with duckdb.connect(str(project.database), read_only=True) as connection:
        assert connection.execute("SELECT x FROM half").fetchall() == [(1,)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache_of(project.path)))
        assert planned(project.plan()) == {"half": {"interrupted"}}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_each_mutant_still_finds_the_text_that_it_breaks(mutant: Mutant) -> None:
    assert (PACKAGE / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1

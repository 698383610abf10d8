"""What becomes of a table while a child remakes it: each way on, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from provisioner.declare.values import Column, Expect, Place, TableKind, TableName
from provisioner.errors import StepError
from provisioner.execute.aside import Made, accept, put_aside, put_back, recover
from provisioner.execute.stamps import create_records, grant, make_stamps
from provisioner.execute.transaction import transaction
from provisioner.observe.introspect import introspect
from provisioner.observe.values import Catalog, DbtNode, Graph, Stamp, Unit, UnitKind, Want
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.values import Request

ORDERS, GONE = TableName("main", "orders"), TableName("main", "gone")
WANT = Want(ORDERS, TableKind.TABLE, (Column("id", "INTEGER", Place("m.yaml", 1, 1)),), expect=Expect(min_rows=1))
Connection = duckdb.DuckDBPyConnection


def dbt_unit(memory: bool = False) -> Unit:
    node = DbtNode("model.shop.orders", "run", memory, "models/orders.sql")
    return Unit(node.unique_id, UnitKind.DBT, 0, (WANT,), (), node.path, definition={"code": "1"}, dbt=node)


def stamps(unit: Unit, run: str = "before") -> tuple[Stamp, ...]:
    print_ = find_drift(Graph({unit.id: unit}), Catalog(), Request(), run).fingerprints[unit.id]
    return make_stamps(unit, print_, run)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Connection]:
    """A database whose table `orders` holds 1 and 2 and is trusted."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE orders AS SELECT unnest([1, 2]) AS id")
        with transaction(connection):
            create_records(connection)
            grant(connection, stamps(dbt_unit()))
        yield connection


def look(connection: Connection) -> Catalog:
    return introspect(connection, [WANT])


def rows(connection: Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT id FROM orders ORDER BY id").fetchall()]


def reasons(connection: Connection, unit: Unit) -> list[str]:
    return [str(one.reason) for one in find_drift(Graph({unit.id: unit}), look(connection), Request(), "now").drift]


@pytest.mark.parametrize("memory", [False, True])
def test_while_the_child_works_the_table_is_not_trusted_and_the_old_one_is_kept(live: Connection, memory: bool) -> None:
    unit = dbt_unit(memory)
    put_aside(live, [unit], "run1")
    catalog = look(live)
    assert not catalog.stamps and catalog.marks[ORDERS].run == "run1" and catalog.marks[ORDERS].existed
    assert TableName("main", "orders__kept_run1") in catalog.relations
    assert (ORDERS in catalog.relations) is memory, "what dbt adds to stays in its place"


def test_a_successor_that_is_verified_is_trusted_and_the_old_one_goes(live: Connection) -> None:
    unit = dbt_unit()
    put_aside(live, [unit], "run1")
    live.execute("CREATE TABLE orders AS SELECT 7 AS id")
    assert accept(live, [Made(unit, stamps(unit, "run1"))], nullcontext()) == {unit.id: 1}
    assert rows(live) == [7] and reasons(live, unit) == []
    assert list(look(live).relations) == [ORDERS]


def test_of_several_that_are_accepted_together_all_are_or_none(live: Connection) -> None:
    unit, missing = dbt_unit(), replace(dbt_unit(), id="model.shop.gone", wants=(replace(WANT, table=GONE),))
    put_aside(live, [unit, missing], "run1")
    live.execute("CREATE TABLE orders AS SELECT 7 AS id")
    made = [Made(one, stamps(one, "run1")) for one in (unit, missing)]
    with pytest.raises(StepError):
        accept(live, made, nullcontext())
    assert ORDERS in look(live).marks and "orders__kept_run1" in {name.name for name in look(live).relations}
    live.execute("CREATE TABLE gone AS SELECT 8 AS id")
    assert accept(live, made, nullcontext()) == {unit.id: 1, missing.id: 1}
    assert rows(live) == [7] and ORDERS in look(live).stamps and not look(live).marks


def test_what_stays_in_its_place_is_told(live: Connection) -> None:
    assert put_aside(live, [dbt_unit()], "run1") == frozenset()
    recover(live, look(live), [ORDERS])
    live.execute("CREATE INDEX of_ids ON orders (id)")
    assert put_aside(live, [dbt_unit()], "run2") == {ORDERS}


BAD_SUCCESSORS = [
    ("of another shape", "CREATE TABLE orders AS SELECT 'x' AS id"),
    ("empty where rows are expected", "CREATE TABLE orders (id INTEGER)"),
    ("a view", "CREATE VIEW orders AS SELECT 7 AS id"),
    ("missing", "SELECT 1"),
]


@pytest.mark.parametrize("made", [case[1] for case in BAD_SUCCESSORS], ids=[case[0] for case in BAD_SUCCESSORS])
def test_a_successor_that_is_not_as_wanted_gives_way_to_the_old_one(live: Connection, made: str) -> None:
    unit = dbt_unit()
    put_aside(live, [unit], "run1")
    live.execute(made)
    with pytest.raises(StepError) as refused:
        accept(live, [Made(unit, stamps(unit, "run1"))], nullcontext())
    assert refused.value.code == "verification_failed"
    put_back(live, unit)
    assert rows(live) == [1, 2] and reasons(live, unit) == []
    assert list(look(live).relations) == [ORDERS]


@pytest.mark.parametrize("other", ["an older copy", "one of another run"])
def test_what_is_made_in_another_database_is_not_trusted(live: Connection, other: str) -> None:
    """As when somebody puts a backup in its place while the child works: its table is an old one."""
    if other == "one of another run":
        put_aside(live, [dbt_unit(memory=True)], "run0")
    with pytest.raises(StepError) as refused:
        accept(live, [Made(dbt_unit(), stamps(dbt_unit(), "run1"))], nullcontext())
    assert refused.value.code == "database_replaced"
    assert rows(live) == [1, 2] and not any(stamp.run == "run1" for stamp in look(live).stamps.values())


def test_a_table_with_a_key_gets_its_rows_back_and_keeps_the_key(live: Connection) -> None:
    live.execute("CREATE OR REPLACE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2)")
    unit = dbt_unit(memory=True)
    put_aside(live, [unit], "run1")
    live.execute("INSERT INTO orders VALUES (3)")
    put_back(live, unit)
    assert rows(live) == [1, 2] and look(live).relations[ORDERS].key == ("id",)


def test_what_a_failed_child_made_where_nothing_was_goes(live: Connection) -> None:
    live.execute("DROP TABLE orders")
    unit = dbt_unit()
    put_aside(live, [unit], "run1")
    live.execute("CREATE TABLE orders AS SELECT 7 AS id")
    put_back(live, unit)
    assert not look(live).relations and reasons(live, unit) == ["missing"]


def test_after_a_death_the_old_table_is_back_and_its_unit_is_due(live: Connection) -> None:
    unit = dbt_unit()
    put_aside(live, [unit], "run1")
    live.execute("CREATE TABLE orders AS SELECT 7 AS id")
    assert recover(live, look(live), [ORDERS]) == (ORDERS,)
    assert rows(live) == [1, 2] and reasons(live, unit) == ["interrupted"]
    assert recover(live, look(live), [ORDERS]) == (), "a second recovery finds nothing to do"


def test_a_failure_after_a_death_leaves_the_table_as_untrusted_as_it_was(live: Connection) -> None:
    unit = dbt_unit()
    put_aside(live, [unit], "run1")
    recover(live, look(live), [ORDERS])
    put_aside(live, [unit], "run2")
    put_back(live, unit)
    assert reasons(live, unit) == ["interrupted"]
    assert look(live).marks[ORDERS].run == "run1"


def test_what_a_dead_run_began_is_dropped_when_nobody_wants_it_any_more(live: Connection) -> None:
    live.execute("DROP TABLE orders")
    put_aside(live, [dbt_unit()], "run1")
    live.execute("CREATE TABLE orders AS SELECT 7 AS id")
    recover(live, look(live), [])
    assert not look(live).relations and not look(live).marks


def test_a_kept_table_that_nobody_wants_any_more_gets_its_stamp_back(live: Connection) -> None:
    put_aside(live, [dbt_unit()], "run1")
    recover(live, look(live), [])
    assert rows(live) == [1, 2] and ORDERS in look(live).stamps


def test_nothing_is_dropped_when_what_was_kept_is_gone(live: Connection) -> None:
    put_aside(live, [dbt_unit()], "run1")
    live.execute('DROP TABLE "orders__kept_run1"; CREATE TABLE orders AS SELECT 9 AS id')
    recover(live, look(live), [ORDERS])
    assert rows(live) == [9] and reasons(live, dbt_unit()) == ["interrupted"]


def test_an_error_in_the_middle_of_putting_aside_changes_nothing(live: Connection) -> None:
    unit = dbt_unit()
    with pytest.raises(duckdb.Error):
        put_aside(live, [unit, unit], "run1")
    assert rows(live) == [1, 2] and reasons(live, unit) == []
    assert list(look(live).relations) == [ORDERS]

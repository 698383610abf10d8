"""Dangers to data: refused unless they are meant, and then carried out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import Project, make, planned, ran, shop

FOREIGN = ("CREATE TABLE doubled (x INTEGER)", "INSERT INTO doubled VALUES (1), (2)")


@pytest.fixture
def foreign(tmp_path: Path) -> Project:
    """The shop, with a table of someone else's in the place of one that a step makes."""
    project = shop(tmp_path)
    project.sql(*FOREIGN)
    return project


def test_a_table_with_rows_that_nobody_stamped_is_not_replaced_unasked(foreign: Project) -> None:
    before = foreign.files()
    (hazard,) = foreign.plan().hazards
    assert (str(hazard.kind), str(hazard.table)) == ("drops_table", "doubled")
    assert "2 rows" in hazard.fact
    error = foreign.refused()
    assert (error.code, error.exit_code) == ("hazard", 1)
    assert error.cure.endswith("provision apply --allow drops_table:doubled")
    assert foreign.files()["shop.duckdb"] == before["shop.duckdb"]


def by_policy(project: Project) -> None:
    project.declare(policy={"allow": ["drops_table"]})
    project.apply()


def by_flag(*words: str) -> Callable[[Project], None]:
    def carry_out(project: Project) -> None:
        done = project.command("apply", *words)
        assert done.returncode == 0, done.stderr

    return carry_out


AGREED: dict[str, Callable[[Project], object]] = {
    "allow": lambda project: project.apply(allow=["drops_table"]),
    "policy": by_policy,
    "--allow": by_flag("--allow", "drops_table"),
    "--yes": by_flag("--yes"),
    "--rebuild, which says that it is meant": lambda project: project.apply(rebuild=["doubled"]),
}


@pytest.mark.parametrize("how", AGREED)
def test_what_is_meant_is_carried_out(foreign: Project, how: str) -> None:
    AGREED[how](foreign)
    assert foreign.plan().converged
    assert foreign.rows("SELECT max(v) FROM doubled") == [(60,)]


def test_another_kind_of_hazard_that_is_allowed_does_not_help(foreign: Project) -> None:
    refused = foreign.command("apply", "--allow", "drops_column")
    assert refused.returncode == 1
    assert "doubled: drops_table" in refused.stderr and "--allow drops_table" in refused.stderr


@pytest.mark.parametrize("found", ["CREATE TABLE doubled (x INTEGER)", "CREATE VIEW doubled AS SELECT 1 AS x"])
def test_what_holds_no_rows_is_replaced_without_a_question(tmp_path: Path, found: str) -> None:
    project = shop(tmp_path)
    project.sql(found)
    assert not project.plan().hazards
    project.apply()
    assert project.plan().converged


@pytest.fixture
def orphaned(shop_as_declared: Project) -> Project:
    """The shop, with two tables and a view that nothing declares any more."""
    project = shop_as_declared
    for name in ("counts", "shown"):
        del project.manifest["steps"][name]
    for name in ("counted", "summed", "shown"):
        del project.manifest["tables"][name]
    project.declare()
    return project


def test_orphans_are_told_and_left_alone(orphaned: Project) -> None:
    plan, before = orphaned.plan(), orphaned.files()
    assert plan.converged
    assert {(str(one.table), str(one.reason)) for one in plan.orphans} == {
        ("counted", "orphan"), ("shown", "orphan"), ("summed", "orphan"),
    }  # fmt: skip
    assert orphaned.apply().id == ""
    assert orphaned.files() == before
    told = orphaned.command("plan").stdout
    assert "3 orphans left alone" in told and "provision apply --prune" in told


def test_prune_drops_orphans_that_hold_rows_only_when_that_is_allowed(orphaned: Project) -> None:
    assert orphaned.refused(prune=True).code == "hazard"
    assert "BASE TABLE main.summed" in orphaned.contents()
    assert planned(orphaned.plan(prune=True)) == {name: {"orphan"} for name in ("counted", "shown", "summed")}
    orphaned.apply(prune=True, allow=["drops_table"])
    assert set(orphaned.contents()) == {"BASE TABLE main.sales", "BASE TABLE main.doubled", "BASE TABLE main.notes"}
    assert not orphaned.plan().orphans


def test_prune_drops_what_holds_no_rows_without_a_question(orphaned: Project) -> None:
    orphaned.sql("DELETE FROM counted", "DELETE FROM summed")
    assert set(ran(orphaned.apply(prune=True))) == {"counted", "shown", "summed"}
    assert not orphaned.plan().orphans


def test_prune_leaves_tables_alone_that_provision_never_made(orphaned: Project) -> None:
    orphaned.sql("CREATE TABLE mine AS SELECT 1 AS x")
    orphaned.apply(prune=True, allow=["drops_table"])
    assert orphaned.rows("FROM mine") == [(1,)]


def test_prune_says_which_views_of_a_user_would_break(orphaned: Project) -> None:
    orphaned.sql("DELETE FROM counted", "DELETE FROM summed", "CREATE VIEW mine AS FROM counted, summed")
    (told,) = [one for one in orphaned.plan(prune=True).hazards if str(one.kind) == "breaks_view"]
    assert str(told.table) == "counted" and told.fact.startswith("the view mine could not be read any more:")
    assert orphaned.refused(prune=True).code == "hazard"
    assert orphaned.plan().hazards == (), "nothing goes without --prune"
    orphaned.apply(prune=True, allow=["breaks_view:counted"])
    assert not orphaned.plan().orphans


def test_prune_drops_what_refers_to_another_first_and_stops_at_what_is_not_ours(tmp_path: Path) -> None:
    refers = {"columns": "k", "references": {"table": "a_parent"}}
    tables: dict[str, Any] = {
        "a_parent": {"tier": "one", "columns": {"id": "INTEGER"}, "primary_key": ["id"]},
        "b_child": {"tier": "one", "columns": {"k": "INTEGER"}, "foreign_keys": [refers]},
        "c_view": {"tier": "two", "sql": "SELECT k FROM b_child"},
        "other": {"tier": "one", "columns": {"k": "INTEGER"}},
    }
    project = make(tmp_path, {}, tables)
    project.apply()
    project.manifest["tables"] = {"other": tables["other"]}
    project.declare()
    assert planned(project.plan(prune=True)).keys() == {"a_parent", "b_child", "c_view"}
    project.sql("CREATE TABLE mine (k INTEGER REFERENCES a_parent (id))")
    error = project.refused(prune=True)
    assert (error.code, error.cure) == ("ddl_failed", "Drop what depends on it first."), error
    assert "BASE TABLE main.a_parent" in project.contents()
    project.sql("DROP TABLE mine")
    assert ran(project.apply(prune=True)) == {"a_parent": "done"}
    assert not project.plan().orphans


def test_a_protected_table_is_not_lost_by_deleting_its_lines(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.manifest["tables"]["notes"]["protect"] = True
    project.declare()
    project.apply()
    project.sql("INSERT INTO notes VALUES (1, 'mine')")
    del project.manifest["tables"]["notes"]
    project.declare()
    project.apply(prune=True, allow=["drops_table"])
    assert project.rows("FROM notes") == [(1, "mine")]
    assert [str(one.table) for one in project.plan(prune=True).orphans] == ["notes"]


def test_protection_that_is_added_to_a_table_is_kept_in_the_database(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("INSERT INTO notes VALUES (1, 'mine')")
    project.manifest["tables"]["notes"]["protect"] = True
    project.declare()
    project.apply()
    del project.manifest["tables"]["notes"]
    project.declare()
    project.apply(prune=True, allow=["drops_table"])
    assert project.rows("FROM notes") == [(1, "mine")]


def test_protection_is_not_lost_by_deleting_its_own_line_and_a_rebuild(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.manifest["tables"]["doubled"]["protect"] = True
    project.declare()
    project.apply()
    del project.manifest["tables"]["doubled"]["protect"]
    project.declare()
    project.apply(rebuild=["doubled"])
    for name in ("counts", "doubled"):
        del project.manifest["steps"][name]
    for name in ("counted", "summed", "doubled"):
        del project.manifest["tables"][name]
    project.declare()
    project.apply(prune=True, allow=["drops_table"])
    assert project.rows("SELECT count(*) FROM doubled") == [(3,)]


def test_protection_is_lifted_by_saying_so(shop_as_declared: Project) -> None:
    project = shop_as_declared
    for protect in (True, False):
        project.manifest["tables"]["notes"]["protect"] = protect
        project.declare()
        assert planned(project.plan()) == {"table:notes": {"definition_changed"}}
        project.apply()
    del project.manifest["tables"]["notes"]
    project.declare()
    project.apply(prune=True)
    assert project.rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'notes'") == [(0,)]

"""`forget` lets a table go without dropping it; `--allow KIND:TABLE` allows a hazard for one table."""

from __future__ import annotations

import pytest
from projects import Project, planned, ran, shop

from provisioner import UsageError


@pytest.fixture
def orphaned(shop_as_declared: Project) -> Project:
    """The shop, whose notes and doubled sales nothing declares any more, both with rows."""
    project = shop_as_declared
    project.sql("INSERT INTO notes VALUES (1, 'mine')")
    for name in ("doubled", "counts"):
        del project.manifest["steps"][name]
    for name in ("doubled", "counted", "summed", "notes"):
        del project.manifest["tables"][name]
    project.declare()
    return project


def test_what_is_forgotten_is_let_go_and_keeps_its_rows(orphaned: Project) -> None:
    before = orphaned.contents()
    orphaned.declare(forget=["notes", "DOUBLED"])
    plan = orphaned.plan(prune=True)
    assert planned(plan) == {name: {"orphan"} for name in ("doubled", "notes", "counted", "summed")}
    assert {str(action.tables[0]): str(action.mend) for action in plan.actions} == {
        "doubled": "forget", "notes": "forget", "counted": "drop", "summed": "drop",
    }  # fmt: skip
    assert "= notes    forget  orphan  was made by table:notes, and is let go" in orphaned.command("plan").stdout
    assert ran(orphaned.apply()) == {"doubled": "done", "notes": "done"}
    assert orphaned.contents() == before
    assert {str(one.table) for one in orphaned.plan().orphans} == {"counted", "summed"}
    orphaned.apply(prune=True, allow=["drops_table"])
    assert orphaned.rows("FROM notes") == [(1, "mine")] and not orphaned.plan().orphans


def test_what_nobody_stamped_is_forgotten_by_doing_nothing(orphaned: Project) -> None:
    orphaned.sql("CREATE TABLE mine AS SELECT 1 AS x", "DROP TABLE notes")
    orphaned.declare(forget=["mine", "never_there"])
    assert orphaned.plan().converged and orphaned.apply().id == ""
    orphaned.declare(forget=["notes"])
    assert ran(orphaned.apply()) == {"notes": "done"}, "its stamp goes, though it is not there any more"
    assert orphaned.plan().converged and orphaned.apply().id == ""


def test_a_protected_table_can_be_let_go_and_comes_back_adopted(shop_as_declared: Project) -> None:
    project = shop_as_declared
    notes = project.manifest["tables"]["notes"]
    notes["protect"] = True
    project.declare()
    project.apply()
    del project.manifest["tables"]["notes"]
    project.declare(forget=["notes"])
    project.apply()
    del notes["protect"]
    project.manifest["tables"]["notes"] = notes
    project.declare(forget=[])
    assert planned(project.plan()) == {"table:notes": {"unstamped"}}
    project.apply()
    assert project.plan().converged


def test_orphans_are_told_how_to_be_kept(orphaned: Project) -> None:
    assert "to drop: provision apply --prune; to keep: `forget`" in orphaned.command("plan").stdout


def test_a_hazard_is_allowed_for_one_table(orphaned: Project) -> None:
    before = orphaned.contents()
    refused = orphaned.refused(prune=True, allow=["drops_table:notes", "drops_table:counted"])
    assert refused.code == "hazard" and "notes: drops_table" not in refused.message
    assert refused.cure.endswith("--allow drops_table:doubled --allow drops_table:summed")
    assert orphaned.contents() == before
    orphaned.declare(policy={"allow": ["drops_table:doubled", "drops_table:main.summed"]})
    orphaned.apply(prune=True, allow=["drops_table:NOTES", "drops_table:counted"])
    assert not orphaned.plan().orphans


def test_an_odd_name_is_allowed_as_the_cure_spells_it(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.manifest["tables"]["odd name.x"] = {"tier": "one", "columns": {"id": "BIGINT"}}
    project.manifest["tables"]['"odd name.x"'] = project.manifest["tables"].pop("odd name.x")
    project.declare()
    project.apply()
    project.sql('INSERT INTO "odd name.x" VALUES (1)')
    del project.manifest["tables"]['"odd name.x"']
    project.declare()
    refused = project.command("apply", "--prune")
    assert "--allow 'drops_table:\"odd name.x\"'" in refused.stderr
    assert project.command("apply", "--prune", "--allow", 'drops_table:"odd name.x"').returncode == 0
    assert not project.plan().orphans


@pytest.mark.parametrize("wrong", ["everything", "drops_table:", "drops_table:a.b.c", "", "null_violation", ":notes"])
def test_what_is_no_hazard_that_can_be_allowed_is_wrong_usage(shop_as_declared: Project, wrong: str) -> None:
    assert isinstance(shop_as_declared.refused(allow=[wrong], rebuild=["doubled"]), UsageError)
    told = shop_as_declared.command("apply", "--allow", wrong)
    assert told.returncode == 64 and "Traceback" not in told.stderr


def test_letting_go_is_part_of_a_saved_plan(orphaned: Project) -> None:
    orphaned.declare(forget=["notes"])
    path = orphaned.folder / "plan.json"
    orphaned.plan(out=path)
    assert ran(orphaned.apply(plan=path)) == {"notes": "done"}
    assert orphaned.apply(plan=path).units == ()


def test_the_shop_is_as_it_was(shop_as_declared: Project) -> None:
    """A table may be forgotten only when nothing declares it."""
    shop_as_declared.declare(forget=["notes"])
    assert shop_as_declared.refused().code == "manifest"
    assert shop(shop_as_declared.folder / "other").plan().actions

"""What else a manifest or a command says about what is to run: targets, rebuilds, environments, variables, includes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from projects import ALL, Project, make, planned, ran, shop

from provisioner import UsageError


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("sales", {"sales"}),
        ("doubled", {"sales", "doubled"}),
        ("counts", {"sales", "doubled", "shown", "counts"}),
        ("summed", {"sales", "doubled", "shown", "counts"}),
        ("one", {"sales", "table:notes"}),
        ("two", {"sales", "doubled", "shown"}),
    ],
)
def test_a_target_is_a_table_a_step_or_a_tier_and_brings_what_it_needs(
    tmp_path: Path, target: str, expected: set[str]
) -> None:
    project = shop(tmp_path)
    assert set(ran(project.apply(target=[target]))) == expected
    assert project.plan(target=[target]).converged
    assert set(planned(project.plan())) == ALL - expected


def test_a_key_of_another_type_takes_what_refers_to_it_along(tmp_path: Path) -> None:
    def family(key: str) -> dict[str, object]:
        refers = [{"columns": "who", "references": {"table": "people"}}]
        return {
            "people": {"tier": "one", "columns": {"id": key}, "primary_key": ["id"]},
            "visits": {"tier": "one", "columns": {"who": key}, "foreign_keys": refers},
            "others": {"tier": "one", "columns": {"who": key}},
        }

    project = make(tmp_path, {}, family("INTEGER"))
    project.apply()
    project.sql("INSERT INTO people VALUES (1)", "INSERT INTO visits VALUES (1)")
    project.declare(tables=family("BIGINT"))
    assert set(ran(project.apply(target=["people"]))) == {"table:people", "table:visits"}
    assert set(planned(project.plan())) == {"table:others"}


def test_drift_outside_of_the_target_is_left_alone(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("DROP TABLE sales", "DROP TABLE doubled", "DROP TABLE notes")
    assert set(ran(project.apply(target=["notes"]))) == {"table:notes"}
    assert set(planned(project.plan())) == {"sales", "doubled"}


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"target": ["dubled"]}, ("dubled is neither a table nor a step nor a tier", "doubled")),
        ({"rebuild": ["dubled"]}, ("dubled is not a table", "doubled")),
        ({"rebuild": ["notes"]}, ("notes is a declared table", "DELETE")),
    ],
)
def test_a_wish_for_what_is_not_there_is_wrong_usage(
    tmp_path: Path, wish: dict[str, list[str]], words: tuple[str, ...]
) -> None:
    project = shop(tmp_path)
    error = project.refused(**wish)
    assert isinstance(error, UsageError) and error.exit_code == 64
    assert all(word in str(error) for word in words)
    assert not project.database.exists()


def test_what_is_not_deterministic_is_new_in_every_run_of_it_and_makes_its_readers_due(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.manifest["steps"]["doubled"]["deterministic"] = False
    project.declare()
    project.apply()
    assert project.plan().converged, "it is made again when something makes it due, and only then"
    run = project.apply(rebuild=["doubled"])
    assert ran(run) == {"doubled": "done", "counts": "done"}
    assert project.plan().converged
    project.sql("DROP TABLE summed")
    assert ran(project.apply()) == {"counts": "done"}


def with_environments(folder: Path) -> Project:
    project = shop(folder)
    project.declare(
        vars={"CITY": "Ulm"},
        environments={
            "prod": {"database": "prod.duckdb", "policy": {"allow": ["drops_table"]}},
            "test": {"database": "${PLACE:-test}.duckdb", "vars": {"CITY": "Bonn"}},
        },
    )
    project.manifest["steps"]["sales"]["load"] = "${CITY}.csv"
    project.declare()
    project.write("Ulm.csv", "id,v\n1,1\n2,2\n3,3\n")
    project.write("Bonn.csv", "id,v\n1,10\n2,20\n3,30\n")
    project.write("Rome.csv", "id,v\n1,5\n2,5\n3,5\n")
    return project


@pytest.mark.parametrize(
    ("words", "variables", "database", "total"),
    [
        ((), {}, "shop.duckdb", 6),
        (("--env", "prod"), {}, "prod.duckdb", 6),
        ((), {"PROVISION_ENV": "test"}, "test.duckdb", 60),
        (("--env", "test"), {"PROVISION_ENV": "prod", "PLACE": "else", "CITY": "Rome"}, "else.duckdb", 15),
    ],
)
def test_environments_and_variables_choose_the_database_and_the_values(
    tmp_path: Path, words: tuple[str, ...], variables: dict[str, str], database: str, total: int
) -> None:
    project = with_environments(tmp_path)
    done = project.command("apply", "--target", "sales", *words, **variables)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.duckdb")] == [database]
    project.manifest["database"] = database
    assert project.rows("SELECT sum(v) FROM sales") == [(total,)]


def test_the_policy_of_an_environment_holds_in_that_environment_alone(tmp_path: Path) -> None:
    project = with_environments(tmp_path)
    for database in ("shop.duckdb", "prod.duckdb"):
        project.manifest["database"] = database
        project.sql("CREATE TABLE doubled AS SELECT 1 AS x")
    assert project.refused().code == "hazard"
    project.apply(env="prod")
    assert project.plan(env="prod").converged


def test_included_files_are_part_of_the_manifest_and_their_places_are_told(tmp_path: Path) -> None:
    project = shop(tmp_path)
    tables = project.manifest["tables"]
    notes = {"tables": {"notes": tables.pop("notes")}}
    project.write("more/notes.yaml", yaml.safe_dump(notes, sort_keys=False))
    project.declare(include=["more/notes.yaml"])
    plan = project.plan()
    assert set(planned(plan)) == ALL
    (place,) = (one.place for action in plan.actions for one in action.reasons if str(one.table) == "notes")
    assert place.endswith("more/notes.yaml:2")
    project.apply()
    assert project.plan().converged


def test_a_step_that_is_given_another_name_stays_trusted(shop_as_declared: Project) -> None:
    project = shop_as_declared
    steps, tables = project.manifest["steps"], project.manifest["tables"]
    steps["twice"] = steps.pop("doubled")
    tables["doubled"]["step"] = "twice"
    project.declare()
    assert project.plan().converged


def test_more_inputs_of_a_step_make_it_due_when_they_change(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("rates/a.txt", "1")
    project.manifest["steps"]["doubled"]["inputs"] = ["rates/*.txt"]
    project.declare()
    project.apply()
    for change in (("rates/a.txt", "2"), ("rates/b.txt", "1")):
        project.write(*change)
        assert planned(project.plan()) == {"doubled": {"input_changed"}, "counts": {"upstream_changed"}}
        project.apply()
    assert project.plan().converged

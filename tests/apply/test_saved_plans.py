"""Plans that are saved, looked at, and carried out as they are: `plan --out` and `apply PLAN`."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from projects import HOLD, LET_GO, Project, planned, ran, shop, slow, wait_for_line, wait_until

from provisioner import PlanError, UsageError
from provisioner.execute.plan_json import plan_schema_text

KEYS = {
    "format", "checksum", "versions", "manifest", "database", "request", "actions", "by_hand", "facts", "facts_digest",
}  # fmt: skip


def save(project: Project, name: str = "plan.json", **wishes: Any) -> Path:
    path = project.folder / name
    project.plan(out=path, **wishes)
    return path


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Project, Path]:
    """The shop, with nothing made, and the plan to make all of it."""
    project = shop(tmp_path)
    return project, save(project)


def test_a_saved_plan_is_carried_out_and_given_again_it_does_nothing(saved: tuple[Project, Path]) -> None:
    project, path = saved
    before = path.read_bytes()
    assert len(ran(project.apply(plan=path))) == 5
    assert project.plan().converged
    facts = project.files()
    assert project.apply(plan=path).units == ()
    again = project.command("apply", "plan.json")
    assert (again.returncode, again.stdout) == (0, "Nothing to do: the database is as declared.\n")
    assert project.files() == facts and path.read_bytes() == before


def test_the_command_line_saves_and_tells_how_to_go_on(tmp_path: Path) -> None:
    project = shop(tmp_path)
    shown = project.command("plan", "--target", "sales", "-o", "my plan.json")
    assert shown.stdout.endswith("1 to run. Carry it out with: provision apply 'my plan.json'\n"), shown
    assert project.command("apply", "my plan.json").returncode == 0
    assert planned(project.plan()).keys() == {"doubled", "shown", "counts", "table:notes"}


def test_a_plan_file_is_as_its_schema_says(saved: tuple[Project, Path]) -> None:
    project, path = saved
    schema = json.loads(plan_schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    body = read(path)
    jsonschema.validate(body, schema)
    assert set(body) == KEYS == set(schema["properties"]) == set(schema["required"])
    assert json.loads(project.command("schema", "--plan").stdout) == schema
    project.apply()
    project.sql("DROP TABLE sales", "INSERT INTO notes (id) VALUES (1)")
    project.declare(tables={name: table for name, table in project.manifest["tables"].items() if name != "notes"})
    body = read(save(project, prune=True))
    jsonschema.validate(body, schema)
    assert {action["action"] for action in body["actions"]} == {"run", "drop"}


def test_the_same_plan_has_the_same_bytes(saved: tuple[Project, Path]) -> None:
    project, path = saved
    assert save(project, "other.json").read_bytes() == path.read_bytes()


# What somebody does after the plan was saved, and what the refusal tells of it.
MOVES: dict[str, tuple[Callable[[Project], object], str]] = {
    "a relation stands in the way": (
        lambda project: project.sql("CREATE TABLE sales AS SELECT 1 AS id, 2::BIGINT AS v"),
        "sales: relation was none, is table (id INTEGER, v BIGINT)",
    ),
    "a table with rows, which is a hazard": (
        lambda project: project.sql("CREATE TABLE doubled (x INTEGER)", "INSERT INTO doubled VALUES (1)"),
        "doubled: hazard for doubled was none, is drops_table",
    ),
    "an input changed": (
        lambda project: project.write("sales.csv", "id,v\n1,1\n2,2\n3,3\n4,4\n"),
        "sales: fingerprint was ",
    ),
    "code changed": (
        lambda project: project.write("doubled.sql", "SELECT id, v::HUGEINT * 3 AS v FROM sales\n"),
        "doubled: fingerprint was ",
    ),
    "a table was made as declared": (
        lambda project: project.sql("CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR DEFAULT 'new')"),
        "notes: action was create, is adopt",
    ),
}


@pytest.mark.parametrize("how", MOVES)
def test_a_plan_whose_facts_moved_is_refused_and_nothing_is_done(saved: tuple[Project, Path], how: str) -> None:
    project, path = saved
    move, fact = MOVES[how]
    move(project)
    contents = project.contents() if project.database.exists() else {}
    error = project.refused(plan=path)
    assert isinstance(error, PlanError) and (error.code, error.exit_code) == ("plan_outdated", 1)
    assert fact in error.message and error.message.endswith("Nothing was done.")
    assert error.cure.endswith(f"provision plan --out {path}")
    assert (project.contents() if project.database.exists() else {}) == contents
    save(project)
    project.apply(plan=path, allow=["drops_table"])
    assert project.plan().converged


# Against a plan of a database that is there.
LATER: dict[str, tuple[Callable[[Project], object], str]] = {
    "it was dropped": (lambda project: project.sql("DROP TABLE doubled"), "doubled: relation was table (id INTEGER, v"),
    "it was made again": (lambda project: project.apply(rebuild=["doubled"]), "doubled: stamp was "),
    "another one was dropped": (
        lambda project: project.sql("DROP VIEW shown"),
        "shown: action was none, is run (shown: missing",
    ),
}


@pytest.mark.parametrize("how", LATER)
def test_what_was_done_since_is_told_with_the_old_and_the_new_fact(shop_as_declared: Project, how: str) -> None:
    project = shop_as_declared
    move, fact = LATER[how]
    before = (project.folder / "doubled.sql").read_text()
    project.write("doubled.sql", "SELECT id, v::HUGEINT * 3 AS v FROM sales\n")
    path = save(project)
    project.write("doubled.sql", before)
    move(project)
    project.write("doubled.sql", "SELECT id, v::HUGEINT * 3 AS v FROM sales\n")
    error = project.refused(plan=path)
    assert error.code == "plan_outdated" and fact in error.message, error.message


def test_a_row_more_counts_only_where_the_plan_looked_at_rows(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("INSERT INTO notes (id) VALUES (1)")
    project.write("doubled.sql", "SELECT id, v::HUGEINT * 3 AS v FROM sales\n")
    path = save(project)
    project.sql("INSERT INTO notes (id) VALUES (2)")
    project.apply(plan=path)
    project.declare(tables={name: table for name, table in project.manifest["tables"].items() if name != "notes"})
    path = save(project, prune=True)
    project.sql("INSERT INTO notes (id) VALUES (3)")
    assert "notes: rows was 2, is 3" in project.refused(plan=path, allow=["drops_table"]).message


def test_a_plan_does_not_allow_its_own_hazards(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("INSERT INTO notes (id) VALUES (1)")
    project.declare(tables={name: table for name, table in project.manifest["tables"].items() if name != "notes"})
    path = save(project, prune=True)
    (hazard,) = (hazard for action in read(path)["actions"] for hazard in action["hazards"])
    assert hazard == {"kind": "drops_table", "table": "notes", "fact": "it holds 1 row"}
    refused = project.command("apply", "plan.json")
    assert refused.returncode == 1 and "provision apply plan.json --allow drops_table:notes" in refused.stderr
    assert project.command("apply", "plan.json", "--allow", "drops_table:notes").returncode == 0
    assert project.plan().converged and project.apply(plan=path).units == ()


OTHERS: dict[str, tuple[Callable[[Project], object], tuple[str, ...], str]] = {
    "the manifest changed": (
        lambda project: project.declare(tiers=["one", "two", "three", "four"]), (), "plan_of_other_manifest",
    ),
    "an environment": (lambda project: None, ("--env", "prod"), "plan_of_other_manifest"),
    "another version": (
        lambda project: rewrite(project, versions={"provision": "9.9", "duckdb": "2.0.0"}), (), "plan_format",
    ),
    "another DuckDB": (
        lambda project: rewrite(project, versions=read(project.folder / "plan.json")["versions"] | {"duckdb": "0.1"}),
        (), "plan_format",
    ),
    "another database": (
        lambda project: rewrite(project, database="/elsewhere/shop.duckdb"), (), "plan_of_other_manifest",
    ),
}  # fmt: skip


def rewrite(project: Project, **keys: Any) -> None:
    """The plan with these keys replaced, and a checksum to fit: forged, not damaged."""
    from provisioner.reconcile.facts import digest_of

    path = project.folder / "plan.json"
    body = read(path) | keys
    if "facts" in keys:
        body["facts_digest"] = digest_of(json.dumps(body["facts"], sort_keys=True, separators=(",", ":")))
    rest = {key: value for key, value in body.items() if key not in ("format", "checksum")}
    body["checksum"] = digest_of(json.dumps(rest, sort_keys=True, separators=(",", ":")))
    path.write_text(json.dumps(body), encoding="utf-8")


@pytest.mark.parametrize("how", OTHERS)
def test_a_plan_of_something_else_is_refused(tmp_path: Path, how: str) -> None:
    project = shop(tmp_path)
    project.declare(environments={"prod": {"policy": {"allow": []}}})
    save(project)
    change, words, code = OTHERS[how]
    change(project)
    refused = project.command("apply", "plan.json", "--format", "json", *words)
    error = json.loads(refused.stdout)["error"]
    assert (refused.returncode, error["code"]) == (1, code), error
    assert "provision plan" in error["cure"] and not project.database.exists()


@pytest.mark.parametrize("wishes", [{"target": ["sales"]}, {"rebuild": ["sales"]}, {"prune": True}, {"restart": True}])
def test_a_plan_bears_no_other_wishes_beside_it(saved: tuple[Project, Path], wishes: dict[str, Any]) -> None:
    project, path = saved
    assert isinstance(project.refused(plan=path, **wishes), UsageError)


def test_a_rebuild_that_was_asked_for_is_done_once(shop_as_declared: Project) -> None:
    project = shop_as_declared
    path = save(project, rebuild=["doubled"])
    assert ran(project.apply(plan=path)) == {"doubled": "done"}
    assert project.apply(plan=path).units == ()


def test_a_plan_that_failed_half_way_is_gone_on_with_by_giving_it_again(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write(
        "counts.sql",
        "CREATE TABLE counted AS SELECT count(*) AS n FROM doubled;\nCREATE TABLE summed AS "
        "SELECT CASE WHEN (SELECT count(*) FROM notes) = 0 THEN error('no notes') END AS total FROM shown;\n",
    )
    path = save(project)
    assert project.refused(plan=path).code == "sql_failed"
    project.sql("INSERT INTO notes (id) VALUES (1)")
    assert ran(project.apply(plan=path)) == {"counts": "done"}
    assert project.plan().converged


# What the dead run was in the middle of: SQL in its transaction, or python in a child, which leaves a mark.
SLOW: dict[str, dict[str, Any]] = {
    "sql": {"sql": "slow.sql", "deterministic": False},
    "python": {"python": "sleeping:build"},
}


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize("before", ["nothing", "everything"])
def test_a_plan_killed_half_way_is_gone_on_with_by_giving_it_again(tmp_path: Path, kind: str, before: str) -> None:
    project = slow(tmp_path, **SLOW[kind])
    if before == "everything":
        project.apply()
        project.write("quick.sql", "SELECT 2 AS x")
        project.write("slow.sql", (project.folder / "slow.sql").read_text().replace("7", "8"))
        project.write("sleeping.py", (project.folder / "sleeping.py").read_text().replace("7", "8"))
    else:
        project.apply(target=["pace"])
    path = save(project)
    project.write("wait", "")
    if kind == "sql":
        project.sql(HOLD)
    with project.start("apply", "plan.json") as process:
        wait_for_line(process, "start", "slow")
        if kind == "python":
            wait_until((project.folder / "begun").exists, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    (project.folder / "wait").unlink()
    if kind == "sql":
        project.sql(LET_GO)
    went_on = project.command("apply", "plan.json", "--format", "json")
    units = {unit["unit"]: unit["outcome"] for unit in json.loads(went_on.stdout)["units"]}
    assert went_on.returncode == 0 and units == {"slow": "done", "after": "done"}, went_on
    assert project.plan().converged
    assert project.apply(plan=path).units == ()


def test_what_a_dead_run_left_does_not_hide_that_something_else_moved(tmp_path: Path) -> None:
    project = slow(tmp_path, sql="slow.sql")
    project.apply(target=["pace"])
    path = save(project)
    project.sql(HOLD)
    with project.start("apply", "plan.json") as process:
        wait_for_line(process, "start", "slow")
        process.kill()
        process.communicate()
    project.sql(LET_GO)
    project.write("after.sql", "SELECT x + 1 AS x FROM slow")
    assert "after: fingerprint was" in project.refused(plan=path).message
    assert planned(project.plan()).keys() == {"slow", "after"}


def test_a_plan_holds_no_secret_and_is_carried_out_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "hunter2-hunter2")
    project = shop(tmp_path)
    tables = project.manifest["tables"]
    tables["notes"]["columns"]["body"]["default"] = "'${SHOP_TOKEN}'"
    project.declare()
    path = save(project)
    assert "hunter2" not in path.read_text() and "***" in path.read_text()
    project.apply(plan=path)
    project.sql("INSERT INTO notes (id) VALUES (1)")
    assert project.rows("SELECT body FROM notes") == [("hunter2-hunter2",)]


@pytest.mark.parametrize("name", ["shop.duckdb", "provision.yaml", "sales.csv", "no/such/folder/plan.json", ""])
def test_a_plan_is_not_written_over_anything_else(shop_as_declared: Project, name: str) -> None:
    project = shop_as_declared
    before = project.files()
    refused = project.command("plan", "--out", name or ".")
    assert refused.returncode == 1 and "plan.json" in refused.stderr
    assert project.files() == before


def test_a_plan_is_written_as_any_file_of_the_user(tmp_path: Path) -> None:
    project = shop(tmp_path)
    mask = os.umask(0o027)
    try:
        path = save(project)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir() if "plan" in one.name] == ["plan.json"]
    piped = project.command("plan", "--quiet", "--out", "/dev/stdout")
    assert piped.returncode == 0 and '"facts_digest"' in piped.stdout


def test_two_at_once_carry_it_out_once(saved: tuple[Project, Path]) -> None:
    project, path = saved
    both = [project.start("apply", str(path), "--format", "json") for _ in range(2)]
    found = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(len(run["units"]) for run in found) == [0, 5]


def test_the_saved_plan_alone_is_carried_out_not_what_became_due(saved: tuple[Project, Path]) -> None:
    """Also a unit that the plan does not know makes it another plan."""
    project, path = saved
    project.apply(plan=path)
    project.sql("DROP TABLE doubled")
    error = project.refused(plan=path)
    assert error.code == "plan_outdated" and "doubled" in error.message

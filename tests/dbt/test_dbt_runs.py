"""What the dbt worker does: parse, seed, run, and let go of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from dbt_projects import BASE, make_project, write_files  # type: ignore[import-not-found]

from provisioner.declare.values import DbtProject
from provisioner.errors import DbtError, InputError
from provisioner.execute.child import Event
from provisioner.execute.dbt_client import DbtWorker, NodeResult
from provisioner.execute.dbt_nodes import source_line
from provisioner.observe.dbt.graph import Surroundings, build_graph
from provisioner.observe.values import DbtGraph

MORE = {
    "models/stg/stg.sql": "select 1 as i",
    "models/stg/a.sql": "select 2 as i",
    "models/stg/deep/b c/d,e.sql": "{{ config(alias='odd') }} select 3 as i",
    "models/stg.yml": "models:\n  - {name: dim, versions: [{v: 1}, {v: 2}]}\n",
    "models/dim_v1.sql": "select 1 as v",
    "models/dim_v2.sql": "select 2 as v",
    "models/grows.sql": "{{ config(materialized='incremental') }} select 1 as i",
    "models/wrong.sql": "{{ config(materialized='table') }}\n\nselect\n  nope as x\nfrom {{ ref('bands') }}\n",
    "models/after_wrong.sql": "select * from {{ ref('wrong') }}",
    "models/beside.sql": "select * from read_csv('data/beside.csv')",
    "models/told.sql": "select '{{ target.name }}' as t, '{{ env_var(\"DBT_TARGET\", \"unset\") }}' as said",
    "models/given.sql": 'select \'{{ var("who", "nobody") }}\' as who',
    "data/beside.csv": "n\n7\n",
    "snapshots/kept.yml": (
        "snapshots:\n  - {name: kept, relation: ref('ages'), "
        "config: {unique_key: id, strategy: check, check_cols: all}}\n"
    ),
}
# What our caller asks for decides, not the environment: no test here may notice these.
ENVIRONMENT = {
    "DBT_FULL_REFRESH": "1",
    "DBT_EMPTY": "1",
    "DBT_ENGINE_SAMPLE": "3 days",
    "DBT_DEFER": "1",
    "DBT_STATE": "/nowhere",
    "DBT_PROFILE": "nobodys",
    "DBT_TARGET": "prod",
    "DBT_INDIRECT_SELECTION": "nonsense",
}


@dataclass
class World:
    project: DbtProject
    worker: DbtWorker
    graph: DbtGraph
    database: Path
    events: list[Event]

    def run(self, command: str, *names: str, full_refresh: bool = False) -> dict[str, NodeResult]:
        """The results by short name."""
        self.events.clear()
        kind = "model" if command == "run" else command
        nodes = [self.graph.nodes[f"{kind}.shop.{name}"].node for name in names]
        done = self.worker.run(command, nodes, full_refresh=full_refresh, on_event=self.events.append)
        return {node.removeprefix(f"{kind}.shop."): result for node, result in done.items()}

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    project = make_project(folder / "project", {**BASE, **MORE}, vars={"who": "ann 😀"})
    database = folder / "shop.duckdb"
    worker = DbtWorker(
        project, database, variables={}, guard_fd=None, private=folder / "private", cache_dir=folder / "cache"
    )
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        worker.start()
    yield World(project, worker, build_graph(worker.parse(), Surroundings(project.project_dir)), database, [])
    worker.end()


@pytest.fixture(autouse=True, scope="module")
def _seeded(world: World) -> None:
    world.run("seed", "ages")
    world.run("run", "bands")


def test_a_seed_is_loaded_and_told_with_number_and_seconds(world: World) -> None:
    results = world.run("seed", "ages")
    assert results["ages"].status == "success" and results["ages"].seconds > 0
    begun, ended = world.events
    assert (begun["event"], begun["index"], begun["total"]) == ("node_started", 1, 1)
    assert (ended["event"], ended["status"]) == ("node_finished", "success")
    assert world.ask("select count(*) from ages") == [(2,)]


def test_only_the_asked_node_runs_and_an_ephemeral_one_is_inlined(world: World) -> None:
    assert list(world.run("run", "shown")) == ["shown"]
    assert [event["node"] for event in world.events] == ["model.shop.shown"] * 2
    assert world.ask("select y from shown") == [(2025,), (2025,)]
    assert world.run("run", "bands")["bands"].status == "success", "the kept manifest is good for a second run"


@pytest.mark.parametrize("name", ["stg", "a", "d,e", "dim.v1", "dim.v2"])
def test_a_node_is_run_alone_whatever_it_is_called(world: World, name: str) -> None:
    assert world.run("run", name)[name].status == "success"
    assert {event["node"] for event in world.events} == {f"model.shop.{name}"}


def test_several_nodes_go_in_one_invocation(world: World) -> None:
    results = world.run("run", "stg", "a", "d,e", "dim.v1", "dim.v2")
    assert {result.status for result in results.values()} == {"success"}
    assert {event["total"] for event in world.events if event["event"] == "node_started"} == {5}


def test_a_failing_node_is_told_in_dbts_words_with_its_file_and_its_readers_are_skipped(world: World) -> None:
    results = world.run("run", "after_wrong", "wrong", "shown")
    assert {name: result.status for name, result in results.items()} == {
        "wrong": "error", "after_wrong": "skipped", "shown": "success",
    }  # fmt: skip
    assert "nope" in results["wrong"].message and "models/wrong.sql" in results["wrong"].message
    assert results["wrong"].path == "models/wrong.sql"
    assert world.ask("select 1") == [(1,)], "a failed run lets go of the database too"


def test_an_incremental_node_grows_and_a_full_refresh_makes_it_afresh(world: World) -> None:
    world.run("run", "grows")
    world.run("run", "grows")
    assert world.ask("select count(*) from grows") == [(2,)]
    world.run("run", "grows", full_refresh=True)
    assert world.ask("select count(*) from grows") == [(1,)]


def test_a_snapshot_runs(world: World) -> None:
    assert world.run("snapshot", "kept")["kept"].status == "success"
    assert world.ask("select count(*) from kept where dbt_valid_to is null") == [(2,)]


def test_vars_reach_dbt_and_relative_paths_start_in_the_project(world: World) -> None:
    world.run("run", "given", "beside")
    assert world.ask("select who from given") == [("ann 😀",)]
    assert world.run("run", "beside")["beside"].status == "success"


def test_variables_of_dbts_options_are_seen_by_env_var_alone(world: World) -> None:
    world.run("run", "told")
    assert world.ask("select t, said from told") == [("dev", "prod")]


def test_the_database_is_free_after_every_invocation(world: World) -> None:
    for _ in range(2):
        world.run("run", "bands", "shown")
        world.ask("create or replace table ours as select 1 as i")


def test_nothing_is_left_in_the_users_project(world: World) -> None:
    world.run("run", "bands")
    assert {path.name for path in world.project.project_dir.iterdir()} == {
        "data", "dbt_project.yml", "models", "profiles.yml", "seeds", "snapshots",
    }  # fmt: skip


BROKEN = [
    ({"models/bad.sql": "select 1\n{% if %}"}, "models/bad.sql", 2),
    ({"models/bad.sql": "select * from {{ ref('nowhere') }}"}, "nowhere", None),
    ({"models/bad.yml": "models: [\n"}, "bad.yml", None),
]


@pytest.mark.parametrize(("files", "word", "line"), BROKEN, ids=["jinja", "ref", "yaml"])
def test_a_project_that_does_not_parse_is_an_error_with_dbts_words(
    world: World, files: dict[str, str], word: str, line: int | None
) -> None:
    write_files(world.project.project_dir, files)
    try:
        with pytest.raises(DbtError) as caught:
            world.worker.parse()
    finally:
        write_files(world.project.project_dir, dict.fromkeys(files))
    assert caught.value.code == "dbt_parse" and caught.value.cure
    assert word in caught.value.message
    assert line is None or f"line {line}" in caught.value.message
    assert world.run("run", "bands")["bands"].status == "success", "once mended, the same worker goes on"


def test_a_project_that_is_not_there_is_told_before_any_child_starts(
    tmp_path: Path, worker_for: Callable[..., DbtWorker]
) -> None:
    with pytest.raises(InputError, match="there is no"):
        worker_for(make_project(tmp_path / "project", {"profiles.yml": "x: 1\n"})).start()


CODE = "select\n  nope\nfrom t\nwhere x = 1\n  or x = 1\n"
LINES = [
    ("Compilation Error in model m (models/m.sql)\n  unexpected '}'\n    line 2", 2),
    ("Runtime Error in model m\n  Binder Error: no\n\n  LINE 9:   nope\n            ^", 2),
    ("Runtime Error in model m\n  Binder Error: no\n\n  LINE 9: ...from t...\n            ^", 3),
    ("Runtime Error in model m\n  LINE 9: x = 1", None),
    ("Runtime Error in model m\n  LINE 9: of a macro", None),
    ("Runtime Error in model m", None),
]


@pytest.mark.parametrize(("message", "line"), LINES)
def test_a_message_is_traced_to_the_line_of_the_file_when_that_is_certain(message: str, line: int | None) -> None:
    assert source_line(message, CODE) == line

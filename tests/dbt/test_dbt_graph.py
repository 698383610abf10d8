"""dbt's manifest as a graph: what each node leaves, reads and depends on, and which edit changes what of which node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt_projects import BASE, make_project, write_files  # type: ignore[import-not-found]

from provisioner.declare.values import TableKind, TableName
from provisioner.execute.dbt_client import DbtWorker
from provisioner.observe.dbt.graph import Surroundings, build_graph
from provisioner.observe.dbt.profile_output import Target
from provisioner.observe.dbt.project import package_vars, read_project
from provisioner.observe.dbt.variables import Variables
from provisioner.observe.values import DbtGraph, DbtGraphNode

FILES = {
    **BASE,
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\n"
        "vars: {year: 2025, data: in/c.csv, shop: {scoped: 1}, other: 0, folder: out}\n"
        "models: {shop: {mart: {+schema: mart}}}\n"
    ),
    "packages.yml": "packages:\n  - local: ../given\n",
    "dbt_packages/given/dbt_project.yml": "name: given\nversion: 1.0.0\nvars: {given: {theirs: 5}}\n",
    "dbt_packages/given/models/theirs.sql": "select {{ var('theirs') }} as t",
    "macros/m.sql": (
        "{% macro top() %}{{ below() }}{% endmacro %}\n"
        "{% macro below() %}{{ env_var('BELOW', 'b') }}{% endmacro %}\n"
        "{% macro unused() %}1{% endmacro %}\n"
        "{% macro noted() %}insert into log values (1){% endmacro %}\n"
        "{% macro indexed() %}create index l on {{ this }}(i){% endmacro %}\n"
        "{% macro old_rows() %}{% if load_relation(this) %} union all from {{ this }}{% endif %}{% endmacro %}\n"
    ),
    "macros/own.sql": (
        "{% materialization mine, adapter='duckdb' %}"
        "{{ own_part() }}{{ return({'relations': []}) }}{% endmaterialization %}\n"
        "{% macro own_part() %}1{% endmacro %}\n"
    ),
    "models/uses.sql": "select '{{ top() }}' as x, '{{ env_var('HERE', 'h') }}' as h",
    "models/scoped.sql": "select {{ var('scoped') }} as s",
    "models/any.sql": "{% set n = 'year' %}select {{ var(n) }} as s",
    "models/computed.sql": "{% set r = 'eu' %}select {{ var('start_' ~ r, 1) }} as v, '{{ env_var(r, 'none') }}' as e",
    "models/begun.sql": "{% set r = 'eu' %}select '{{ env_var('AREA_' ~ r, 'none') }}' as e",
    "models/on_meta.sql": "select {{ config.get('meta')['k'] }} as k",
    "models/on_columns.sql": "select {{ model.columns | length }} as n",
    "models/on_graph.sql": "select {{ graph.nodes | length if execute else 0 }} as n",
    "models/split.sql": "select * from {{ source('raw', 'split') }}",
    "models/looks.sql": "{{ config(materialized='table') }} select 1 as i {{ old_rows() }}",
    "models/looks_up.sql": (
        "{{ config(materialized='table') }} select 1 as i"
        "{% set r = adapter.get_relation(database, schema, 'looks_up') %}{% if r %} union all from {{ r }}{% endif %}"
    ),
    "models/hook_looks.sql": "{{ config(materialized='table', post_hook='{{ indexed() }}') }} select 1 as i",
    "models/files.sql": (
        "select * from read_csv('data/a.csv') -- 'data/no.csv'\nunion all select * from 'data/*.PARQUET'\n"
        "union all select * from '{{ var(\"data\") }}' union all select 's3://x/far.csv'\n"
        'union all select * from \'{{ env_var("ROOT", "d") }}/x.json\''
    ),
    "models/declared.sql": "{{ config(meta={'inputs': ['rates.txt']}) }} select 1 as i",
    "models/grows.sql": "{{ config(materialized='incremental') }} select 1 as i",
    "models/own.sql": "{{ config(materialized='table') }} select 1 as i {% if false %}from {{ this }}{% endif %}",
    "models/custom.sql": "{{ config(materialized='mine') }} select 1 as i",
    "models/hook.sql": "{{ config(post_hook='insert into log select 1') }} select 1 as i",
    "models/hook_macro.sql": "{{ config(post_hook='{{ noted() }}') }} select 1 as i",
    "models/hook_index.sql": (
        "{{ config(materialized='table', post_hook='create index j on {{ this }}(i)') }} select 1 as i"
    ),
    "models/external.sql": "{{ config(materialized='external', location='out.parquet') }} select 1 as i",
    "models/abroad.sql": (
        "{{ config(materialized='external', location='/abs/{{ var (\"folder\") }}/ext.parquet') }}"
        "select '{{ env_var ( 'APART', 'a' ) }}' as a, {{ var  ('apart', 1) }} as i from 'in/read.parquet'"
    ),
    "models/off.sql": "{{ config(enabled=false) }} select 1 as i",
    "models/mart/placed.sql": "{{ config(alias='named') }} select * from {{ source('raw', 'orders') }}",
    "models/outside.sql": "select * from {{ source('raw', 'far') }}",
    "models/py.py": "def model(dbt, session):\n    return session.sql('select 1 as i')  # one\n",
    "models/on_target.sql": "select '{{ target.name }}' as t",
    "models/all.yml": (
        "sources:\n  - name: raw\n    schema: landing\n    tables:\n      - {name: orders, identifier: orders_v1}\n"
        "      - {name: far, config: {meta: {external_location: 'lake/{name}.parquet'}}}\n"
        "      - {name: split, config: {meta: {external_location: \"read_csv('e.csv', delim=',')\"}}}\n"
        "models:\n  - {name: on_meta, config: {meta: {k: 1}}}\n  - {name: on_columns, columns: [{name: a}]}\n"
        "  - {name: shown, description: what, columns: [{name: id, data_type: integer}]}\n"
        "  - {name: bands, config: {contract: {enforced: true}, tags: [a]}, columns: "
        "[{name: id, data_type: integer}, {name: label, data_type: varchar}, {name: y, data_type: integer}]}\n"
    ),
    "snapshots/kept.yml": (
        "snapshots:\n  - {name: kept, relation: ref('ages'), "
        "config: {unique_key: id, strategy: check, check_cols: all}}\n"
    ),
}


class World:
    """One project, and the graph of it as it is now."""

    def __init__(self, folder: Path) -> None:
        self.project = make_project(folder / "project", FILES)
        self.worker = DbtWorker(
            self.project, folder / "x.duckdb", variables={}, guard_fd=None,
            private=folder / "private", cache_dir=folder / "cache",
        )  # fmt: skip
        self.manifest = self.worker.parse()

    def graph(self, environment: dict[str, str] | None = None, given: dict[str, object] | None = None) -> DbtGraph:
        said = read_project(self.project)
        variables = Variables(given or {}, said.vars, package_vars(said), environment or {})
        around = Surroundings(self.project.project_dir, variables, "x", Target(), {"dbt-core": "1"})
        return build_graph(self.manifest, around)

    def after(self, edits: dict[str, str | None]) -> DbtGraph:
        """The graph with these edits, which are then taken back."""
        write_files(self.project.project_dir, edits)
        before, self.manifest = self.manifest, self.worker.parse()
        try:
            return self.graph()
        finally:
            self.manifest = before
            write_files(self.project.project_dir, {name: FILES.get(name) for name in edits})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("graph"))
    yield world
    world.worker.end()


def node(graph: DbtGraph, name: str) -> DbtGraphNode:
    return next(node for unique_id, node in graph.nodes.items() if unique_id.endswith(f".{name}"))


def changed(before: DbtGraph, after: DbtGraph) -> dict[str, set[str]]:
    """For each node that both have, by short name, the labels whose digests differ."""
    differences = {}
    for unique_id in before.nodes.keys() & after.nodes.keys():
        one, other = before.nodes[unique_id].definition, after.nodes[unique_id].definition
        labels = {label for label in one.keys() | other.keys() if one.get(label) != other.get(label)}
        if labels:
            differences[unique_id.split(".", 2)[2]] = labels
    return differences


def test_the_workers_extract_gives_the_graph_that_dbts_own_manifest_gives(world: World, tmp_path: Path) -> None:
    folder = world.project.project_dir
    command = [
        *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "parse"),
        *("--project-dir", str(folder), "--profiles-dir", str(folder.parent / "private" / "profile")),
        *("--target-path", str(tmp_path), "--log-path", str(tmp_path), "--no-send-anonymous-usage-stats"),
    ]
    subprocess.run(command, check=True, cwd=folder)
    extract = world.graph()
    world.manifest, kept = json.loads((tmp_path / "manifest.json").read_text()), world.manifest
    try:
        assert world.graph() == extract
    finally:
        world.manifest = kept


LEAVES = {
    "ages": ("ages", TableKind.TABLE, "seed", False),
    "bands": ("bands", TableKind.TABLE, "run", False),
    "shown": ("shown", TableKind.VIEW, "run", False),
    "stg_ages": (None, None, "run", False),
    "placed": ("main_mart.named", TableKind.VIEW, "run", False),
    "external": ("external", TableKind.VIEW, "run", False),
    # It may append: whether a materialization of the project's own looks at what is there cannot be told from its text.
    "custom": ("custom", TableKind.TABLE, "run", True),
    "looks": ("looks", TableKind.TABLE, "run", True),
    "looks_up": ("looks_up", TableKind.TABLE, "run", True),
    "hook_looks": ("hook_looks", TableKind.TABLE, "run", False),
    "grows": ("grows", TableKind.TABLE, "run", True),
    "own": ("own", TableKind.TABLE, "run", True),
    "hook": ("hook", TableKind.VIEW, "run", True),
    "hook_macro": ("hook_macro", TableKind.VIEW, "run", True),
    "hook_index": ("hook_index", TableKind.TABLE, "run", False),
    "kept": ("kept", TableKind.TABLE, "snapshot", True),
    "py": ("py", TableKind.TABLE, "run", False),
}


@pytest.mark.parametrize("name", LEAVES)
def test_what_a_node_leaves_and_how_it_runs(world: World, name: str) -> None:
    relation, kind, command, memory = LEAVES[name]
    found = node(world.graph(), name)
    assert found.relation == (TableName.parse(relation) if relation else None)
    assert (found.kind, found.node.command, found.node.memory) == (kind, command, memory)


def test_disabled_nodes_are_no_nodes_and_edges_are_dbts_own(world: World) -> None:
    graph = world.graph()
    assert "model.shop.off" not in graph.nodes
    assert node(graph, "bands").parents == ("model.shop.stg_ages",)
    assert node(graph, "placed").parents == ("source.shop.raw.orders",)
    assert graph.sources == {
        "source.shop.raw.orders": TableName("landing", "orders_v1"),
        "source.shop.raw.far": None,
        "source.shop.raw.split": None,
    }
    assert list(graph.nodes) == sorted(graph.nodes)


READS = {
    "ages": ("seeds/ages.csv",),
    "files": ("d/x.json", "data/*.PARQUET", "data/a.csv", "in/c.csv"),
    "declared": ("rates.txt",),
    "outside": ("lake/far.parquet",),
    "external": (),
    "abroad": ("in/read.parquet",),
    "shown": (),
    "placed": (),
}


@pytest.mark.parametrize("name", READS)
def test_the_data_files_a_node_reads(world: World, name: str) -> None:
    assert node(world.graph(), name).files == READS[name]


EDITS: list[tuple[str, dict[str, str | None], dict[str, set[str]]]] = [
    (
        "what changes the result",
        {
            "models/shown.sql": "select id from {{ ref('bands') }}",
            "macros/m.sql": FILES["macros/m.sql"].replace("'b'", "'c'"),
            "macros/own.sql": FILES["macros/own.sql"].replace("own_part() %}1", "own_part() %}2"),
            "models/declared.sql": "{{ config(materialized='table', meta={'inputs': ['rates.txt']}) }} select 1 as i",
            "models/all.yml": FILES["models/all.yml"].replace("label, data_type: varchar", "label, data_type: text"),
            "models/hook_index.sql": FILES["models/hook_index.sql"].replace("index j", "index k"),
            "models/py.py": FILES["models/py.py"].replace("1 as i", "2 as i"),
        },
        {
            "shown": {"code"},
            "uses": {"macro shop.below"},
            "custom": {"macro shop.own_part"},
            "declared": {"code", "config", "relation"},
            "bands": {"contract"},
            "hook_index": {"code", "config"},
            "py": {"code"},
            "on_graph": {"graph"},
        },
    ),
    (
        "what does not",
        {
            "models/shown.sql": "-- a comment\nselect *\n\n   from {{ ref('bands') }}\n",
            "models/scoped.sql": None,
            "models/moved/scoped.sql": FILES["models/scoped.sql"],
            "macros/m.sql": FILES["macros/m.sql"].replace("unused() %}1", "unused() %}2"),
            "models/all.yml": FILES["models/all.yml"].replace("what", "else").replace("[a]", "[a, b]"),
            "models/py.py": FILES["models/py.py"].replace("# one", "# two"),
        },
        {"on_graph": {"graph"}},
    ),
    (
        "settings of the project",
        {
            "dbt_project.yml": FILES["dbt_project.yml"]
            .replace("year: 2025", "year: 2026")
            .replace("other: 0", "other: 1")
            .replace("+schema: mart", "+schema: shop"),
            "dbt_packages/given/dbt_project.yml": "name: given\nversion: 1.0.0\nvars: {given: {theirs: 6}}\n",
        },
        {
            "bands": {"var year"},
            "any": {"vars"},
            "computed": {"vars"},
            "placed": {"relation", "config"},
            "theirs": {"var theirs"},
            "on_graph": {"graph"},
        },
    ),
    (
        "what is said of sources, and what code asks for",
        {
            "models/all.yml": FILES["models/all.yml"]
            .replace("orders_v1", "orders_v2")
            .replace("delim=','", "delim=';'")
            .replace("k: 1", "k: 2")
            .replace("columns: [{name: a}]", "columns: [{name: a}, {name: b}]"),
        },
        {
            "placed": {"source raw.orders"},
            "split": {"source raw.split"},
            "on_meta": {"config"},
            "on_columns": {"model"},
            "on_graph": {"graph"},
        },
    ),
    (
        "an override of dbt's own macro",
        {
            "macros/new.sql": "{% macro duckdb__create_view_as(relation, sql) %}"
            "create view {{ relation }} as ({{ sql }}){% endmacro %}"
        },
        {name: {"macro shop.duckdb__create_view_as"} for name in ("shown", "grows", "ages", "kept", "py")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "expected"), [case[1:] for case in EDITS], ids=[case[0] for case in EDITS])
def test_an_edit_changes_exactly_these_parts_of_these_nodes(
    world: World, edits: dict[str, str | None], expected: dict[str, set[str]]
) -> None:
    found = changed(world.graph(), world.after(edits))
    if "macros/new.sql" in edits:
        found = {name: labels for name, labels in found.items() if name in expected}
    assert found == expected


VALUES: list[tuple[dict[str, str], dict[str, object], dict[str, set[str]]]] = [
    ({"HERE": "2"}, {}, {"uses": {"env HERE"}}),
    ({"BELOW": "2"}, {}, {"uses": {"env BELOW"}}),
    ({"APART": "2"}, {}, {"abroad": {"env APART"}}),
    ({"ELSEWHERE": "2"}, {}, {}),
    ({"eu": "2"}, {}, {"computed": {"env eu"}, "begun": {"env eu"}}),
    ({"AREA_eu": "2"}, {}, {"begun": {"env AREA_eu"}}),
    ({}, {"start_eu": 2}, {"computed": {"vars"}, "any": {"vars"}}),
    ({}, {"year": 2030}, {"bands": {"var year"}, "any": {"vars"}, "computed": {"vars"}}),
    ({}, {"apart": 2}, {"abroad": {"var apart"}, "any": {"vars"}, "computed": {"vars"}}),
    ({}, {"scoped": 2}, {"scoped": {"var scoped"}, "any": {"vars"}, "computed": {"vars"}}),
]


@pytest.mark.parametrize(("environment", "given", "expected"), VALUES)
def test_a_value_changes_only_the_nodes_that_name_it(
    world: World, environment: dict[str, str], given: dict[str, object], expected: dict[str, set[str]]
) -> None:
    assert changed(world.graph(), world.graph(environment, given)) == expected


def test_versions_and_target_are_part_of_what_defines_a_node(world: World) -> None:
    folder = world.project.project_dir
    before = build_graph(world.manifest, Surroundings(folder))
    after = build_graph(world.manifest, Surroundings(folder, target=Target("prod"), versions={"dbt-core": "2"}))
    found = changed(before, after)
    assert found.pop("on_target") == {"dbt", "target"}
    assert set(map(frozenset, found.values())) == {frozenset({"dbt"})}


TARGETS: list[tuple[dict[str, object], set[str]]] = [
    ({"settings": {"TimeZone": "UTC"}}, {"profile settings"}),
    ({"settings": {"threads": 8}, "path": "else.duckdb", "threads": 4}, set()),
]


@pytest.mark.parametrize(("output", "expected"), TARGETS)
def test_the_profiles_settings_count_for_every_node_and_the_machine_for_none(
    world: World, output: dict[str, object], expected: set[str]
) -> None:
    folder = world.project.project_dir
    before = build_graph(world.manifest, Surroundings(folder))
    found = changed(before, build_graph(world.manifest, Surroundings(folder, target=Target(None, output))))
    assert found == (dict.fromkeys((name.split(".", 2)[2] for name in before.nodes), expected) if expected else {})


def test_a_node_of_another_database_leaves_nothing_in_ours(world: World) -> None:
    graph = build_graph(world.manifest, Surroundings(world.project.project_dir, catalog="else"))
    assert all(node.relation is None and node.kind is None for node in graph.nodes.values())
    assert set(graph.sources.values()) == {None}


def test_a_table_stays_good_in_a_database_of_another_name_and_a_view_does_not(world: World) -> None:
    renamed = {name: {**one, "database": "y"} for name, one in world.manifest["nodes"].items()}
    around = Surroundings(world.project.project_dir)
    found = changed(world.graph(), build_graph({**world.manifest, "nodes": renamed}, around))
    assert "relation" in found["shown"]
    assert "relation" not in found["bands"]

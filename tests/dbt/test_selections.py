"""`tables_from`: what dbt selects is what the manifest requires, and what goes wrong is told at the entry's place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from dbt_projects import make_project  # type: ignore[import-not-found]

from provisioner.declare.load import load_manifest
from provisioner.declare.values import DbtProject, Manifest, Selection
from provisioner.errors import ManifestError, Problem, UsageError
from provisioner.execute.dbt_client import DbtWorker
from provisioner.execute.request import Names, make_request
from provisioner.observe.dbt.cache import load_graph
from provisioner.observe.graph import read_graph
from provisioner.observe.notes import Notes
from provisioner.observe.values import DbtGraph, Graph

FILES = {
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\n"
        "models: {shop: {staging: {+tags: staging}, mart: {+materialized: table, +tags: [nightly, public]}}}\n"
    ),
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: own.duckdb, threads: 1}\n",
    "selectors.yml": (
        "selectors:\n  - name: public seeds and marts\n    definition:\n      union:\n"
        "        - {method: resource_type, value: seed}\n        - {method: tag, value: public}\n"
        "  - {name: since, definition: {method: state, value: modified}}\n"
    ),
    "seeds/rates.csv": "id\n1\n",
    "seeds/regions.csv": "id\n1\n",
    "models/staging/orders.sql": "{{ config(tags='wip') }} select * from {{ ref('rates') }}",
    "models/staging/customers.sql": "select * from {{ ref('regions') }}",
    "models/staging/eu/eu_orders.sql": "select * from {{ ref('joined') }}",
    "models/staging/joined.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('orders') }}",
    "models/staging/empty.sql": "\n",
    "models/mart/revenue.sql": (
        "select id from {{ ref('eu_orders') }} union all select id from {{ ref('customers') }}"
    ),
    "models/mart/placed.sql": "{{ config(schema='mart', alias='named') }} select * from {{ ref('revenue') }}",
    "models/mart/off.sql": "{{ config(enabled=false) }} select 1 as id",
    "models/tests.yml": "models:\n  - {name: revenue, columns: [{name: id, tests: [not_null]}]}\n",
    "snapshots/kept.yml": (
        "snapshots:\n  - {name: kept, relation: ref('orders'), "
        "config: {unique_key: id, strategy: check, check_cols: all, tags: nightly}}\n"
    ),
}  # fmt: skip
MANIFEST = """\
version: 1
name: shop
database: shop.duckdb
tiers: [seed, staging, mart]
dbt: {project_dir: project}
steps: {seeds: {dbt: seed}, models: {dbt: run}, kept: {dbt: snapshot}}
tables:
  rates: {tier: seed, step: seeds}
  kept: {tier: mart, step: kept}
  customers: {tier: staging, step: models, expect: {min_rows: 1}}
tables_from:
"""
LS = """
import json, sys
from dbt.cli.main import dbtRunner

where, asked = sys.argv[1:3], json.loads(sys.argv[3])
base = ["--project-dir", where[0], "--profiles-dir", where[0], "--target-path", where[1], "--log-path", where[1]]
manifest = dbtRunner().invoke(["parse", *base, "--quiet"]).result
kinds = [word for kind in ("model", "seed", "snapshot") for word in ("--resource-type", kind)]
found = []
for words in asked:
    answer = dbtRunner(manifest=manifest).invoke(
        ["ls", *base, "--log-level", "none", *kinds, "--output", "json", "--output-keys", "unique_id", *words]
    )
    found.append(sorted(json.loads(line)["unique_id"] for line in answer.result or []))
print(json.dumps(found))
"""
SELECTIONS = {
    "a tag": Selection(("tag:nightly",)),
    "a name": Selection(("revenue",)),
    "a path": Selection(("path:models/staging",)),
    "a folder by its bare path": Selection(("models/staging",)),
    "a file": Selection(("file:orders.sql",)),
    "a package": Selection(("package:this",)),
    "everything": Selection(("*",)),
    "a wildcard": Selection(("*orders",)),
    "by fully qualified name": Selection(("shop.staging.eu",)),
    "a setting": Selection(("config.materialized:table",)),
    "a kind of node": Selection(("resource_type:seed",)),
    "ancestors": Selection(("+revenue",)),
    "descendants": Selection(("rates+",)),
    "both, so many steps": Selection(("1+eu_orders+1",)),
    "what is needed to build the descendants": Selection(("@customers",)),
    "a union": Selection(("path:models/mart", "tag:wip")),
    "an intersection": Selection(("path:models/staging,tag:wip",)),
    "an intersection of graphs, and more": Selection(("+revenue,rates+", "resource_type:snapshot")),
    "all but": Selection(("path:models/staging", "+orders"), ("tag:wip", "regions")),
    "a selector of selectors.yml": Selection(selector="public seeds and marts"),
    "nothing": Selection(("tag:nigtly",)),
    "nothing that leaves a relation": Selection(("test_type:generic",)),
}
REFUSED = {
    "no such method": (Selection(("nope:x",)), "'nope' is not a valid method name"),
    "a contradiction": (Selection(("@revenue+",)), "incompatible"),
    "a path outside": (Selection(("path:/etc/*",)), "Non-relative"),
    "no such selector": (Selection(selector="-x"), "Could not find selector named -x"),
    "a selector that compares runs": (Selection(selector="since"), "no comparison manifest"),
}


class World:
    """One project, parsed once in one worker; the graph comes from the cache after the first time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project: DbtProject = make_project(folder / "project", FILES)
        self.worker = DbtWorker(
            self.project, folder / "shop.duckdb", variables={}, guard_fd=None,
            private=folder / "private", cache_dir=folder / "cache",
        )  # fmt: skip
        self.dbt = load_graph(
            self.project, folder / "shop.duckdb", cache_dir=folder / "cache", variables={}, parse=self.worker.parse,
            notes=Notes(), selections=(*SELECTIONS.values(), *(one for one, _ in REFUSED.values())),
            select=self.worker.select,
        )  # fmt: skip

    def manifest(self, *entries: str) -> Manifest:
        path = self.folder / "shop.yaml"
        path.write_text(MANIFEST + "".join(f"  - {entry}\n" for entry in entries))
        return load_manifest(path, variables={})

    def graph(self, *entries: str) -> Graph:
        manifest = self.manifest(*entries)
        found = self.worker.select([entry.selection for entry in manifest.tables_from])
        return read_graph(manifest, replace(self.dbt, selections=found), Notes())

    def problem(self, *entries: str) -> Problem:
        with pytest.raises(ManifestError) as refused:
            self.graph(*entries)
        (problem,) = refused.value.problems
        return problem


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("selections"))
    yield world
    world.worker.end()


@pytest.fixture(scope="module")
def listed(world: World) -> Mapping[str, list[str]]:
    """What `dbt ls` says of each selection, in a process of its own."""
    words = [
        [f"--selector={one.selector}"] if one.selector
        else ["--select", *one.select, *(["--exclude", *one.exclude] if one.exclude else [])]
        for one in SELECTIONS.values()
    ]  # fmt: skip
    command = [sys.executable, "-c", LS, str(world.project.project_dir), str(world.folder / "ls"), json.dumps(words)]
    done = subprocess.run(command, cwd=world.project.project_dir, capture_output=True, text=True, check=True)
    return dict(zip(SELECTIONS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", SELECTIONS)
def test_what_is_selected_is_what_dbt_lists(world: World, listed: Mapping[str, list[str]], name: str) -> None:
    found = world.dbt.selections[SELECTIONS[name]]
    # dbt lists a model without code, and runs none.
    assert list(found.nodes) == [node for node in listed[name] if node != "model.shop.empty"]
    assert not found.refused and bool(found.known) is (not found.nodes)
    assert name.startswith("nothing") is (not found.nodes)


@pytest.mark.parametrize("name", REFUSED)
def test_what_dbt_refuses_is_told_in_its_words(world: World, name: str) -> None:
    selection, words = REFUSED[name]
    assert words in world.dbt.selections[selection].refused and not world.dbt.selections[selection].nodes


def test_selections_are_resolved_without_making_a_database(world: World) -> None:
    assert not (world.folder / "shop.duckdb").exists()


def test_the_selected_relations_are_tables_of_the_tier_with_the_place_of_the_entry(world: World) -> None:
    graph = world.graph(
        "{step: models, select: path:models/staging, tier: staging}",
        "{step: models, select: [tag:nightly, 'fqn:*,resource_type:seed'], exclude: kept, tier: mart}",
    )
    found = {str(table.name): (table.tier, table.step, table.place.line) for table in graph.tables}
    assert found == {
        "rates": ("seed", "seeds", 8), "kept": ("mart", "kept", 9), "customers": ("staging", "models", 10),
        "orders": ("staging", "models", 12), "eu_orders": ("staging", "models", 12),
        "revenue": ("mart", "models", 13), "main_mart.named": ("mart", "models", 13),
    }  # fmt: skip
    wants = {str(want.table): want for unit in graph.units.values() for want in unit.wants if want.required}
    assert {name for name, want in wants.items() if want.kind == "view"} == {"orders", "customers", "eu_orders"}
    assert wants["customers"].expect.min_rows == 1 and "regions" not in wants


def test_a_table_that_is_written_out_keeps_its_own_tier(world: World) -> None:
    graph = world.graph("{step: models, select: customers revenue, tier: mart}")
    assert {str(table.name): table.tier for table in graph.tables if table.step == "models"} == {
        "customers": "staging",
        "revenue": "mart",
    }


def test_names_of_selected_tables_can_be_asked_for(world: World) -> None:
    entry = "{step: models, select: tag:staging, tier: staging}"
    manifest, graph = world.manifest(entry), world.graph(entry)
    request = make_request(Names(("eu_orders",), ("orders",)), graph.tables, manifest)
    assert ([*map(str, request.targets or ())], [*map(str, request.rebuild)]) == (["eu_orders"], ["orders"])
    with pytest.raises(UsageError, match="Did you mean eu_orders"):
        make_request(Names(("eu_order",)), graph.tables, manifest)


OVERLAP = ("{step: models, select: tag:staging, tier: staging}", "{step: models, select: +revenue, tier: %s}")


def test_two_entries_may_select_the_same_relations_for_one_tier(world: World) -> None:
    assert len(world.graph(OVERLAP[0], OVERLAP[1] % "staging").tables) == 6


FAULTS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "two tiers": (
        (OVERLAP[0], OVERLAP[1] % "mart"),
        "eu_orders and 1 more would be in tier mart here, and in tier staging by",
        "write eu_orders out under `tables:`",
    ),
    "two misspelled": (
        ("{step: models, select: '1+reven tag:wip,tag:nigtly', tier: mart}",),
        "dbt selects nothing by 1+reven tag:wip,tag:nigtly.",
        "Did you mean 1+revenue tag:nightly?",
    ),
    "a misspelled tag": (
        ("{step: models, select: '+tag:nigtly', tier: mart}",),
        "dbt selects nothing by +tag:nigtly.",
        "Did you mean +tag:nightly?",
    ),
    "a misspelled folder": (
        ("{step: models, select: path:models/stagin, tier: mart}",),
        "dbt selects nothing by path:models/stagin.",
        "Did you mean path:models/staging?",
    ),
    "nothing like anything": (
        ("{step: models, select: tag:zzzzzzzz, exclude: xx, tier: mart}",),
        "dbt selects nothing by tag:zzzzzzzz without xx.",
        "`dbt ls --select ...` shows",
    ),
    "of another command": (
        ("{step: models, select: resource_type:seed, tier: seed}",),
        "of what dbt selects by resource_type:seed, `dbt run` makes nothing: there are 2, such as seed.shop.rates,",
        "Name a step with `dbt: seed`.",
    ),
    "ephemeral alone": (
        ("{step: models, select: joined, tier: staging}",),
        "what dbt selects by joined leaves no relation in this database: there are 1, such as model.shop.joined.",
        "`dbt ls",
    ),
    "refused": (
        ("{step: models, select: nope:x, tier: staging}",),
        "dbt cannot read the selection nope:x: 'nope' is not a valid method name.",
        "`dbt ls",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_entry_that_gives_no_table_is_one_problem_with_its_place_and_cure(world: World, name: str) -> None:
    entries, message, cure = FAULTS[name]
    problem = world.problem(*entries)
    assert (problem.code, problem.place) == ("selection", f"{world.folder / 'shop.yaml'}:{11 + len(entries)}:5")
    assert problem.message.startswith(message) and cure in problem.cure, str(problem)


class Asker:
    """load_graph with a count of what dbt was asked."""

    def __init__(self, world: World) -> None:
        self.world, self.asked = world, list[str]()

    def load(self, *selections: Selection) -> DbtGraph:
        def parse() -> Mapping[str, object]:
            self.asked.append("parse")
            return self.world.worker.parse()

        def select(found: tuple[Selection, ...]) -> Mapping[Selection, object]:
            self.asked.append(f"select {len(found)}")
            return self.world.worker.select(found)

        return load_graph(
            self.world.project, self.world.folder / "shop.duckdb", cache_dir=self.world.folder / "own", variables={},
            parse=parse, notes=Notes(), selections=selections, select=select,
        )  # fmt: skip


def test_dbt_is_asked_again_when_a_selection_is_new_or_the_project_changed(world: World) -> None:
    asker, one, other = Asker(world), Selection(("tag:nightly",)), Selection(("tag:wip",))
    first = asker.load(one, one)
    assert (asker.load(one), asker.asked) == (first, ["parse", "select 1"])
    both = asker.load(one, other)
    assert both.nodes == first.nodes and asker.asked == ["parse", "select 1", "select 2"]
    assert (asker.load(other), asker.load()) == (both, both) and len(asker.asked) == 3
    added = world.project.project_dir / "models" / "staging" / "added.sql"
    added.write_text("{{ config(tags='wip') }} select 1 as id")
    try:
        assert "model.shop.added" in asker.load(other).selections[other].nodes
        assert asker.asked[3:] == ["parse", "select 1"]
    finally:
        added.unlink()
        world.worker.parse()

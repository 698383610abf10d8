"""One relation has one maker: what a step makes, a dbt node that is needed may not make too. dbt is not asked here."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.declare.load import load_manifest
from provisioner.declare.values import TableKind, TableName
from provisioner.errors import ManifestError
from provisioner.observe.graph import read_graph
from provisioner.observe.notes import Notes
from provisioner.observe.values import DbtGraph, DbtGraphNode, DbtNode, Graph, UnitKind

MANIFEST = """\
version: 1
name: shop
database: shop.duckdb
tiers: [mart]
dbt: {project_dir: project}
steps: {models: {dbt: run}, ld: {load: m2.csv}, sq: {sql: m2.sql}}
tables:
  m3: {tier: mart, step: models}
  other: {tier: mart, step: %s}
  m2: {tier: mart, %s}
"""
LOADED, SCRIPTED = ("sq", "step: ld"), ("ld", "step: sq")
DECLARED = ("sq", "columns: {id: INTEGER}")


def node(name: str, *parents: str, kind: TableKind = TableKind.TABLE) -> DbtGraphNode:
    own = DbtNode(f"model.shop.{name}", "run", False, f"models/{name}.sql")
    return DbtGraphNode(own, TableName("main", name), kind, parents, {})


def read(folder: Path, words: tuple[str, str], *nodes: DbtGraphNode) -> Graph:
    (folder / "project").mkdir(exist_ok=True)
    (folder / "m2.csv").write_text("id\n1\n")
    (folder / "m2.sql").write_text("select 1 as id")
    text = MANIFEST % words
    if words is DECLARED:
        text = text.replace(", ld: {load: m2.csv}", "")
    (folder / "shop.yaml").write_text(text)
    sources = {"source.shop.raw.m2": TableName("main", "m2")}
    dbt = DbtGraph({one.node.unique_id: one for one in nodes}, sources)
    return read_graph(load_manifest(folder / "shop.yaml", variables={}), dbt, Notes())


BY_REF = (node("m2"), node("m3", "model.shop.m2"))
AS_STEP, AS_ALIAS = "Let dbt read m2 with source() in the place of ref()", "differ only in case"
TWICE = {
    "a load": (LOADED, BY_REF, "10", "step ld and model.shop.m2.", AS_STEP),
    "a script": (SCRIPTED, BY_REF, "10", "step sq and model.shop.m2.", AS_STEP),
    "a declared table": (DECLARED, BY_REF, "10", "the manifest itself and model.shop.m2.", AS_STEP),
    "another case": (LOADED, (node("M2"), node("m3", "model.shop.M2")), "10", "step ld and model.shop.M2.", AS_STEP),
    "two nodes": (LOADED, (node("m3"), node("M3")), "8", "model.shop.m3 and model.shop.M3.", AS_ALIAS),
}


@pytest.mark.parametrize("name", TWICE)
def test_two_makers_of_one_relation_are_named_at_the_table(tmp_path: Path, name: str) -> None:
    words, nodes, line, makers, cure = TWICE[name]
    with pytest.raises(ManifestError) as refused:
        read(tmp_path, words, *nodes)
    (problem,) = refused.value.problems
    assert (problem.code, problem.place) == ("two_makers", f"{tmp_path / 'shop.yaml'}:{line}:3")
    assert problem.message.endswith(f"has more than one maker: {makers}") and cure in problem.cure, str(problem)


def test_a_model_that_nothing_needs_does_not_make_what_a_step_makes(tmp_path: Path) -> None:
    graph = read(
        tmp_path, LOADED, node("m2", kind=TableKind.VIEW), node("m3", "source.shop.raw.m2"), node("x"), node("X")
    )
    assert graph.units["model.shop.m3"].reads == ("ld",) and "model.shop.m2" not in graph.units
    (want,) = graph.units["ld"].wants
    assert (graph.units["ld"].kind, want.kind) == (UnitKind.LOAD, TableKind.TABLE)

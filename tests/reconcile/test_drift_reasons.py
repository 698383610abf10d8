"""What happened to a table -> the reasons that are told, and what would mend it. One line a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import plan_worlds as worlds
import pytest
from plan_worlds import World, name, unit

from provisioner.declare.values import Column, Expect, HazardKind, TableKind
from provisioner.observe.values import Catalog, ColumnFact, Graph, Mark, Measure, Relation, Stamp, Unit, UnitKind, Want
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.values import Mend, Reason, Request

TABLE = name("orders")
COLUMNS = (Column("id", "BIGINT", worlds.PLACE), Column("day", "DATE", worlds.PLACE))
WANT = Want(TABLE, TableKind.TABLE, COLUMNS, place=worlds.PLACE)
RIGHT = Relation(TABLE, TableKind.TABLE, (ColumnFact("id", "BIGINT"), ColumnFact("day", "DATE")), rows=3)


def one_table(kind: UnitKind = UnitKind.SQL, **changes: object) -> Graph:
    want = replace(WANT, **changes)  # type: ignore[arg-type]
    return worlds.graph(replace(unit("orders", kind=kind), wants=(want,)))


def found(relation: Relation, measure: Measure | None = None) -> Catalog:
    return Catalog(True, {TABLE: relation}, {}, {}, {TABLE: measure} if measure else {})


def columns(**types: str) -> Relation:
    return replace(RIGHT, columns=tuple(ColumnFact(column, text) for column, text in types.items()))


SHAPES = [
    ("nothing there", one_table(), Catalog(), ["missing"]),
    ("as wanted, made by someone else", one_table(), found(RIGHT), ["unstamped"]),
    ("a view in its place", one_table(), found(replace(RIGHT, kind=TableKind.VIEW)), ["wrong_kind"]),
    ("a column gone", one_table(), found(columns(id="BIGINT")), ["column_missing"]),
    ("a column of another type", one_table(), found(columns(id="BIGINT", day="VARCHAR")), ["column_type"]),
    ("column names in other case", one_table(), found(columns(ID="BIGINT", Day="DATE")), ["unstamped"]),
    (
        "a column more in a produced table",
        one_table(),
        found(columns(id="BIGINT", day="DATE", x="DATE")),
        ["unstamped"],
    ),
    ("too few rows", one_table(expect=Expect(min_rows=4)), found(RIGHT, Measure(3)), ["expectation_failed"]),
    ("too many rows", one_table(expect=Expect(max_rows=2)), found(RIGHT, Measure(3)), ["expectation_failed"]),
    ("not the exact rows", one_table(expect=Expect(rows=2)), found(RIGHT, Measure(3)), ["expectation_failed"]),
    ("nulls", one_table(expect=Expect(not_null=("id",))), found(RIGHT, Measure(3, {"id": 1})), ["expectation_failed"]),
    (
        "duplicates",
        one_table(expect=Expect(unique=(("id", "day"),))),
        found(RIGHT, Measure(3, {}, {("id", "day"): 1})),
        ["expectation_failed"],
    ),
    ("unreadable", one_table(expect=Expect(rows=1)), found(RIGHT, Measure(error="broken")), ["expectation_failed"]),
    ("two faults at once", one_table(), found(columns(day="VARCHAR")), ["column_missing", "column_type"]),
]


@pytest.mark.parametrize(
    ("graph", "catalog", "reasons"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES]
)
def test_a_table_that_differs_is_told_with_every_reason(graph: Graph, catalog: Catalog, reasons: list[str]) -> None:
    drift = find_drift(graph, catalog, Request(), "run").drift
    assert [one.reason for one in drift] == reasons
    assert all(one.fact and one.place == "world.yaml:1" and one.table == TABLE for one in drift)


CHAIN = worlds.graph(unit("raw", kind=UnitKind.LOAD, file="1"), unit("mid", "raw"), unit("mart", "mid"))
EDITS: list[tuple[str, Callable[[World], World], dict[str, object], dict[str, list[str]]]] = [
    ("nothing", lambda world: world, {}, {}),
    (
        "code edited",
        lambda world: world,
        {"mid": {"code": "2"}},
        {"mid": ["definition_changed"], "mart": ["upstream_changed"]},
    ),
    (
        "input changed",
        lambda world: world,
        {"raw": {"file": "2"}},
        {"raw": ["input_changed"], "mid": ["upstream_changed"], "mart": ["upstream_changed"]},
    ),
    ("dropped", lambda world: world.drop(name("mid")), {}, {"mid": ["missing"]}),
    ("a run died in it", lambda world: world.mark(name("mid")), {}, {"mid": ["interrupted"]}),
    (
        "dropped and edited",
        lambda world: world.drop(name("mid")),
        {"mid": {"code": "2"}},
        {"mid": ["missing", "definition_changed"], "mart": ["upstream_changed"]},
    ),
]


@pytest.mark.parametrize(
    ("happened", "edits", "expected"), [case[1:] for case in EDITS], ids=[case[0] for case in EDITS]
)
def test_what_was_edited_is_told_by_its_stamp(
    happened: Callable[[World], World], edits: dict[str, dict[str, str]], expected: dict[str, list[str]]
) -> None:
    world = happened(worlds.built(CHAIN))
    units = {
        one.id: replace(
            one,
            definition={"code": edits.get(one.id, {}).get("code", "1")},
            inputs={**one.inputs, **({"file": edits[one.id]["file"]} if "file" in edits.get(one.id, {}) else {})},
        )
        for one in CHAIN.units.values()
    }
    units["raw"] = replace(units["raw"], inputs={"file": edits.get("raw", {}).get("file", "1")})
    assert worlds.reasons(worlds.plan_of(world, Graph(units))) == expected


def test_a_requested_table_is_run_and_its_readers_stay() -> None:
    plan = worlds.plan_of(worlds.built(CHAIN), CHAIN, Request(rebuild=frozenset([name("mid")])))
    assert worlds.reasons(plan) == {"mid": ["requested"]}


def test_a_table_that_nobody_declares_any_more_is_an_orphan_and_left_alone() -> None:
    plan = worlds.plan_of(worlds.built(CHAIN), worlds.graph(unit("raw", kind=UnitKind.LOAD, file="1")))
    assert plan.converged
    assert [(str(one.table), one.reason) for one in plan.orphans] == [("mart", "orphan"), ("mid", "orphan")]


def test_orphans_are_dropped_last_and_only_when_asked_and_rows_make_it_a_hazard() -> None:
    graph = worlds.graph(unit("raw", kind=UnitKind.LOAD, file="2"))
    plan = worlds.plan_of(worlds.built(CHAIN), graph, Request(prune=True))
    assert [(action.mend, str(action.tables[0])) for action in plan.actions] == [
        (Mend.RUN, "raw"),
        (Mend.DROP, "mart"),
        (Mend.DROP, "mid"),
    ]
    assert {hazard.kind for hazard in plan.hazards} == {HazardKind.DROPS_TABLE}


def test_a_protected_orphan_is_not_dropped() -> None:
    built = worlds.built(CHAIN)
    stamps = {table: replace(stamp, protect=True) for table, stamp in built.catalog.stamps.items()}
    plan = worlds.plan_of(replace(built, catalog=replace(built.catalog, stamps=stamps)), Graph(), Request(prune=True))
    assert not plan.actions and len(plan.orphans) == 3


def test_a_table_with_rows_that_nobody_stamped_is_not_replaced_unasked() -> None:
    plan = worlds.plan_of(World(found(columns(id="BIGINT"))), one_table())
    assert [(hazard.kind, hazard.table) for hazard in plan.hazards] == [(HazardKind.DROPS_TABLE, TABLE)]
    empty = replace(columns(id="BIGINT"), rows=0)
    assert not worlds.plan_of(World(found(empty)), one_table()).hazards


def test_a_damaged_stamp_costs_a_rebuild_and_no_wrong_answer() -> None:
    built = worlds.built(CHAIN)
    stamps = dict(built.catalog.stamps)
    old = stamps[name("mid")]
    stamps[name("mid")] = Stamp(old.table, old.unit, "damaged", "damaged", old.parts, old.run, old.at)
    plan = worlds.plan_of(replace(built, catalog=replace(built.catalog, stamps=stamps)), CHAIN)
    assert worlds.reasons(plan) == {"mid": ["definition_changed"]}


def test_leftovers_of_a_dead_dbt_are_swept_without_running_a_node() -> None:
    graph = worlds.graph(unit("model", kind=UnitKind.DBT))
    built = worlds.built(graph)
    left = name("model__dbt_tmp")
    relations = {**built.catalog.relations, left: Relation(left, TableKind.TABLE, ())}
    world = replace(built, catalog=replace(built.catalog, relations=relations))
    plan = worlds.plan_of(world, graph)
    assert [(action.mend, action.leftovers) for action in plan.actions] == [(Mend.SWEEP, (left,))]
    assert worlds.plan_of(worlds.apply(world, graph), graph).converged


def test_an_incremental_unit_is_run_when_stale_and_refreshed_only_when_asked() -> None:
    graph = worlds.graph(unit("events", kind=UnitKind.DBT, memory=True))
    edited = worlds.graph(unit("events", kind=UnitKind.DBT, memory=True, code="2"))
    assert [action.full_refresh for action in worlds.plan_of(worlds.built(graph), edited).actions] == [False]
    asked = worlds.plan_of(worlds.built(graph), graph, Request(rebuild=frozenset([name("events")])))
    assert [action.full_refresh for action in asked.actions] == [True]
    assert [hazard.kind for hazard in asked.hazards] == [HazardKind.LOSES_HISTORY]


LOG = unit("log", kind=UnitKind.DBT, memory=True)
ANEW = unit("log", kind=UnitKind.DBT, code="2")
# What becomes of a unit that remembered, the rows that its table holds (None: not counted), and what that endangers.
FORGETFUL: list[tuple[str, Unit, int | None, list[HazardKind]]] = [
    ("a table", ANEW, 3, [HazardKind.LOSES_HISTORY]),
    ("a table, rows not counted", ANEW, None, [HazardKind.LOSES_HISTORY]),
    ("a table, and it is empty", ANEW, 0, []),
    ("a view", unit("log", kind=UnitKind.DBT, view=True, code="2"), 3, [HazardKind.LOSES_HISTORY]),
    ("a sql step", unit("log", code="2"), 3, [HazardKind.LOSES_HISTORY]),
    ("one that remembers too", replace(LOG, definition={"code": "2"}), 3, []),
]


@pytest.mark.parametrize("died", [False, True], ids=["trusted", "a run died in it"])
@pytest.mark.parametrize(
    ("after", "rows", "hazards"), [case[1:] for case in FORGETFUL], ids=[case[0] for case in FORGETFUL]
)
def test_a_unit_that_no_longer_remembers_does_not_lose_its_rows_unasked(
    after: Unit, rows: int | None, hazards: list[HazardKind], died: bool
) -> None:
    catalog = worlds.built(worlds.graph(LOG)).catalog
    relations = {name("log"): replace(catalog.relations[name("log")], rows=rows)}
    stamps, marks = catalog.stamps, catalog.marks
    if died:
        stamps, marks = {}, {name("log"): Mark(name("log"), "log", "dead", True, None, stamps[name("log")])}
    world = World(replace(catalog, relations=relations, stamps=stamps, marks=marks))
    assert [hazard.kind for hazard in worlds.plan_of(world, worlds.graph(after)).hazards] == hazards


def test_once_its_rows_were_given_up_a_unit_is_one_like_others() -> None:
    world = worlds.apply(worlds.built(worlds.graph(LOG)), worlds.graph(ANEW))
    assert not worlds.plan_of(world, worlds.graph(replace(ANEW, definition={"code": "3"}))).hazards


def test_what_is_not_deterministic_makes_its_readers_stale_only_when_it_runs() -> None:
    graph = worlds.graph(unit("sample", deterministic=False), unit("report", "sample"))
    built = worlds.built(graph)
    assert worlds.plan_of(built, graph, run="another").converged
    plan = worlds.plan_of(built.drop(name("sample")), graph, run="another")
    assert worlds.reasons(plan) == {"sample": ["missing"], "report": ["upstream_changed"]}


def test_a_relation_that_only_dbt_knows_is_made_again_only_when_something_needs_it() -> None:
    graph = worlds.graph(unit("stg", kind=UnitKind.DBT, required=False), unit("mart", "stg", kind=UnitKind.DBT))
    without = worlds.built(graph).drop(name("stg"))
    assert worlds.plan_of(without, graph).converged
    assert worlds.ran(worlds.plan_of(without.drop(name("mart")), graph)) == ["stg", "mart"]


def test_a_view_is_of_no_use_while_what_it_reads_is_gone() -> None:
    graph = worlds.graph(unit("stg", kind=UnitKind.DBT, required=False), unit("report", "stg", view=True))
    assert worlds.ran(worlds.plan_of(worlds.built(graph).drop(name("stg")), graph)) == ["stg"]


def test_reasons_are_a_closed_set() -> None:
    assert {str(reason) for reason in Reason} == {
        "missing", "wrong_kind", "column_missing", "column_type", "column_extra", "constraint", "expectation_failed",
        "definition_changed", "input_changed", "upstream_changed", "interrupted", "unstamped", "orphan", "requested",
    }  # fmt: skip

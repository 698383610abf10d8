"""What must hold of every plan, whatever the graph and whatever happened to the database."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import plan_worlds as worlds
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from plan_worlds import Unreadable, World

from provisioner.observe.values import Graph, Unit, UnitKind
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.plan import make_plan
from provisioner.reconcile.values import Mend, Request

EXAMPLES = examples(80)


@st.composite
def graphs(draw: st.DrawFn, all_required: bool = False, deterministic: bool = True) -> Graph:
    """Up to eight units, each reading some of those before it: tables, views, ephemeral nodes; named or known to dbt
    only.
    """
    units: list[Unit] = []
    names = draw(st.permutations("abcdefgh"))[: draw(st.integers(1, 8))]
    tier = 0
    for name in names:
        reads = draw(st.lists(st.sampled_from([one.id for one in units]), max_size=3, unique=True)) if units else []
        last = name == names[-1]
        shape = "table" if all_required or last else draw(st.sampled_from(("table", "table", "view", "ephemeral")))
        required = all_required or last or (shape != "ephemeral" and draw(st.booleans()))
        tier += draw(st.integers(0, 1)) if required else 0
        kind = UnitKind.DBT if not required else draw(st.sampled_from((UnitKind.DBT, UnitKind.SQL, UnitKind.PYTHON)))
        made = worlds.unit(
            name,
            *reads,
            kind=kind,
            view=shape == "view",
            ephemeral=shape == "ephemeral",
            required=required,
            tier=tier,
            deterministic=deterministic or draw(st.booleans()),
        )
        units.append(made)
    return worlds.graph(*_needed(units))


def _needed(units: list[Unit]) -> list[Unit]:
    """Nobody plans a unit that no named table needs."""
    needed: set[str] = set()
    for one in reversed(units):
        if one.required or one.id in needed:
            needed |= {one.id, *one.reads}
    return [one for one in units if one.id in needed]


@st.composite
def damaged(draw: st.DrawFn, graph: Graph) -> tuple[World, Graph]:
    """A converged database to which things happened, and a manifest in which things were edited; or nothing yet."""
    if draw(st.integers(0, 9)) == 0:
        return World(), graph
    world = worlds.built(graph)
    for one in graph.units.values():
        event = draw(st.sampled_from(("nothing", "nothing", "drop", "edit", "file", "mark", "kind")))
        table = one.tables[0] if one.tables else None
        if event == "edit":
            graph = Graph({**graph.units, one.id: replace(one, definition={"code": "2"})})
        elif event == "file":
            graph = Graph({**graph.units, one.id: replace(one, inputs={"a.csv": "2"})})
        elif table and event == "drop":
            world = world.drop(table)
        elif table and event == "mark":
            world = world.mark(table)
        elif table and event == "kind":
            world = world.widen(table)
    return world, graph


def as_declared(world: World, graph: Graph) -> bool:
    """Nothing to do, and every named relation can be read and holds what an undisturbed build gives."""
    if not worlds.plan_of(world, graph).converged:
        return False
    try:
        return all(
            worlds.content(world, graph, one) == worlds.ideal(graph, one)
            for one in graph.units.values()
            if one.required
        )
    except Unreadable:
        return False


@EXAMPLES
@given(st.data())
def test_apply_converges_and_what_it_built_is_right(data: st.DataObject) -> None:
    world, graph = data.draw(damaged(data.draw(graphs())))
    assert as_declared(worlds.apply(world, graph), graph)


@EXAMPLES
@given(st.data())
def test_apply_converges_with_units_that_are_not_deterministic(data: st.DataObject) -> None:
    world, graph = data.draw(damaged(data.draw(graphs(deterministic=False))))
    after = worlds.apply(world, graph, run="first")
    assert worlds.plan_of(after, graph, run="second").converged


@EXAMPLES
@given(st.data())
def test_no_smaller_set_of_units_would_converge(data: st.DataObject) -> None:
    world, graph = data.draw(damaged(data.draw(graphs())))
    findings = find_drift(graph, world.catalog, Request(), "run")
    actions = make_plan(graph, world.catalog, findings, Request()).actions
    runs = [action for action in actions if action.mend is Mend.RUN]
    for size in range(len(runs)):
        for chosen in combinations(runs, size):
            after = world
            try:
                for action in actions:
                    if action.mend is not Mend.RUN or action in chosen:
                        after = worlds.carry_out(after, graph, findings, action, "run")
            except Unreadable:
                continue
            assert not as_declared(after, graph), (
                f"{[one.unit for one in chosen]} would do instead of {[one.unit for one in runs]}\n"
                + worlds.drawn(world, graph)
            )


@EXAMPLES
@given(st.data())
def test_tiers_and_dependencies_are_respected(data: st.DataObject) -> None:
    world, graph = data.draw(damaged(data.draw(graphs())))
    plan = worlds.plan_of(world, graph)
    tiers = [action.tier for action in plan.actions]
    assert tiers == sorted(tiers)
    names = worlds.ran(plan)
    for number, name in enumerate(names):
        assert not set(names[number:]) & set(graph.units[name].reads)


@EXAMPLES
@given(st.data())
def test_shuffling_the_manifest_changes_nothing(data: st.DataObject) -> None:
    world, graph = data.draw(damaged(data.draw(graphs())))
    shuffled: dict[str, Unit] = {}
    waiting = list(data.draw(st.permutations(list(graph.units.values()))))
    while waiting:
        ready = next(one for one in waiting if all(read in shuffled for read in one.reads))
        shuffled[ready.id] = ready
        waiting.remove(ready)
    assert repr(worlds.plan_of(world, Graph(shuffled))) == repr(worlds.plan_of(world, graph))


@EXAMPLES
@given(st.data())
def test_dropping_any_one_table_replans_exactly_its_unit(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    one = data.draw(st.sampled_from([unit for unit in graph.units.values() if unit.required]))
    world = worlds.built(graph).drop(one.tables[0])
    assert worlds.ran(worlds.plan_of(world, graph)) == [one.id], worlds.drawn(world, graph)


@EXAMPLES
@given(st.data())
def test_editing_one_step_replans_exactly_its_descendants(data: st.DataObject) -> None:
    graph = data.draw(graphs(all_required=True))
    edited = data.draw(st.sampled_from(list(graph.units.values())))
    after = Graph({**graph.units, edited.id: replace(edited, definition={"code": "2"})})
    descendants = {edited.id}
    for one in after.units.values():
        if descendants & set(one.reads):
            descendants.add(one.id)
    assert set(worlds.ran(worlds.plan_of(worlds.built(graph), after))) == descendants


@EXAMPLES
@given(st.data())
def test_an_adopted_database_needs_no_unit(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    built = worlds.built(graph)
    found = replace(built, catalog=replace(built.catalog, stamps={}))
    assert worlds.ran(worlds.plan_of(found, graph)) == []
    assert as_declared(worlds.apply(found, graph), graph)


@EXAMPLES
@given(st.data())
def test_a_target_is_mended_and_nothing_that_it_does_not_need_runs(data: st.DataObject) -> None:
    world, graph = data.draw(damaged(data.draw(graphs())))
    target = data.draw(st.sampled_from([unit for unit in graph.units.values() if unit.required]))
    request = Request(targets=frozenset(target.tables))
    plan = worlds.plan_of(world, graph, request)
    ancestors, waiting = set(), [target.id]
    while waiting:
        ancestors.add(name := waiting.pop())
        waiting += graph.units[name].reads
    assert set(worlds.ran(plan)) <= ancestors
    after = worlds.apply(world, graph, request)
    assert worlds.content(after, graph, target) == worlds.ideal(graph, target), worlds.drawn(world, graph)
    assert worlds.plan_of(after, graph, request).converged

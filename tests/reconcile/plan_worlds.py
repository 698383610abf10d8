"""A world without DuckDB: units, a catalog, and contents that show whether what was built is what should have been.

The content of a table is the hash of its unit's parts and of the contents that it read when it was built. A view's is
taken at the time of reading. So a plan that leaves anything stale leaves a wrong content.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from provisioner.declare.values import Column, Place, TableKind, TableName
from provisioner.observe.values import Catalog, ColumnFact, DbtNode, Graph, Mark, Relation, Stamp, Unit, UnitKind, Want
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.plan import make_plan
from provisioner.reconcile.values import Action, Findings, Mend, Plan, Request

PLACE = Place("world.yaml", 1, 1)
EVERYTHING = Request()


def name(text: str) -> TableName:
    return TableName("main", text)


def unit(
    text: str,
    *reads: str,
    kind: UnitKind = UnitKind.SQL,
    view: bool = False,
    required: bool = True,
    ephemeral: bool = False,
    tier: int = 0,
    code: str = "1",
    file: str = "",
    deterministic: bool = True,
    columns: tuple[str, ...] = (),
    memory: bool = False,
    tables: tuple[str, ...] = (),
) -> Unit:
    """A unit that makes one relation of its own name, or `tables`."""
    made = TableKind.VIEW if view else TableKind.TABLE
    wanted = tuple(Column(column, "INTEGER", PLACE) for column in columns)
    wants = tuple(
        Want(name(table), made, wanted, required=required, place=PLACE if required else None, remembers=memory)
        for table in (tables or (text,))
    )
    return Unit(
        text,
        kind,
        tier,
        () if ephemeral else wants,
        tuple(sorted(reads)),
        f"{text}.sql",
        definition={"code": code},
        inputs={"file": file} if file else {},
        deterministic=deterministic,
        dbt=DbtNode(text, "run", memory, f"{text}.sql") if kind is UnitKind.DBT else None,
    )


def graph(*units: Unit) -> Graph:
    return Graph({one.id: one for one in units})


@dataclass(frozen=True)
class World:
    """A catalog, and the content of every relation in it as it was when it was built.

    definitions: of every view, the unit as it was then. A view over something that has changed since is of no use:
    DuckDB keeps the columns that it had.
    """

    catalog: Catalog = Catalog(exists=True)
    contents: dict[TableName, str] = field(default_factory=dict)
    definitions: dict[TableName, Unit] = field(default_factory=dict)

    def drop(self, table: TableName) -> World:
        relations = {key: value for key, value in self.catalog.relations.items() if key != table}
        return World(replace(self.catalog, relations=relations), self.contents, self.definitions)

    def unstamp(self, table: TableName) -> World:
        stamps = {key: value for key, value in self.catalog.stamps.items() if key != table}
        return World(replace(self.catalog, stamps=stamps), self.contents, self.definitions)

    def mark(self, table: TableName) -> World:
        world = self.unstamp(table)
        mark = Mark(table, "somebody", "dead", existed=True)
        marks = {**world.catalog.marks, table: mark}
        return World(replace(world.catalog, marks=marks), {**self.contents, table: "half of it"}, self.definitions)

    def widen(self, table: TableName) -> World:
        """Someone turned the relation into the other kind."""
        relation = self.catalog.relations[table]
        other = TableKind.TABLE if relation.kind is TableKind.VIEW else TableKind.VIEW
        relations = {**self.catalog.relations, table: replace(relation, kind=other, rows=0)}
        return World(replace(self.catalog, relations=relations), self.contents, self.definitions)


class Unreadable(Exception):
    """A unit ran before what it reads was there."""


def content(world: World, graph: Graph, one: Unit) -> str:
    """What reading the unit gives now. Raises Unreadable when it is not there."""
    for want in one.wants:
        table, relation = want.table, world.catalog.relations.get(want.table)
        if relation is None:
            raise Unreadable(str(table))
        if relation.kind is not want.kind:
            return "something else"
        held = world.contents[table]
        fresh = relation.kind is TableKind.TABLE or build(world, graph, world.definitions[table]) == held
        return held if fresh else "a view over something else"
    return build(world, graph, one)


def build(world: World, graph: Graph, one: Unit) -> str:
    """What the unit would make now."""
    read = [content(world, graph, graph.units[name]) for name in one.reads]
    return hashlib.sha256(repr((sorted(one.definition.items()), sorted(one.inputs.items()), read)).encode()).hexdigest()


def ideal(graph: Graph, one: Unit) -> str:
    """What an undisturbed build of everything gives."""
    read = [ideal(graph, graph.units[name]) for name in one.reads]
    return hashlib.sha256(repr((sorted(one.definition.items()), sorted(one.inputs.items()), read)).encode()).hexdigest()


def carry_out(world: World, graph: Graph, findings: Findings, action: Action, run: str) -> World:
    """What execute/ does, without a database."""
    if action.mend is Mend.SWEEP or not action.unit:
        for table in action.leftovers or action.tables:
            world = world.drop(table)
        return world
    one = graph.units[action.unit]
    relations, contents, definitions = dict(world.catalog.relations), dict(world.contents), dict(world.definitions)
    if action.mend in (Mend.RUN, Mend.CREATE):
        made = build(world, graph, one)
        for want in one.wants:
            columns = tuple(ColumnFact(column.name, column.type) for column in want.columns)
            relations[want.table] = Relation(want.table, want.kind, columns, rows=1)
            contents[want.table] = made
            definitions[want.table] = one
    prints = findings.fingerprints[one.id]
    stamps = {
        **world.catalog.stamps,
        **{
            want.table: Stamp(
                want.table, one.id, prints.value, prints.base, prints.parts, run, "now", memory=want.remembers
            )
            for want in one.wants
        },
    }
    marks = {table: mark for table, mark in world.catalog.marks.items() if table not in one.tables}
    return World(replace(world.catalog, relations=relations, stamps=stamps, marks=marks), contents, definitions)


def plan_of(world: World, graph: Graph, request: Request = EVERYTHING, run: str = "run") -> Plan:
    return make_plan(graph, world.catalog, find_drift(graph, world.catalog, request, run), request)


def apply(world: World, graph: Graph, request: Request = EVERYTHING, run: str = "run") -> World:
    """Plan and carry out. Raises Unreadable when the order is wrong or something is left out."""
    findings = find_drift(graph, world.catalog, request, run)
    for action in make_plan(graph, world.catalog, findings, request).actions:
        world = carry_out(world, graph, findings, action, run)
    return world


def built(graph: Graph) -> World:
    """Converged."""
    return apply(World(), graph)


def ran(plan: Plan) -> list[str]:
    """The units that the plan runs, in order."""
    return [action.unit for action in plan.actions if action.mend is Mend.RUN]


def reasons(plan: Plan) -> dict[str, list[str]]:
    """unit -> its reasons."""
    return {action.unit: [str(one.reason) for one in action.reasons] for action in plan.actions}


def drawn(world: World, graph: Graph) -> str:
    """The world in a few lines, for a failing test."""
    return "\n".join(_drawn(one, world) for one in graph.units.values())


def _drawn(one: Unit, world: World) -> str:
    there = ["there" if table in world.catalog.relations else "absent" for table in one.tables]
    marked = ["marked" for table in one.tables if table in world.catalog.marks]
    kinds = [str(want.kind) for want in one.wants] or ["ephemeral"]
    words = [one.id, "reads", ",".join(one.reads) or "-", *kinds, *there, *marked, "required" if one.required else ""]
    return " ".join([*words, str(dict(one.definition)), str(dict(one.inputs))])

"""What must hold of every manifest and whatever was done to its database, on real files and real DuckDB."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from examples import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from projects import Project, make, planned, ran

from provisioner.reconcile.values import Mend

TIERS = ("one", "two", "three")


def applied(count: int) -> settings:
    """No shrinking in the default run: an example costs real applies."""
    return examples(count, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))


@dataclass(frozen=True)
class Piece:
    """One unit. reads: names of tables. number: what an edit changes, and what the contents come from."""

    name: str
    kind: str
    tier: int
    reads: tuple[str, ...]
    number: int = 1

    @property
    def tables(self) -> tuple[str, ...]:
        return (f"{self.name}_a", f"{self.name}_b") if self.kind == "script" else (self.name,)

    @property
    def unit(self) -> str:
        return f"table:{self.name}" if self.kind == "declared" else f"make_{self.name}"

    @property
    def step(self) -> dict[str, Any] | None:
        sources = {
            "load": {"load": f"data/{self.name}.csv"},
            "python": {"python": f"{self.name}_step:build", "reads": list(self.reads)},
            "declared": None,
        }
        return sources.get(self.kind, {"sql": f"sql/{self.name}.sql"})

    @property
    def file(self) -> tuple[str, str] | None:
        """Its file with its text."""
        query = " UNION ALL ".join(
            [f"SELECT {self.number}::INTEGER AS id, {self.number}::BIGINT AS v"]
            + [f"SELECT id, v + {self.number} AS v FROM {read}" for read in self.reads]
        )
        first, last = self.tables[0], self.tables[-1]
        match self.kind:
            case "declared":
                return None
            case "load":
                return f"data/{self.name}.csv", f"id,v\n{self.number},1\n{self.number + 1},2\n"
            case "python":
                make = f'connection.execute("CREATE TABLE {first} AS {query}")'
                return f"{self.name}_step.py", f"def build(connection, context):\n    {make}\n"
            case "script":
                script = (
                    f"CREATE TABLE {first} AS {query};\nCREATE TABLE {last} AS SELECT id, v * 2 AS v FROM {first};\n"
                )
                return f"sql/{self.name}.sql", script
        return f"sql/{self.name}.sql", query + "\n"

    def declared(self, table: str) -> dict[str, Any]:
        body: dict[str, Any] = {"tier": TIERS[self.tier], "columns": {"id": "INTEGER", "v": "BIGINT"}}
        if self.kind == "declared":
            return body
        if self.kind == "view":
            return {"tier": TIERS[self.tier], "step": self.unit, "kind": "view"}
        return {**body, "step": self.unit, "expect": {"min_rows": 1}}


Pieces = tuple[Piece, ...]


@st.composite
def piece_lists(draw: st.DrawFn, most: int = 6) -> Pieces:
    """Up to six units, each reading some tables of those before it."""
    pieces: list[Piece] = []
    tier = 0
    for name in draw(st.permutations("abcdef"))[: draw(st.integers(1, most))]:
        tier = min(2, tier + draw(st.integers(0, 1)))
        kind = draw(st.sampled_from(("load", "table", "table", "view", "view", "script", "declared")))
        if draw(st.integers(0, 39)) == 0:
            kind = "python"
        known = [table for piece in pieces for table in piece.tables]
        reads = draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
        pieces.append(Piece(name, kind, tier, () if kind in ("load", "declared") else tuple(reads)))
    return tuple(pieces)


def build(folder: Path, pieces: Pieces) -> Project:
    project = make(
        folder,
        {piece.unit: piece.step for piece in pieces if piece.step},
        {table: piece.declared(table) for piece in pieces for table in piece.tables},
    )
    write(project, pieces)
    return project


def write(project: Project, pieces: Pieces) -> None:
    for piece in pieces:
        if piece.file:
            project.write(*piece.file)


@contextmanager
def built(pieces: Pieces) -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as folder:
        project = build(Path(folder) / "first", pieces)
        project.apply()
        yield project


def readers(pieces: Pieces, changed: Piece) -> set[str]:
    """The units of the piece and of all that read it, through others too."""
    units, tables = {changed.unit}, set(changed.tables)
    for piece in pieces:
        if tables & set(piece.reads):
            units.add(piece.unit)
            tables |= set(piece.tables)
    return units


def from_scratch(project: Project, pieces: Pieces) -> dict[str, Any]:
    """The contents of an undisturbed build into a new database."""
    fresh = build(project.folder.parent / "fresh", pieces)
    fresh.apply()
    return fresh.contents()


EVENTS = ("nothing", "drop", "edit", "empty", "other_kind", "narrow")


def happen(project: Project, piece: Piece, event: str) -> Piece:
    """Do something to a unit or to what it made; the piece as it is from then on."""
    table, made = piece.tables[-1], "VIEW" if piece.kind == "view" else "TABLE"
    if event == "edit" and piece.kind != "declared":
        return replace(piece, number=piece.number + 1)
    if event == "drop":
        project.sql(f"DROP {made} {table}")
    elif event == "other_kind" and made == "VIEW":
        project.sql(f"DROP VIEW {table}", f"CREATE TABLE {table} AS SELECT 1 AS id")
    elif piece.kind in ("view", "declared"):
        pass  # users may do what they like to the rows and the structure of their own tables is mended by hand
    elif event == "other_kind":
        project.sql(f"DROP TABLE {table}", f"CREATE VIEW {table} AS SELECT 1 AS id, 1::BIGINT AS v")
    elif event == "empty":
        project.sql(f"DELETE FROM {table}")
    elif event == "narrow":
        project.sql(f"ALTER TABLE {table} DROP COLUMN v")
    return piece


def assert_settled(project: Project) -> None:
    before = project.files()
    run = project.apply()
    assert (run.plan.actions, run.plan.by_hand, run.id) == ((), (), "")
    assert project.files() == before


@applied(5)
@given(st.data())
def test_apply_converges_whatever_happened_and_then_does_and_writes_nothing(data: st.DataObject) -> None:
    pieces = data.draw(piece_lists())
    with built(pieces) as project:
        pieces = tuple(happen(project, piece, data.draw(st.sampled_from(EVENTS))) for piece in pieces)
        write(project, pieces)
        project.apply()
        assert project.plan().converged
        assert_settled(project)
        assert project.contents() == from_scratch(project, pieces)


@applied(3)
@given(st.data())
def test_dropping_any_one_table_for_real_replans_exactly_its_unit(data: st.DataObject) -> None:
    pieces = data.draw(piece_lists(most=4))
    with built(pieces) as project:
        before = project.contents()
        piece = data.draw(st.sampled_from(pieces))
        happen(project, piece, "drop")
        assert planned(project.plan()) == {piece.unit: {"missing"}}
        assert ran(project.apply()) == {piece.unit: "done"}
        assert project.contents() == before


@applied(3)
@given(st.data())
def test_editing_one_step_for_real_replans_exactly_its_descendants(data: st.DataObject) -> None:
    pieces = data.draw(piece_lists(most=4).filter(lambda pieces: any(piece.file for piece in pieces)))
    with built(pieces) as project:
        piece = data.draw(st.sampled_from([piece for piece in pieces if piece.file]))
        edited = replace(piece, number=7)
        write(project, (edited,))
        assert set(planned(project.plan())) == readers(pieces, piece)
        assert set(ran(project.apply())) == readers(pieces, piece)
        assert project.contents() == from_scratch(project, tuple(edited if one is piece else one for one in pieces))


@applied(3)
@given(st.data())
def test_shuffling_the_keys_of_the_manifest_changes_neither_plan_nor_fingerprints(data: st.DataObject) -> None:
    pieces = data.draw(piece_lists(most=4))
    with tempfile.TemporaryDirectory() as folder:
        project = build(Path(folder), pieces)
        plans = []
        for _ in range(2):
            plans.append([(one.unit, one.mend, one.tables, one.tier) for one in project.plan().actions])
            shuffle(project, data)
        project.apply()
        shuffle(project, data)
        assert plans[0] == plans[1]
        assert project.plan().converged


def shuffle(project: Project, data: st.DataObject) -> None:
    tree = yaml.safe_load(project.path.read_text())
    for key in ("steps", "tables"):
        tree[key] = dict(data.draw(st.permutations(list(tree[key].items()))))
    project.manifest = dict(data.draw(st.permutations(list(tree.items()))))
    project.declare()


@applied(3)
@given(st.data())
def test_a_database_without_any_stamp_is_adopted_and_no_unit_runs(data: st.DataObject) -> None:
    pieces = data.draw(piece_lists(most=4))
    with built(pieces) as project:
        before = project.contents()
        project.sql("DROP SCHEMA _provisioner CASCADE")
        plan = project.plan()
        assert {action.mend for action in plan.actions} == {Mend.ADOPT}
        assert set(planned(plan)) == {piece.unit for piece in pieces}
        assert set(ran(project.apply()).values()) == {"adopted"}
        assert_settled(project)
        assert project.contents() == before

"""What dbt made is settled: no node is accepted whose sources were not, however many are accepted in one go."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from provisioner.declare.values import DbtProject, Expect, Manifest, Place, TableKind, TableName
from provisioner.execute import dbt_settle
from provisioner.execute.aside import put_aside
from provisioner.execute.dbt_progress import NodeResult
from provisioner.execute.dbt_settle import settle
from provisioner.execute.events import Event, Noted, Outcome
from provisioner.execute.interrupt import Stop
from provisioner.execute.live import Live
from provisioner.execute.setting import Setting
from provisioner.execute.walk import Walk
from provisioner.observe.introspect import introspect
from provisioner.observe.values import Catalog, DbtNode, Graph, Unit, UnitKind, Want
from provisioner.observe.watch import Watch
from provisioner.reconcile.drift import find_drift
from provisioner.reconcile.values import Action, Mend, Plan, Request

TABLE, VIEW, EPHEMERAL = "table", "view", "ephemeral"
FINE, REJECTED, NOT_RUN = "fine", "rejected", "not_run"


def unit(name: str, kind: str, reads: Iterable[str], retries: int) -> Unit:
    """A dbt node of which the manifest wants at least one row."""
    want = Want(TableName("main", name), TableKind.VIEW if kind == VIEW else TableKind.TABLE, expect=Expect(min_rows=1))
    wants = () if kind == EPHEMERAL else (want,)
    node = DbtNode(name, "run", False, f"models/{name}.sql")
    return Unit(
        name, UnitKind.DBT, 0, wants, tuple(sorted(reads)), node.path, step="models",
        definition={"code": name}, retries=retries, dbt=node,
    )  # fmt: skip


@dataclass
class Settled:
    """A run whose dbt is played: it makes what the fates say."""

    folder: Path
    units: Mapping[str, Unit]
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        graph = Graph(self.units)
        fingerprints = find_drift(graph, Catalog(), Request(), "now").fingerprints
        project = DbtProject(self.folder / "dbt", Place("m.yaml", 1, 1))
        manifest = Manifest(
            "t", self.folder / "m.yaml", self.folder, self.folder / "t.duckdb", ("mart",), (), (), "", dbt=project
        )
        duckdb.connect(str(manifest.database)).close()
        live = Live(manifest.database, self.folder)
        self.actions = tuple(
            Action(Mend.RUN, one.id, one.kind, 0, one.tables, ()) for one in self.units.values() if one.wants
        )
        self.setting = Setting(
            manifest, graph, fingerprints, "now", self.told.append, Stop(), live,
            changed_since=lambda _: (), watch=lambda _: Watch({}),
        )  # fmt: skip
        self.walk = Walk(Plan(self.actions), Request(), self.setting)

    def attempt(self, actions: tuple[Action, ...], fates: Mapping[str, str], number: int) -> tuple[Action, ...]:
        connection = self.setting.live.connection
        put_aside(connection, [self.units[action.unit] for action in actions], "now")
        for action in actions:
            fate, kind = fates.get(action.unit, FINE), self.units[action.unit].wants[0].kind
            if fate != NOT_RUN:
                rows = "range(1)" if fate == FINE else "range(0)"
                connection.execute(f"CREATE {kind.upper()} {action.unit} AS SELECT range AS i FROM {rows}")
        results = {
            action.unit: NodeResult(NOT_RUN if fates.get(action.unit) == NOT_RUN else "success") for action in actions
        }
        return settle(actions, results, self.setting, self.walk, number)

    def outcomes(self) -> dict[str, Outcome]:
        assert len(self.walk.results) == len({result.unit for result in self.walk.results}), "each ends once"
        return {result.unit: result.outcome for result in self.walk.results}

    def accepted(self) -> set[str]:
        """The units whose tables carry a stamp."""
        wants = [want for one in self.units.values() for want in one.wants]
        return {stamp.unit for stamp in introspect(self.setting.live.connection, wants).stamps.values()}

    def notes(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Noted)]


def chain(kinds: str, retries: int = 0, between: int = 0) -> dict[str, Unit]:
    """a <- … <- the last; `between` more that read nothing stand behind the first."""
    names = "abcdef"[: len(kinds)]
    full = {"t": TABLE, "v": VIEW, "e": EPHEMERAL}
    units = {"a": unit("a", full[kinds[0]], (), retries)}
    units |= {f"n{number}": unit(f"n{number}", TABLE, (), retries) for number in range(between)}
    for before, name, kind in zip(names, names[1:], kinds[1:], strict=False):
        units[name] = unit(name, full[kind], (before,), retries)
    return units


@pytest.mark.parametrize(
    ("kinds", "between"), [("tt", 0), ("tvt", 0), ("tet", 0), ("tvet", 0), ("tt", 60), ("tvet", 60)]
)
def test_what_reads_a_rejected_node_is_not_accepted(tmp_path: Path, kinds: str, between: int) -> None:
    run = Settled(tmp_path, chain(kinds, between=between))
    assert run.attempt(run.actions, {"a": REJECTED}, 1) == ()
    readers = [action.unit for action in run.actions if action.unit in "bcdef"]
    assert run.outcomes() == {
        "a": Outcome.FAILED,
        **{f"n{number}": Outcome.DONE for number in range(between)},
        **dict.fromkeys(readers, Outcome.SKIPPED),
    }
    assert run.accepted() == {f"n{number}" for number in range(between)}


@pytest.mark.parametrize("fate", [REJECTED, NOT_RUN])
def test_what_reads_a_node_that_is_tried_again_runs_again_with_it(tmp_path: Path, fate: str) -> None:
    run = Settled(tmp_path, chain("tvt", retries=1, between=1))
    again = run.attempt(run.actions, {"a": fate}, 1)
    assert [action.unit for action in again] == ["a", "b", "c"] and run.accepted() == {"n0"}
    warned, also = ["a, attempt 1: a made"] if fate == REJECTED else [], "b, c" if fate == REJECTED else "a, b, c"
    *warnings, last = run.notes()
    assert [note[: len(start)] for note, start in zip(warnings, warned, strict=True)] == warned
    assert last == f"attempt 2 also runs what did not fail: {also}"
    assert run.attempt(again, {}, 2) == ()
    assert run.outcomes() == dict.fromkeys(run.units, Outcome.DONE) and run.accepted() == set(run.units)


@pytest.mark.parametrize("fate", [REJECTED, NOT_RUN])
def test_after_a_stop_nothing_runs_again_and_no_reader_is_accepted(tmp_path: Path, fate: str) -> None:
    run = Settled(tmp_path, chain("tvt", retries=1))
    run.setting.stop.request("SIGTERM")
    assert run.attempt(run.actions, {"a": fate}, 1) == ()
    assert not run.accepted() and run.outcomes()["c"] is Outcome.SKIPPED


@pytest.mark.parametrize("seed", range(12))
def test_any_graph_is_settled_as_if_each_node_were_alone(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_settle, "_TOGETHER", 3)
    chance = random.Random(seed)
    names = [f"u{number:02}" for number in range(12)]
    units = {
        name: unit(
            name, chance.choice([TABLE, TABLE, VIEW, EPHEMERAL]),
            chance.sample(names[:at], min(at, chance.randint(0, 2))), retries=seed % 2,
        )
        for at, name in enumerate(names)
    }  # fmt: skip
    run = Settled(tmp_path, units)
    ended: dict[str, Outcome] = {}
    actions = run.actions
    for number in (1, 2):
        luck = [FINE, FINE, FINE, REJECTED, NOT_RUN] if number == 1 else [FINE, FINE, REJECTED]
        fates = {name: chance.choice(luck) for name in names}
        expected = list(settled_alone(units, [action.unit for action in actions], fates, number, ended))
        actions = run.attempt(actions, fates, number)
        assert [action.unit for action in actions] == expected and run.outcomes() == ended
    assert run.accepted() == {name for name, outcome in ended.items() if outcome is Outcome.DONE}
    marks = introspect(run.setting.live.connection, [want for one in units.values() for want in one.wants]).marks
    assert not marks


def settled_alone(
    units: Mapping[str, Unit], names: Iterable[str], fates: Mapping[str, str], number: int, ended: dict[str, Outcome]
) -> Iterator[str]:
    """What runs once more, by the rule for one node after the other; `ended` gets how the others end."""
    again = set[str]()

    def sources(name: str) -> set[str]:
        return {far for read in units[name].reads for far in ([read] if units[read].wants else sources(read))}

    for name in names:
        fate, read = fates[name], sources(name)
        if any(ended.get(source, Outcome.DONE) is not Outcome.DONE for source in read):
            ended[name] = Outcome.SKIPPED
        elif read & again or fate == NOT_RUN or (fate == REJECTED and number <= units[name].retries):
            again.add(name)
            yield name
        else:
            ended[name] = Outcome.DONE if fate == FINE else Outcome.FAILED

"""What is read out of a history: estimates, the run that was cut short, and records in no shape of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.execute.chain import START, seal
from provisioner.execute.history import (
    History,
    RunRecord,
    UnitRecord,
    durations,
    incomplete_run,
    journal_path,
    read_journal,
)


def unit(name: str, outcome: str | None, seconds: float | None, kind: str = "sql") -> UnitRecord:
    return UnitRecord(name, kind, outcome=outcome, seconds=seconds)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], {}),
        ([[unit("a", "done", 1.0)]], {"a": 1.0}),
        ([[unit("a", "done", 1.0)], [unit("a", "done", 3.0)]], {"a": 3.0}),
        ([[unit("a", "done", 1.0)], [unit("a", "failed", 9.0), unit("b", "done", 2.0)]], {"a": 1.0, "b": 2.0}),
        ([[unit("a", "adopted", 0.0), unit("b", "skipped", 0.0), unit("c", None, None)]], {}),
    ],
)
def test_an_estimate_is_what_the_unit_took_when_it_was_last_done(
    runs: list[list[UnitRecord]], expected: dict[str, float]
) -> None:
    history = History(tuple(RunRecord(f"r{n}", units=tuple(units)) for n, units in enumerate(runs)))
    assert durations(history).units == expected


RUNS_WITH_DBT = [
    ([], 0.0),
    ([("done", 5.0, [unit("a", "done", 1.0)])], 0.0),
    ([("done", 5.0, [unit("a", "done", 1.0, "dbt"), unit("b", "done", 1.5, "dbt")])], 2.5),
    ([("done", 5.0, [unit("a", "done", 1.0, "dbt")]), ("done", 3.0, [unit("a", "done", 0.5, "dbt")])], 2.5),
    ([("done", 5.0, [unit("a", "done", 1.0, "dbt")]), ("failed", 90.0, [unit("a", "failed", 0.5, "dbt")])], 4.0),
    ([("done", 5.0, [unit(name, "done", 3.0, "dbt") for name in "abcd"])], 0.0),
]


@pytest.mark.parametrize(("runs", "start"), RUNS_WITH_DBT)
def test_dbts_start_is_what_the_last_run_with_dbt_took_beside_its_units(
    runs: list[tuple[str, float, list[UnitRecord]]], start: float
) -> None:
    records = [
        RunRecord(f"r{number}", outcome=outcome, seconds=seconds, units=tuple(units))
        for number, (outcome, seconds, units) in enumerate(runs)
    ]
    assert durations(History(tuple(records))).dbt_start == start


@pytest.mark.parametrize(
    ("outcomes", "incomplete"),
    [
        ([], None),
        (["done"], None),
        ([None], "r0"),
        (["failed", "stopped"], "r1"),
        (["failed", "done"], None),
        (["done", None], "r1"),
    ],
)
def test_the_incomplete_run_is_the_newest_unless_it_is_done(outcomes: list[str | None], incomplete: str | None) -> None:
    history = History(tuple(RunRecord(f"r{n}", outcome=outcome) for n, outcome in enumerate(outcomes)))
    found = incomplete_run(history)
    assert (found.run if found else None) == incomplete


NAMES = ["run", "at", "unit", "kind", "outcome", "seconds", "rows", "error", "attempt", "planned", "versions", "clean"]


@pytest.mark.parametrize("wrong", [None, True, -1, 1e308, "text", "\x1b[2J\ud800", [1, None], {"a": [1]}])
@pytest.mark.parametrize("record", ["run_begun", "unit_begun", "unit_ended", "run_ended", "of a later version", 7])
def test_a_field_in_no_shape_of_ours_is_an_absent_field(tmp_path: Path, record: object, wrong: object) -> None:
    path, chain = journal_path(tmp_path / "a.duckdb"), START
    for fields in [{"record": record, **dict.fromkeys(NAMES, wrong)}, {"record": "run_begun", "run": "r"}]:
        line, chain = seal(chain, fields)
        with path.open("ab") as file:
            file.write(line)
    found = read_journal(path)
    assert found.damage == ""
    assert found.runs[-1].run == "r"
    assert all(run.error.isprintable() for run in found.runs)
    assert durations(found).units == {} and incomplete_run(found) is not None


def test_a_record_of_a_later_version_makes_no_run(tmp_path: Path) -> None:
    path = journal_path(tmp_path / "a.duckdb")
    path.write_bytes(seal(START, {"record": "unit_paused", "run": "r"})[0])
    assert read_journal(path) == History()


def test_every_line_is_json_that_other_tools_can_read(tmp_path: Path) -> None:
    line, chain = seal(START, {"record": "run_begun", "run": "r"})
    assert json.loads(line) == {"chain": chain, "record": "run_begun", "run": "r"}

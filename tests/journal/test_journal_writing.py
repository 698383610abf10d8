"""What the journal keeps of a run, and what happens when it cannot."""

from __future__ import annotations

import os
import resource
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_samples import FACTS, history_of, run_of, write

from provisioner.execute.events import Event, Noted, Outcome, RunStarted, UnitFinished
from provisioner.execute.history import History, RunRecord, UnitRecord, journal_path
from provisioner.execute.journal import Journal


def test_a_run_is_told_with_all_that_was_known_of_it(tmp_path: Path) -> None:
    assert write(tmp_path / "a.duckdb", run_of("r1")) == []
    (run,) = history_of(tmp_path / "a.duckdb").runs
    assert run == RunRecord(
        run="r1",
        begun=run.begun,
        command="provision apply",
        manifest="shop",
        digest="d1",
        who="ada@saturn 4711",
        commit="abc123",
        clean=False,
        versions={"provision": "0.1.0", "duckdb": "2.0.0"},
        planned=("load_orders", "totals"),
        outcome="failed",
        seconds=2.0,
        error="1 unit failed",
        units=(
            UnitRecord("load_orders", "load", run.units[0].begun, 1, "done", 1.25, 16),
            UnitRecord("totals", "sql", run.units[1].begun, 2, "failed", 0.5, None, "Binder Error: no x"),
        ),
    )
    assert run.begun.endswith("Z") and run.begun <= run.units[0].begun <= run.units[1].begun


def test_runs_are_appended_in_order_under_every_name_of_the_database(tmp_path: Path) -> None:
    (tmp_path / "link.duckdb").symlink_to("a.duckdb")
    for name, run in [("a.duckdb", "r1"), ("link.duckdb", "r2"), ("./x/../a.duckdb", "r3")]:
        assert write(tmp_path / name, run_of(run)) == []
    found = history_of(tmp_path / "link.duckdb")
    assert ([run.run for run in found.runs], found.damage) == (["r1", "r2", "r3"], "")


@given(
    units=st.lists(
        st.tuples(st.text(min_size=1), st.floats(0, 1e6), st.none() | st.integers(0), st.text(max_size=50)),
        max_size=5,
        unique_by=lambda unit: unit[0],
    )
)
def test_whatever_a_unit_is_called_and_says_it_comes_back(
    units: list[tuple[str, float, int | None, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "a.duckdb")
        finished = [UnitFinished("r", n, "sql", Outcome.DONE, s, 1, 1, rows=r, error=e) for n, s, r, e in units]
        assert write(database, [RunStarted("r", 1, None), *finished]) == []
        (run,) = history_of(database).runs
        assert [(unit.unit, unit.seconds, unit.rows) for unit in run.units] == [
            (n, round(s, 6), r) for n, s, r, _ in units
        ]
        assert all(unit.error.isprintable() for unit in run.units)


def test_reading_while_a_run_appends_sees_a_beginning_of_it_and_no_damage(tmp_path: Path) -> None:
    database, seen = tmp_path / "a.duckdb", [0]
    events: list[Event] = [RunStarted("r", 150, None)]
    events += [UnitFinished("r", f"unit{n}", "sql", Outcome.DONE, 0.1, n, 150) for n in range(150)]
    writer = threading.Thread(target=write, args=(database, events))
    writer.start()
    while writer.is_alive():
        found = history_of(database)
        assert found.damage == ""
        seen.append(sum(len(run.units) for run in found.runs))
    writer.join()
    assert seen == sorted(seen)
    assert len(history_of(database).runs[0].units) == 150


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond this size: the system then writes a part and says nothing, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("more", [0, 1, 100, 300])
def test_a_full_disk_is_told_once_and_leaves_no_torn_line(tmp_path: Path, more: int) -> None:
    database = tmp_path / "a.duckdb"
    write(database, run_of("r1"))
    size = journal_path(database).stat().st_size
    with room_for(size + more):
        (told,) = write(database, run_of("r2"))
    assert isinstance(told, Noted) and told.warning and "cannot be written" in told.text and "`df -h" in told.text
    assert write(database, run_of("r3")) == []
    found = history_of(database)
    assert (found.damage, found.runs[0].run, found.runs[-1].run) == ("", "r1", "r3")
    assert found.runs[-1].outcome == "failed"


def test_what_happens_after_room_is_made_is_kept(tmp_path: Path) -> None:
    told: list[Event] = []
    with Journal(tmp_path / "a.duckdb", FACTS, told.append) as journal:
        listen = journal.listener()
        with room_for(10):
            listen(RunStarted("r", 1, None))
        for event in run_of("r")[1:]:
            listen(event)
    (run,) = history_of(tmp_path / "a.duckdb").runs
    assert (len(told), run.outcome, run.begun, len(run.units)) == (1, "failed", "", 2)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "none" / "none")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [a_folder, a_pipe, a_link_to_nowhere, a_link_to_itself])
def test_a_journal_that_cannot_be_is_told_once_and_stops_nobody(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = journal_path(tmp_path / "a.duckdb")
    make(path)
    (told,) = write(tmp_path / "a.duckdb", run_of("r1"))
    assert isinstance(told, Noted) and told.warning and str(path) in told.text
    assert history_of(tmp_path / "a.duckdb").runs == ()
    assert os.path.lexists(path)


def some_text(path: Path) -> None:
    path.write_text("dear diary\n")


def text_without_an_end(path: Path) -> None:
    path.write_text("dear diary")


def nothing_but_zeros(path: Path) -> None:
    path.write_bytes(bytes(5000))


def another_program_s_journal(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (i)")
    connection.close()


@pytest.mark.parametrize("make", [some_text, text_without_an_end, nothing_but_zeros, another_program_s_journal])
def test_a_foreign_file_is_set_aside_unharmed(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = journal_path(tmp_path / "a.duckdb")
    make(path)
    before = path.read_bytes()
    assert "is not a journal of provision" in history_of(tmp_path / "a.duckdb").damage
    (told,) = write(tmp_path / "a.duckdb", run_of("r1"))
    (aside,) = tmp_path.glob("a.duckdb.journal.damaged-*")
    assert isinstance(told, Noted) and told.warning and aside.name in told.text
    assert aside.read_bytes() == before
    assert [run.run for run in history_of(tmp_path / "a.duckdb").runs] == ["r1"]


def test_a_journal_that_is_not_there_is_an_empty_history(tmp_path: Path) -> None:
    assert history_of(tmp_path / "a.duckdb") == History()

"""Room on the disk: what a plan may need, when a warning is due and when a refusal; and what a killed DuckDB left."""

from __future__ import annotations

import zipfile
from pathlib import Path

import duckdb
import pytest

from provisioner.declare.values import Manifest, Place, Step, StepKind, TableKind, TableName
from provisioner.errors import InputError
from provisioner.execute.room import LEAST, LITTLE, Need, Room, check_room, estimate_need, judge_room
from provisioner.execute.session import Observed
from provisioner.execute.spill import sweep_spill
from provisioner.observe.values import Catalog, Graph, Relation, Unit, UnitKind, Want
from provisioner.reconcile.values import Action, Findings, Mend, Plan, Request

GIB = 2**30


@pytest.mark.parametrize(
    ("room", "need", "said"),
    [
        (Room(GIB), Need(), ""),
        (Room(GIB), Need(GIB), ""),
        (Room(GIB), Need(GIB, 1), "has 1,024 MiB free, and the run may need about 1,024 MiB: 1,024 MiB of files"),
        (Room(GIB), Need(0, 2 * GIB), "2,048 MiB for tables that are kept until they are made again"),
        (Room(GIB, GIB), Need(2 * GIB), ""),
        (Room(GIB, GIB), Need(3 * GIB), "has 1,024 MiB free, the database 1,024 MiB of its own, and the run may need"),
        (Room(LEAST), Need(), "has 16 KiB free, which may be too little"),
        (Room(LEAST, LITTLE), Need(), ""),
    ],
)
def test_a_warning_comes_when_more_may_be_needed_than_is_free(room: Room, need: Need, said: str) -> None:
    warning = judge_room(Path("/data"), room, need)
    assert said in warning and bool(said) is bool(warning)
    assert not warning or "df -h /data" in warning


def test_where_nothing_can_be_written_the_plan_is_refused() -> None:
    with pytest.raises(InputError, match="has 12 KiB free") as refused:
        judge_room(Path("/data"), Room(LEAST - 4096, GIB), Need())
    assert refused.value.code == "disk_full" and "Nothing was done" in refused.value.cure


def test_what_a_failed_step_has_swollen_the_database_by_counts_as_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk with hardly anything else free."""
    monkeypatch.setattr("provisioner.execute.room._free", lambda folder: LEAST)
    manifest = Manifest("t", tmp_path / "m.yaml", tmp_path, tmp_path / "t.duckdb", (), (), (), "")
    seen = Observed(Graph({}), Catalog(), Request(), Findings(), Plan())
    told: list[object] = []
    with duckdb.connect(str(manifest.database)) as connection:
        check_room(manifest.database, manifest, seen, connection, told.append)
        assert len(told) == 1, "nothing is free in it yet"
        connection.execute("BEGIN; CREATE TABLE t AS SELECT md5(i::VARCHAR) FROM range(900_000) r(i)")
        connection.execute("ROLLBACK")
    with duckdb.connect(str(manifest.database)) as connection:
        check_room(manifest.database, manifest, seen, connection, told.append)
    assert len(told) == 1, told


def test_the_need_is_that_of_due_files_unpacked_and_of_due_tables_that_are_there(tmp_path: Path) -> None:
    place = Place("m.yaml", 1, 1)
    (tmp_path / "plain.csv").write_bytes(b"x" * 1000)
    (tmp_path / "idle.csv").write_bytes(b"x" * 7)
    with zipfile.ZipFile(tmp_path / "packed.csv.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("packed.csv", b"x" * 5000)
    (tmp_path / "t.duckdb").write_bytes(b"x" * 9000)
    sources = {"plain": "plain.csv", "packed": "packed.csv.zip", "idle": "idle.csv"}
    steps = tuple(Step(name, StepKind.LOAD, source, place) for name, source in sources.items())
    names = {name: TableName("main", name) for name in sources}
    units = {
        name: Unit(name, UnitKind.LOAD, 0, (Want(names[name], TableKind.TABLE),), (), source, step=name)
        for name, source in sources.items()
    }
    manifest = Manifest("t", tmp_path / "m.yaml", tmp_path, tmp_path / "t.duckdb", ("raw",), steps, (), "")
    due = tuple(Action(Mend.RUN, name, UnitKind.LOAD, 0, (names[name],), ()) for name in ("plain", "packed"))
    there = {names[name]: Relation(names[name], TableKind.TABLE, ()) for name in ("plain", "idle")}
    seen = Observed(Graph(units), Catalog(True, there), Request(), Findings(), Plan(due))
    assert estimate_need(manifest.database, manifest, seen) == Need(1000 + 5000, 4500)
    (tmp_path / "plain.csv").unlink()
    assert estimate_need(manifest.database, manifest, seen) == Need(5000, 4500), (
        "a file that is gone is told of elsewhere"
    )


def test_what_a_killed_duckdb_spilled_is_removed_and_nothing_else(tmp_path: Path) -> None:
    database, folder = tmp_path / "t.duckdb", tmp_path / "t.duckdb.tmp"
    folder.mkdir()
    for name in ("duckdb_temp_storage_DEFAULT-0.tmp", "duckdb_temp_17_0_owner", "mine.txt"):
        (folder / name).write_text("x")
    (folder / "duckdb_temp_link").symlink_to(tmp_path / "elsewhere")
    with duckdb.connect(str(database)) as connection:
        sweep_spill(database, connection)
        assert {path.name for path in folder.iterdir()} == {"mine.txt", "duckdb_temp_link"}
        (tmp_path / "elsewhere").mkdir()
        folder.rename(tmp_path / "other")
        (tmp_path / "other" / "duckdb_temp_x").write_text("x")
        folder.symlink_to(tmp_path / "other")
        sweep_spill(database, connection)
        assert (tmp_path / "other" / "duckdb_temp_x").exists()

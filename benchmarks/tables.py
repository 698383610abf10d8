"""Many tables: written out in the manifest, and in the catalog."""

from __future__ import annotations

from pathlib import Path

from findings import Finding, in_turn, mebibytes, seconds
from generate import column_types, write_tables
from place import Place, Sample
from workforce import converged_plans

WRITTEN_OUT, COLUMNS = 2000, 10
SMALL, LARGE, WIDE = 1000, 10000, 20
CREATE = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("BEGIN")
for statement in open(sys.argv[2], encoding="utf-8"):
    connection.execute(statement)
connection.execute("COMMIT")
"""


def declared(folder: Path, tables: int, columns: int) -> Place:
    """A manifest of tables that no step makes, and no database yet."""
    place = Place(folder, write_tables(folder, tables, columns), folder / "build" / "declared.duckdb")
    place.forget_database()
    return place


def written_out(folder: Path, runs: int) -> list[Finding]:
    """2,000 tables, each with its lines in the manifest, all there."""
    place = declared(folder, WRITTEN_OUT, COLUMNS)
    apply = place.provision("apply")

    size = f"{WRITTEN_OUT:,} tables"
    return [
        Finding(f"{size}, first apply", "", [apply.seconds], (), None),
        *converged_plans(place, size, runs, 4.0, 15.0),
    ]


def growth(folder: Path, runs: int) -> list[Finding]:
    """Ten times the tables, all made by someone else and unknown to provision: all is read, and all is in the plan."""
    small, large = (_filled(folder / str(size), size) for size in (SMALL, LARGE))

    def bare() -> Sample:
        return small.python("pass")

    def plan_small() -> Sample:
        return _plan(small, SMALL)

    def plan_large() -> Sample:
        return _plan(large, LARGE)

    base, few, many = in_turn(runs, bare, plan_small, plan_large)
    floor = sum(mebibytes(base)) / len(base)
    of_many, of_few = ([peak - floor for peak in mebibytes(found)] for found in (many, few))
    what, yardstick = f"{LARGE:,} tables to adopt, plan", f"the same, {SMALL:,} tables"
    return [
        Finding(what, yardstick, seconds(many), seconds(few), 12.0),
        Finding(f"{what}: memory", yardstick, of_many, of_few, 12.0, "MiB"),
    ]


def _filled(folder: Path, tables: int) -> Place:
    place = declared(folder, tables, WIDE)
    statements = folder / "tables.sql"
    with statements.open("w", encoding="utf-8") as file:
        for number in range(tables):
            columns = ", ".join(f"{name} {kind}" for name, kind in column_types(number, WIDE))
            key = ", PRIMARY KEY (id)" if number % 5 == 0 else ""
            file.write(f"CREATE TABLE table_{number:05d} (id BIGINT NOT NULL, {columns}{key})\n")
    place.python(CREATE, str(statements))
    return place


def _plan(place: Place, tables: int) -> Sample:
    # As text: what a parent reads of JSON for 10,000 tables would count as memory of the children after it.
    sample = place.provision("plan", "--no-cache")
    if f"{tables} to adopt" not in sample.printed[-200:].replace(",", ""):
        raise RuntimeError(f"expected {tables} tables to adopt: {sample.printed[-2000:]}")
    return sample

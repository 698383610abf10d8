"""The bundled workforce database: converged, from nothing, and with one table dropped."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

from findings import Finding, Side, in_turn, seconds
from place import ROOT, Place, Sample

LIST_TABLES = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); c.execute('FROM duckdb_tables()').fetchall()"
)
YARDSTICK = "python: open, list tables"
# Seconds of the first call of ensure() in a process, and of the 20 that follow.
ENSURE = """
import json, sys, time
import provisioner
found = []
for _ in range(21):
    begun = time.perf_counter()
    run = provisioner.ensure(sys.argv[2])
    found.append(time.perf_counter() - begun)
    assert not run.units, run
print(json.dumps(found))
"""
IN_ONE_PROCESS = """
import sys
from dbt.cli.main import dbtRunner
for words in (["seed"], ["run", "--select", "staging", "+tag:foundation"]):
    outcome = dbtRunner().invoke([*words, *sys.argv[2:]])
    assert outcome.success, outcome.exception
"""


def workforce(folder: Path) -> Place:
    """A copy of the bundled project, without anything that was built."""
    for part in ("manifests", "dbt"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("target", "logs"))
    (folder / "build").mkdir()
    return Place(
        folder,
        folder / "manifests" / "workforce.yaml",
        folder / "build" / "workforce.duckdb",
        folder / "dbt" / "workforce",
    )


def built(place: Place) -> Place:
    """Everything built, and what dbt keeps by itself warm too."""
    place.provision("apply")
    if place.dbt_project is not None:
        place.dbt("parse")
    return place


def expect_made(sample: Sample, *tables: str) -> Sample:
    """What was measured has to be the work that was meant. Raises RuntimeError when units of other tables ran."""
    made = [table for unit in sample.json()["units"] for table in unit["tables"]]
    if made != list(tables):
        raise RuntimeError(f"expected to be made: {tables}, and these were: {made}")
    return sample


def converged_plans(place: Place, size: str, runs: int, bound: float, anew_bound: float | None) -> list[Finding]:
    """The plan of a database in which nothing is to do, by its proof and by a full look. size: of what, in words."""

    def ours() -> Sample:
        return place.provision("plan", "--detailed-exitcode")

    def anew() -> Sample:
        return place.provision("plan", "--detailed-exitcode", "--no-cache")

    def theirs() -> Sample:
        return place.python(LIST_TABLES)

    found, without, base = map(seconds, in_turn(runs, ours, anew, theirs))
    return [
        Finding(f"{size}, converged plan", YARDSTICK, found, base, bound),
        Finding(f"{size}, converged plan --no-cache", YARDSTICK, without, base, anew_bound),
    ]


def converged(folder: Path, runs: int) -> list[Finding]:
    """Nothing to do: what every deployment and every start of an application pays."""
    place = built(workforce(folder))
    names = [["plan"], ["apply"], ["plan", "--no-cache"], ["apply", "--no-cache"]]

    def ours(words: list[str]) -> Sample:
        if words[0] == "plan":
            return place.provision(*words, "--detailed-exitcode")
        return expect_made(place.provision(*words, "--format", "json"))

    def listed() -> Sample:
        return place.python(LIST_TABLES)

    def dbt_ls() -> Sample:
        return place.dbt("ls")

    sides = [lambda words=words: ours(words) for words in names]
    *found, base, ls = map(seconds, in_turn(runs, *sides, listed, dbt_ls))
    told = [f"converged {' '.join(words)}" for words in names]
    return [
        *(Finding(told[at], YARDSTICK, found[at], base, bound) for at, bound in enumerate((0.6, 0.6, 2.0, 2.0))),
        *(Finding(told[at], "dbt ls", found[at], ls, 1 / 25) for at in (0, 1)),
    ]


def ensure(folder: Path, runs: int) -> list[Finding]:
    """The library, within an application that runs already."""
    place = built(workforce(folder))
    place.python(ENSURE, str(place.manifest))
    calls = [place.python(ENSURE, str(place.manifest)).json() for _ in range(runs)]
    later = [statistics.median(one[1:]) for one in calls]
    return [
        Finding("ensure(), converged", "", later, (), 0.003),
        Finding("ensure(), the first call of a process", "", [one[0] for one in calls], (), None),
    ]


def first(folder: Path, runs: int) -> list[Finding]:
    """From no database to all of it: once with what both sides keep of the project, and once without."""
    place = workforce(folder)
    dbt_seed_run_run = _from_no_database(place, lambda: _three_commands(place))
    dbt_runner = _from_no_database(place, lambda: place.python(IN_ONE_PROCESS, *place.dbt_options()))
    ours = _from_no_database(place, lambda: _all_made(place))
    kept = ours, dbt_seed_run_run, dbt_runner
    warm, three, one = map(seconds, in_turn(runs, *kept))
    cold, cold_three, cold_one = map(seconds, in_turn(runs, *(_from_no_cache(place, side) for side in kept)))
    return [
        Finding("first apply, project known", "dbt seed, run, run", warm, three, 0.65),
        Finding("first apply, project known", "dbtRunner: seed, run", warm, one, 1.2),
        Finding("first apply, nothing kept", "dbt seed, run, run", cold, cold_three, 0.65),
        Finding("first apply, nothing kept", "dbtRunner: seed, run", cold, cold_one, 1.2),
        Finding("first apply, nothing kept", "dbtRunner, project known", cold, one, None),
    ]


def _from_no_database(place: Place, side: Side) -> Side:
    def begin() -> Sample:
        place.forget_database()
        return side()

    return begin


def _from_no_cache(place: Place, side: Side) -> Side:
    def begin() -> Sample:
        place.forget_cache()
        return side()

    return begin


def _three_commands(place: Place) -> Sample:
    staging = place.dbt("seed").then(place.dbt("run", "--select", "staging"))
    return staging.then(place.dbt("run", "--select", "+tag:foundation"))


def _all_made(place: Place) -> Sample:
    sample = place.provision("apply", "--format", "json")
    if len(sample.json()["units"]) != 12:
        raise RuntimeError(f"expected 12 units: {sample.printed}")
    return sample


def table_dropped(folder: Path, runs: int) -> list[Finding]:
    """One table of dbt's is gone: it alone is built."""
    return _dropped(folder, runs, "int_baseline_workforce", "run", 1.1)


def seed_dropped(folder: Path, runs: int) -> list[Finding]:
    """One seed is gone: it alone is loaded, and its readers are left as they are."""
    return _dropped(folder, runs, "config_age_bands", "seed", None)


def _dropped(folder: Path, runs: int, table: str, command: str, bound: float | None) -> list[Finding]:
    place = built(workforce(folder))

    def ours() -> Sample:
        place.sql(f"DROP TABLE {table}")
        return expect_made(place.provision("apply", "--format", "json"), table)

    def theirs() -> Sample:
        place.sql(f"DROP TABLE {table}")
        return place.dbt(command, "--select", table)

    found, base = map(seconds, in_turn(runs, ours, theirs))
    return [Finding(f"{table} dropped, apply", f"dbt {command} --select", found, base, bound)]

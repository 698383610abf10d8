"""The two databases that come with the project, from nothing to converged, with the numbers that the docs show."""

from __future__ import annotations

import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import warm
from dbt_shops import due

import provisioner

ROOT = Path(__file__).parents[2]


def copied(name: str, folder: Path) -> Path:
    """The manifest's copy; all that it names lies beside it."""
    for part in ("manifests", f"dbt/{name}"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "manifests" / f"{name}.yaml"


def tree(folder: Path) -> set[Path]:
    found = (path for part in ("manifests", "dbt") for path in (folder / part).rglob("*"))
    return {path for path in found if "__pycache__" not in path.parts}


def database_of(manifest: Path) -> Path:
    return manifest.parent.parent / "build" / f"{manifest.stem}.duckdb"


def first_apply(manifest: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "provisioner", "apply", "--manifest", str(manifest)]
    return subprocess.run(line, capture_output=True, text=True, cwd=manifest.parent.parent)


def run(manifest: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return warm.run("-m", "provisioner", *words, "--manifest", str(manifest), cwd=manifest.parent.parent, timeout=60)


def ask(manifest: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database_of(manifest)), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def check_settled(manifest: Path) -> None:
    database = database_of(manifest)
    before = database.read_bytes()
    plan, again = run(manifest, "plan", "--detailed-exitcode"), run(manifest, "apply")
    assert (plan.returncode, again.returncode) == (0, 0), plan.stdout + again.stderr
    assert "Nothing to do" in plan.stdout and "Nothing to do" in again.stdout
    assert database.read_bytes() == before


def test_workforce(tmp_path: Path) -> None:
    manifest = copied("workforce", tmp_path)
    given = tree(tmp_path)
    first = first_apply(manifest)
    assert first.returncode == 0, first.stderr
    assert ask(manifest, "SELECT age_band, count(*) FROM int_baseline_workforce GROUP BY 1 ORDER BY min(age)") == [
        ("< 25", 68), ("25-34", 419), ("35-44", 891), ("45-54", 830), ("55-64", 392), ("65+", 54),
    ]  # fmt: skip
    by_year = (
        "SELECT simulation_year, count(*), sum(compensation) FROM int_employee_compensation_by_year "
        "GROUP BY 1 ORDER BY 1"
    )
    compensation = [
        (2025, 2654, Decimal("238927084.82")),
        (2026, 2653, Decimal("253033192.93")),
        (2027, 2652, Decimal("266186303.93")),
    ]
    assert ask(manifest, by_year) == compensation
    check_settled(manifest)

    with duckdb.connect(str(database_of(manifest))) as connection:
        connection.execute("DROP TABLE int_employee_compensation_by_year")
    assert due(provisioner.plan(manifest)) == {"int_employee_compensation_by_year": "missing"}
    repair = provisioner.apply(manifest)
    assert [unit.unit for unit in repair.units] == ["model.workforce.int_employee_compensation_by_year"]
    assert ask(manifest, by_year) == compensation
    check_settled(manifest)

    bands = tmp_path / "dbt/workforce/seeds/config_age_bands.csv"
    bands.write_text(bands.read_text().replace("< 25", "under 25"))
    upstream = dict.fromkeys(
        ("stg_config_age_bands", "int_baseline_workforce", "int_employee_compensation_by_year"), "upstream_changed"
    )
    assert due(provisioner.plan(manifest)) == {"config_age_bands": "input_changed", **upstream}
    assert tree(tmp_path) == given, "nothing is left in the user's folders"


def test_flights(tmp_path: Path) -> None:
    manifest = copied("flights", tmp_path)
    given = tree(tmp_path)
    first = first_apply(manifest)
    assert first.returncode == 0, first.stderr
    report = "SELECT airline, flights, mean_dep_delay FROM carrier_report ORDER BY mean_dep_delay DESC LIMIT 3"
    top = [
        ("Frontier Airlines Inc.", 685, 20.22),
        ("ExpressJet Airlines Inc.", 54173, 19.96),
        ("Mesa Airlines Inc.", 601, 19.0),
    ]
    assert ask(manifest, report) == top
    check_settled(manifest)
    with duckdb.connect(str(database_of(manifest))) as connection:
        connection.execute("DROP TABLE delay_by_weather")
    assert due(provisioner.plan(manifest)) == {"delay_by_weather": "missing"}
    assert tree(tmp_path) == given

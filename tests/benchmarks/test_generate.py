"""What the benchmarks measure is sound, and the same every time."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from generate import ModelsShape, write_models, write_tables  # type: ignore[import-not-found]

from provisioner import load_manifest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
SMALL = ModelsShape(models=6, layers=2, seeds=2)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_of_the_benchmarks_can_be_imported(module: str) -> None:
    assert import_module(module).__doc__


def test_the_parent_of_what_is_measured_is_small() -> None:
    """A child begins with its parent's peak of memory on its account."""
    code = "import sys, run; print(*{'duckdb', 'dbt', 'provisioner', 'yaml'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True)
    assert (found.stdout.strip(), found.stderr) == ("", "")


def test_every_row_of_the_benchmarks_is_on_the_page() -> None:
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    assert [row for row in import_module("run").ROWS if f"| `{row}` |" not in page] == []


def test_a_generated_dbt_project_is_sound(tmp_path: Path) -> None:
    manifest = write_models(tmp_path, SMALL)
    surroundings = {"PATH": str(Path(sys.executable).parent), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    check = [sys.executable, "-m", "provisioner", "check", "--quiet", "--manifest", str(manifest)]
    found = subprocess.run(check, cwd=tmp_path, env=surroundings, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert "8 units" in found.stdout


def test_the_same_numbers_make_the_same_project(tmp_path: Path) -> None:
    texts = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        write_models(folder, SMALL)
        texts.append({path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()})
    assert texts[0] == texts[1]
    assert len([path for path in texts[0] if path.suffix == ".sql" and "models" in path.parts]) == 6


def test_generated_tables_are_as_many_as_asked_for(tmp_path: Path) -> None:
    manifest = load_manifest(write_tables(tmp_path, 2503, 3), variables={})
    assert {len(table.columns) for table in manifest.tables} == {3}
    assert len(manifest.tables) == 2503

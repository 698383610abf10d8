"""What is not needed is not imported: an application pays for what it uses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import provisioner

HEAVY = {"click", "dbt", "duckdb", "fasteners", "jinja2", "jsonschema", "loguru", "sqlglot", "yaml"}
ROOT = str(Path(provisioner.__file__).parent.parent)
MANIFEST = """version: 1
name: shop
database: shop.duckdb
tiers: [seed, mart]
steps:
  people: {load: people.csv}
  loud: {sql: loud.sql}
tables:
  people: {tier: seed, step: people}
  loud: {tier: mart, step: loud}
"""


def imported(folder: Path, *arguments: str) -> set[str]:
    """The top-level names of all that a Python process imported."""
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], cwd=folder, capture_output=True, text=True, check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": ROOT},
    )  # fmt: skip
    found = set(re.findall(r"^import time:.*\|\s+([\w]+)", answer.stderr, re.MULTILINE))
    assert "provisioner" in found
    return found


def test_importing_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported(tmp_path, "-c", "import provisioner") & HEAVY == set()


def test_a_manifest_without_dbt_is_planned_and_applied_without_dbt(tmp_path: Path) -> None:
    (tmp_path / "provision.yaml").write_text(MANIFEST)
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n")
    (tmp_path / "loud.sql").write_text("select upper(name) as name from people")
    for command in ("plan", "apply"):
        found = imported(tmp_path, "-m", "provisioner", command)
        assert "duckdb" in found and found & {"dbt", "jinja2", "jsonschema", "loguru"} == set()


LIGHT = {
    *(
        "provisioner",
        "provisioner.cli",
        "provisioner.cli_plan",
        "provisioner.cli_apply",
        "provisioner.console",
        "provisioner.declare",
        "provisioner.declare.asked",
    ),
    *("provisioner.declare.duration", "provisioner.declare.locate", "provisioner.errors", "provisioner.face"),
    *("provisioner.observe", "provisioner.observe.header", "provisioner.observe.installation"),
    "provisioner.observe.own",
    *("provisioner.observe.proof", "provisioner.observe.seal", "provisioner.declare.signature"),
    *("provisioner.options", "provisioner.report", "provisioner.report.converged"),
    *("provisioner.declare.escape", "provisioner.declare.redact", "provisioner.declare.shorten"),
    "provisioner.declare.forms",  # where a variable holds a secret
    "provisioner.declare.visible",
}
"""What answers that there is nothing to do. A module more is time that everyone waits, at every start."""


@pytest.mark.parametrize("words", [["plan"], ["apply"], ["plan", "--format", "json"]], ids=" ".join)
def test_a_converged_database_is_told_with_few_imports(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "provision.yaml").write_text(MANIFEST)
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n")
    (tmp_path / "loud.sql").write_text("select upper(name) as name from people")
    time.sleep(0.1)
    imported(tmp_path, "-m", "provisioner", "apply")
    code = (
        "import sys; before = set(sys.modules); sys.argv[0] = 'provision'; from provisioner.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": ROOT},
    )  # fmt: skip
    found = answer.stderr.split()
    assert "Nothing to do" in answer.stdout or '"converged": true' in answer.stdout
    assert {name for name in found if name.split(".")[0] == "provisioner"} <= LIGHT
    others = {name.split(".")[0] for name in found} - {"provisioner", "click"}
    assert others <= set(sys.stdlib_module_names)
    assert others & {"hashlib", "email", "csv", "tempfile", "subprocess", "socket", "ssl"} == set()


def test_a_missing_manifest_is_told_without_dbt(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "provisioner", "plan"]
    answer = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ROOT}
    )
    assert answer.returncode == 64 and "there is no manifest" in answer.stderr
    assert not re.search(r"\| +dbt\b", answer.stderr)

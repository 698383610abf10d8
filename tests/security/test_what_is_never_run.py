"""What plan and check never run, which files a run leaves for whom, and what names may do to a terminal."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import duckdb
import pytest
import warm

import provisioner

TRAP = "from pathlib import Path\nPath(__file__).with_name('imported').touch()\ndef build(connection, context): ...\n"
DBT = {
    "dbt/dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\non-run-start: \"copy (select 1) to '{here}/hooked.csv'\"\n"
    ),
    "dbt/profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: own.duckdb}\n",
    "dbt/models/made.sql": (
        "{% if execute %}{% do run_query(\"copy (select 1) to '{here}/queried.csv'\") %}{% endif %}\nselect 1 as x"
    ),
    "dbt/seeds/ages.csv": "id\n1\n",
}


def _project(folder: Path, files: dict[str, str], **keys: Any) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{here}", str(folder)))
    tables = {name: {"tier": "one", "step": name} for name in keys["steps"]}
    manifest = {"version": 1, "name": "shop", "database": "build/shop.duckdb", "tiers": ["one"], "tables": tables}
    (folder / "provision.yaml").write_text(json.dumps(manifest | keys))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg" / "provision"


def _run(folder: Path, *words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return warm.run("-m", "provisioner", *words, cwd=folder, env=dict(os.environ), timeout=60, **settings)


@pytest.mark.usefixtures("cache")
def test_plan_and_check_run_no_step_no_hook_and_no_query(tmp_path: Path) -> None:
    steps = {"code": {"python": "code:build"}, "out": {"sql": "out.sql"}, "models": {"dbt": "build"}}
    tables = {"code": "code", "out": "out", "made": "models", "ages": "models"}
    files = {"code.py": TRAP, "out.sql": "COPY (SELECT 1) TO '{here}/copied.csv'; CREATE TABLE out AS SELECT 1", **DBT}
    folder = _project(
        tmp_path / "shop", files, steps=steps, dbt={"project_dir": "dbt"},
        tables={name: {"tier": "one", "step": step} for name, step in tables.items()},
    )  # fmt: skip
    given = {path for path in folder.rglob("*")}
    for words in (("check",), ("plan",)):
        assert _run(folder, *words).returncode == 0
    assert {path for path in folder.rglob("*")} == given


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_files_obey_the_umask_and_the_cache_is_for_its_owner_alone(mask: int, tmp_path: Path, cache: Path) -> None:
    folder = _project(tmp_path / "shop", {"sales.csv": "id\n1\n"}, steps={"sales": {"load": "sales.csv"}})
    os.chmod(folder, 0o755)
    before = os.umask(mask)
    try:
        assert _run(folder, "apply").returncode == 0
    finally:
        os.umask(before)
    beside = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder / "build").iterdir()}
    assert {"shop.duckdb", "shop.duckdb.journal", "shop.duckdb.lock", "shop.duckdb.guard"} == set(beside)
    assert set(beside.values()) == {0o666 & ~mask}
    # The folder above it was missing too.
    kept = [cache.parent, *cache.parent.rglob("*")]
    assert len(kept) > 2 and not [path for path in kept if path.stat().st_mode & 0o077]


@pytest.mark.usefixtures("cache")
def test_a_database_file_that_was_made_in_advance_keeps_its_mode(tmp_path: Path) -> None:
    folder = _project(tmp_path / "shop", {"sales.csv": "id\n1\n"}, steps={"sales": {"load": "sales.csv"}})
    (folder / "build").mkdir()
    (folder / "build" / "shop.duckdb").touch(0o600)
    provisioner.apply(folder / "provision.yaml")
    assert stat.S_IMODE((folder / "build" / "shop.duckdb").stat().st_mode) == 0o600


# Cursor, colour, title and clipboard of a terminal, a new line, another direction, C1 controls and a lone surrogate.
TRICKS = "a\nerror: all is lost\r\x1b[2J\x1b]0;title\x07\x9b31m\u202egpj.\u2066\u2028\x00"[:-1]
STAMP = (
    'INSERT INTO _provisioner.stamps (schema_name, table_name, unit, fingerprint, base, parts, run, "at", protect)'
    " SELECT 'main', ?, ?, fingerprint, base, parts, ?, ?, false FROM _provisioner.stamps LIMIT 1"
)


def _is_quiet(text: str) -> bool:
    return not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char not in "\n\t"]


@pytest.mark.usefixtures("cache")
def test_names_in_a_database_play_no_tricks_on_a_terminal(tmp_path: Path) -> None:
    folder = _project(tmp_path / "shop", {"sales.csv": "id\n1\n"}, steps={"sales": {"load": "sales.csv"}})
    provisioner.apply(folder / "provision.yaml")
    with duckdb.connect(str(folder / "build" / "shop.duckdb")) as connection:
        connection.execute(f'CREATE TABLE "{TRICKS}" AS SELECT 1 AS "{TRICKS}"')
        connection.execute(f"COMMENT ON TABLE \"{TRICKS}\" IS '{TRICKS}'")
        connection.execute(STAMP, [TRICKS] * 4)
        connection.execute(f'ALTER TABLE sales ADD COLUMN "{TRICKS}" INTEGER')
    shown = {"tables": {"sales": {"tier": "one", "step": "sales", "expect": {"min_rows": 5, "unique": ["id"]}}}}
    for words in (("plan",), ("plan", "--format", "json"), ("apply", "--prune", "--yes", "-v"), ("history",),
                  ("apply", "--log-format", "json"), ("history", "--format", "json")):  # fmt: skip
        process = _run(folder, *words)
        assert _is_quiet(process.stdout) and _is_quiet(process.stderr), (words, process.stdout, process.stderr)
        assert not any(line.startswith("error: all") for line in (process.stdout + process.stderr).splitlines()), words
    _project(folder, {}, steps={"sales": {"load": "sales.csv"}}, **shown)
    process = _run(folder, "apply")
    assert process.returncode == 1 and _is_quiet(process.stdout + process.stderr)


@pytest.mark.usefixtures("cache")
def test_values_in_files_play_no_tricks_on_a_terminal(tmp_path: Path) -> None:
    text = "id\n" + json.dumps(TRICKS.replace("\n", " ")).replace('"', "").encode().decode("unicode_escape") + "\n"
    tables = {"sales": {"tier": "one", "step": "sales", "columns": {"id": "INTEGER"}}}
    folder = _project(tmp_path / "shop", {"sales.csv": text}, steps={"sales": {"load": "sales.csv"}}, tables=tables)
    for words in (("apply",), ("apply", "--format", "json", "--log-format", "json"), ("history",)):
        process = _run(folder, *words)
        assert _is_quiet(process.stdout + process.stderr), (words, process.stdout, process.stderr)


@pytest.mark.parametrize("pattern", ["data/*.csv", "data/**/*.csv"])
def test_what_a_pattern_finds_does_not_lead_out_of_the_project(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    folder = _project(tmp_path / "shop", {"data/own.csv": "a\n2\n"}, steps={"found": {"load": pattern}})
    (folder / "data" / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(provisioner.ProvisionError) as caught:
        provisioner.plan(folder / "provision.yaml")
    assert caught.value.code == "outside_path" and "link.csv" in caught.value.message
    (folder / "data" / "link.csv").unlink()
    assert not provisioner.plan(folder / "provision.yaml").converged

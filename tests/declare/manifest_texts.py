"""A small project on disk, and manifests that differ from a sound one by one line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provisioner.declare.load import load_manifest
from provisioner.declare.values import Manifest
from provisioner.errors import ManifestError, Problem

# A declared table, as it stands under `tables:`.
NOTES = """\
  notes:
    tier: seed
    columns:
      id: {type: BIGINT, nullable: false}
      body: {type: VARCHAR, default: "'none'", comment: what was said, renamed_from: text}
    primary_key: [id]
    protect: true
"""
SOUND = (
    """\
version: 1
name: shop
database: build/shop.duckdb
tiers: [seed, mart]
dbt:
  project_dir: dbt
  vars: {start_year: 2025}
steps:
  seeds: {dbt: seed}
  census: {load: data/census.csv, options: {delim: ";", header: true, skip: 1}}
  report: {sql: sql/report.sql, timeout: 1h30m, retries: 2, inputs: [data/rates.csv], reads: [notes]}
  hazards: {python: "hazards:build", deterministic: false}
tables:
  bands: {tier: seed, step: seeds}
  census: {tier: seed, step: census, columns: {id: BIGINT}, expect: {min_rows: 1, unique: [id, [id, day]]}}
  report: {tier: mart, step: report, kind: view}
  hazards: {tier: mart, step: hazards}
"""
    + NOTES
    + """\
environments:
  prod: {database: build/prod.duckdb, dbt: {target: prod}, policy: {allow: [drops_column]}}
"""
)
# May stand below it; `seeds` is reached without it.
SELECTED = """\
tables_from:
  - {step: seeds, select: "tag:daily +path:seeds/eu,tag:wip", exclude: [regions, "tag:old"], tier: seed}
  - {step: seeds, selector: nightly, tier: mart}
"""


def write(folder: Path, text: str, name: str = "manifest.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(
    folder: Path, text: str, variables: Mapping[str, str] | None = None, environment: str | None = None
) -> Manifest:
    return load_manifest(write(folder, text), environment=environment, variables=variables or {})


def changed(old: str, new: str) -> str:
    """The sound manifest with one piece exchanged."""
    assert SOUND.count(old) == 1, f"{old!r} is there {SOUND.count(old)} times"
    return SOUND.replace(old, new)


def problems_of(
    folder: Path, text: str, variables: Mapping[str, str] | None = None, environment: str | None = None
) -> tuple[Problem, ...]:
    """What is wrong with the text; nothing when it loads."""
    try:
        load(folder, text, variables, environment)
    except ManifestError as error:
        return error.problems
    return ()

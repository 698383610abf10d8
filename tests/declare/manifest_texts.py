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
# A declared table with all that one can have, and a declared view.
REMARKS = """\
  remarks:
    tier: seed
    columns:
      id: {type: BIGINT, nullable: false, default: nextval('remark_ids')}
      note: {type: BIGINT, nullable: false, backfill: 0, check: note >= 0}
      mood: {type: VARCHAR, collation: NOCASE, unique: true, renamed_from: [feeling, tone]}
      loud: {type: VARCHAR, generated: upper(mood)}
    primary_key: [id]
    unique: [[note, mood]]
    check: [note < 1000000, length(mood) > 0]
    foreign_keys: [{columns: note, references: {table: notes, columns: [id]}}]
    indexes: {by_mood: [mood, (lower(mood))], by_note: {columns: note, unique: true}}
    comment: what was said of notes
    renamed_from: [sayings, old.sayings]
    strict_order: true
  shouts: {tier: mart, kind: view, sql: select loud from remarks, comment: the loud ones, renamed_from: cries}
"""
# Stands below them.
NUMBERS = """\
sequences: {remark_ids: {start: 10, increment: 5}, old.ids: {}}
forget: [gossip, old.gossip]
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
# The same, with all that one can have.
DECLARED = (
    SOUND.replace(NOTES, NOTES + REMARKS).replace("[drops_column]", '[drops_column, "drops_table:notes"]') + NUMBERS
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


def changed(old: str, new: str, text: str = SOUND) -> str:
    """The sound manifest, or another text, with one piece exchanged."""
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    return text.replace(old, new)


def problems_of(
    folder: Path, text: str, variables: Mapping[str, str] | None = None, environment: str | None = None
) -> tuple[Problem, ...]:
    """What is wrong with the text; nothing when it loads."""
    try:
        load(folder, text, variables, environment)
    except ManifestError as error:
        return error.problems
    return ()

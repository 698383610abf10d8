from __future__ import annotations

from pathlib import Path

import pytest
from manifest_texts import DECLARED, SOUND, changed, load, problems_of, write

from provisioner.declare.load import load_manifest
from provisioner.declare.values import (
    Allowance,
    Column,
    Expect,
    ForeignKey,
    HazardKind,
    Index,
    Place,
    Sequence,
    StepKind,
    TableKind,
    TableName,
)
from provisioner.errors import EXIT_USAGE, ManifestError, UsageError


def test_a_sound_manifest_becomes_values(tmp_path: Path) -> None:
    manifest = load(tmp_path, SOUND)
    assert (manifest.name, manifest.tiers) == ("shop", ("seed", "mart"))
    assert manifest.database == tmp_path / "build/shop.duckdb"
    assert manifest.dbt is not None and manifest.dbt.vars == {"start_year": 2025}
    assert [step.name for step in manifest.steps] == ["census", "hazards", "report", "seeds"]
    assert [str(table.name) for table in manifest.tables] == ["bands", "census", "hazards", "notes", "report"]
    report = manifest.step("report")
    assert (report.kind, report.source, report.timeout, report.retries) == (StepKind.SQL, "sql/report.sql", 5400.0, 2)
    assert (report.inputs, report.reads) == (("data/rates.csv",), (TableName("main", "notes"),))
    assert manifest.step("census").options == {"delim": ";", "header": True, "skip": 1}
    assert manifest.step("hazards").deterministic is False
    tables = {str(table.name): table for table in manifest.tables}
    assert tables["report"].kind is TableKind.VIEW
    assert tables["census"].expect == Expect(min_rows=1, unique=(("id",), ("id", "day")))
    nowhere = Place("", 0, 0)
    assert tables["notes"].columns == (
        Column("id", "BIGINT", nowhere, nullable=False),
        Column("body", "VARCHAR", nowhere, default="'none'", comment="what was said", renamed_from=("text",)),
    )
    assert (tables["notes"].primary_key, tables["notes"].protect, tables["notes"].step) == (("id",), True, None)
    assert tables["notes"].place == Place(str(tmp_path / "manifest.yaml"), 18, 3)


def test_a_declared_table_says_its_whole_structure(tmp_path: Path) -> None:
    manifest = load(tmp_path, DECLARED)
    tables = {str(table.name): table for table in manifest.tables}
    remarks, shouts, nowhere = tables["remarks"], tables["shouts"], Place("", 0, 0)
    assert remarks.columns == (
        Column("id", "BIGINT", nowhere, nullable=False, default="nextval('remark_ids')"),
        Column("note", "BIGINT", nowhere, nullable=False, check="note >= 0", backfill="0"),
        Column("mood", "VARCHAR", nowhere, collation="NOCASE", renamed_from=("feeling", "tone")),
        Column("loud", "VARCHAR", nowhere, generated="upper(mood)"),
    )
    assert (remarks.primary_key, remarks.unique) == (("id",), (("mood",), ("note", "mood")))
    assert remarks.checks == ("length(mood) > 0", "note < 1000000")
    assert remarks.foreign_keys == (ForeignKey(("note",), TableName("main", "notes"), ("id",)),)
    assert remarks.indexes == (Index("by_mood", ("mood", "(lower(mood))")), Index("by_note", ("note",), True))
    assert (remarks.comment, remarks.strict_order, remarks.sql) == ("what was said of notes", True, None)
    assert remarks.renamed_from == (TableName("main", "sayings"), TableName("old", "sayings"))
    assert (shouts.kind, shouts.sql, shouts.comment) == (TableKind.VIEW, "select loud from remarks", "the loud ones")
    assert shouts.renamed_from == (TableName("main", "cries"),)
    assert manifest.sequences == (
        Sequence(TableName("main", "remark_ids"), 10, 5),
        Sequence(TableName("old", "ids"), 1, 1),
    )
    assert manifest.forget == (TableName("main", "gossip"), TableName("old", "gossip"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (", columns: [id]}}]", "}}]"),
        ("columns: note, references", "columns: [note], references"),
        ("columns: [id]}}]", "columns: id}}]"),
        ("by_note: {columns: note, unique: true}", "by_note: {columns: [note], unique: true}"),
        ("by_mood: [mood, (lower(mood))]", "by_mood: {columns: [mood, (lower(mood))], unique: false}"),
        ("collation: NOCASE, unique: true,", "collation: NOCASE, nullable: true,"),
        ("check: [note < 1000000, length(mood) > 0]", "check: [length(mood) > 0, note < 1000000]"),
        ("old.ids: {}", "old.ids: {start: 1}"),
        ("[gossip, old.gossip]", "[old.gossip, main.gossip]"),
        ("kind: view, sql", "sql"),
        ('[drops_column, "drops_table:notes"]', '["drops_table:main.notes", drops_column]'),
    ],
)
def test_what_is_said_in_other_words_is_the_same(tmp_path: Path, old: str, new: str) -> None:
    said = changed(old, new, DECLARED)
    if "collation" in old:
        said = said.replace("unique: [[note, mood]]", "unique: [[note, mood], mood]")
    assert load(tmp_path, said, environment="prod").digest == load(tmp_path, DECLARED, environment="prod").digest


def test_the_order_of_columns_is_declared_only_where_it_matters(tmp_path: Path) -> None:
    order = "note: {type: BIGINT, nullable: false, backfill: 0, check: note >= 0}"
    loud = "loud: {type: VARCHAR, generated: upper(mood)}"
    swapped = DECLARED.replace(order, "?").replace(loud, order).replace("?", loud)
    assert load(tmp_path, swapped).digest != load(tmp_path, DECLARED).digest
    free = [text.replace("    strict_order: true\n", "") for text in (swapped, DECLARED)]
    assert load(tmp_path, free[0]).digest == load(tmp_path, free[1]).digest


def test_a_sequence_that_counts_down_begins_below_zero(tmp_path: Path) -> None:
    manifest = load(tmp_path, changed("old.ids: {}", "old.ids: {increment: -2}", DECLARED))
    assert manifest.sequences[1] == Sequence(TableName("old", "ids"), -1, -2)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("90", 90.0),
        ("1.5", 1.5),
        ("+90", 90.0),
        ("1e2", 100.0),
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
    ],
)
def test_a_timeout_is_a_number_of_seconds(tmp_path: Path, written: str, expected: float) -> None:
    assert load(tmp_path, changed("1h30m", written)).step("report").timeout == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("no", "no"),
        ("010", "010"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("True", "True"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("2025-01-01", "2025-01-01"),
        ("'2025'", "2025"),
        ('"true"', "true"),
        ("true", True),
        ("false", False),
        ("2025", 2025),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("null", None),
        ("~", None),
        ("[1, '1', {a: no}]", [1, "1", {"a": "no"}]),
    ],
)
def test_a_dbt_var_is_typed_only_where_it_is_plain(tmp_path: Path, written: str, expected: object) -> None:
    manifest = load(tmp_path, changed("{start_year: 2025}", f"{{x: {written}}}"))
    assert manifest.dbt is not None
    assert repr(manifest.dbt.vars["x"]) == repr(expected)


@pytest.mark.parametrize("written", ["no", "010", "12:30:45", "2024", "1.0"])
def test_text_stays_as_it_was_written(tmp_path: Path, written: str) -> None:
    assert load(tmp_path, changed("name: shop", f"name: {written}")).name == written


def test_an_environment_is_laid_over_the_manifest(tmp_path: Path) -> None:
    manifest = load(tmp_path, SOUND, environment="prod")
    assert (manifest.database, manifest.environment) == (tmp_path / "build/prod.duckdb", "prod")
    assert manifest.dbt is not None
    assert (manifest.dbt.target, manifest.dbt.vars) == ("prod", {"start_year": 2025})
    assert manifest.policy.allow == {Allowance(HazardKind.DROPS_COLUMN)}


def test_a_hazard_is_allowed_for_every_table_or_for_one(tmp_path: Path) -> None:
    assert load(tmp_path, DECLARED, environment="prod").policy.allow == {
        Allowance(HazardKind.DROPS_COLUMN),
        Allowance(HazardKind.DROPS_TABLE, TableName("main", "notes")),
    }


def test_an_unknown_environment_is_wrong_usage_and_the_near_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no environment prd") as caught:
        load(tmp_path, SOUND, environment="prd")
    assert (caught.value.exit_code, caught.value.cure) == (EXIT_USAGE, "Did you mean prod?")


@pytest.mark.parametrize("name", ["absent.yaml", "absent/manifest.yaml", "a\0b.yaml", "x" * 300])
def test_a_missing_manifest_is_wrong_usage(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no manifest") as caught:
        load_manifest(tmp_path / name, variables={})
    assert caught.value.exit_code == EXIT_USAGE and "--manifest" in caught.value.cure


def test_every_problem_comes_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SOUND.replace("{tier: seed, step: seeds}", "{tierr: seed, step: seeds}").replace("retries: 2", "retries: 11")
    problems = problems_of(tmp_path, text.replace("primary_key: [id]", "primary_key: [idd]"))
    assert [problem.place.split(":", 1)[1] for problem in problems] == ["11:58", "14:11", "23:19"]
    assert problems[1].message == "tables.bands.tierr: unknown key."
    assert problems[1].cure == "Did you mean tier?"


def test_places_name_the_file_as_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, SOUND + "include: [parts/more.yaml]\n", "manifests/shop.yaml")
    write(tmp_path, "tabels: {}\n", "manifests/parts/more.yaml")
    with pytest.raises(ManifestError) as caught:
        load_manifest(Path("manifests/shop.yaml"), variables={})
    assert [problem.place for problem in caught.value.problems] == ["manifests/parts/more.yaml:1:1"]


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n" + SOUND,
        changed("tiers: [seed, mart]", "tiers:\n  - seed\n  - 'mart'"),
        changed("name: shop\n", "") + "name: shop\n",
        changed("tier: seed, step: seeds", "step: seeds, tier: seed"),
        changed("build/shop.duckdb", "./build/shop.duckdb"),
    ],
)
def test_order_quotes_and_comments_do_not_change_the_digest(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).digest == load(tmp_path, SOUND).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: shop", "name: shops"),
        ("[seed, mart]\n", "[seed, other, mart]\n"),
        ("start_year: 2025", "start_year: '2025'"),
        ("retries: 2", "retries: 3"),
        ("min_rows: 1", "min_rows: 2"),
        ("build/shop", "build/store"),
        ("remark_ids: {start: 10", "remark_ids: {start: 11"),
        ("[gossip, ", "["),
        ("backfill: 0", "backfill: 1"),
        ("check: note >= 0", "check: note > 0"),
        ("NOCASE", "NOACCENT"),
        ("upper(mood)", "lower(loud)"),
        ("[feeling, tone]", "tone"),
        ("unique: [[note, mood]]", "unique: [[mood, note]]"),
        ("note < 1000000", "note < 1000001"),
        ("by_note", "of_note"),
        ("columns: note, unique: true", "columns: note"),
        ("comment: what was said of notes", "comment: none"),
        ("renamed_from: cries", "renamed_from: tears"),
        ("select loud", "select id"),
    ],
)
def test_whatever_is_declared_changes_the_digest(tmp_path: Path, old: str, new: str) -> None:
    assert load(tmp_path, changed(old, new, DECLARED)).digest != load(tmp_path, DECLARED).digest


def test_a_checkout_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert load(tmp_path / "a", SOUND).digest == load(tmp_path / "b", SOUND).digest


def test_two_thousand_tables_are_read(tmp_path: Path) -> None:
    columns = "".join(f"      c{number}: VARCHAR\n" for number in range(10))
    tables = "".join(f"  t{number}:\n    tier: a\n    columns:\n{columns}" for number in range(2000))
    text = f"version: 1\nname: big\ndatabase: big.duckdb\ntiers: [a]\ntables:\n{tables}"
    assert len(load(tmp_path, text).tables) == 2000

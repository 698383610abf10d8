"""One line of a sound manifest made wrong: the problem's code, its place, and a word of its message or cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifest_texts import SOUND, changed, load, problems_of

BANDS = "bands: {tier: seed, step: seeds}"
REPORT = "report: {tier: mart, step: report, kind: view}"
CENSUS_EXPECT = "expect: {min_rows: 1, unique: [id, [id, day]]}"
NOTES_KEY = "primary_key: [id]"

WRONG = {
    "an unknown tier": (BANDS, "bands: {tier: sed, step: seeds}", "unknown_tier", "14:17", "Did you mean seed?"),
    "a far tier": (BANDS, "bands: {tier: zzz, step: seeds}", "unknown_tier", "14:17", "Known tiers: mart, seed."),
    "an unknown key": ("retries: 2", "retrys: 2", "unknown_key", "11:49", "Did you mean retries?"),
    "no tier": (BANDS, "bands: {step: seeds}", "missing_key", "14:3", "Add `tier`"),
    "no step and no columns": (REPORT, f"{REPORT}\n  x: {{tier: mart}}", "no_producer", "17:3", "declare its columns"),
    "an unreachable step": ("steps:\n", "steps:\n  x: {sql: x.sql}\n", "unreachable_step", "9:3", "`step: x`"),
    "two kinds": ("{dbt: seed}", "{dbt: seed, sql: x.sql}", "step_kind", "9:3", "found dbt and sql"),
    "no kind": ("{dbt: seed}", "{retries: 1}", "step_kind", "9:3", "found none of them"),
    "a dbt command": ("{dbt: seed}", "{dbt: sed}", "wrong_value", "9:16", "Did you mean seed?"),
    "no module": ("hazards:build", "hazards.build", "wrong_value", "12:21", "module:function"),
    "a long wait": ("1h30m", "1 hour", "wrong_value", "11:42", "90s, 5m or 1h30m"),
    "no time at all": ("1h30m", "0s", "wrong_value", "11:42", "above 0"),
    "negative time": ("1h30m", "-1", "wrong_value", "11:42", "above 0"),
    "retries as text": ("retries: 2", "retries: '2'", "wrong_type", "11:58", "without quotes"),
    "retries as a fraction": ("retries: 2", "retries: 2.5", "wrong_type", "11:58", "from 0 to 10"),
    "retries in octal": ("retries: 2", "retries: 010", "wrong_type", "11:58", '"010"'),
    "yaml's no": ("nullable: false", "nullable: no", "wrong_type", "21:36", "Write true or false"),
    "a list of text": ("[data/rates.csv]", "data/rates.csv", "wrong_type", "11:69", "a list of paths"),
    "a table in a list": ("  notes:\n", "  x: [1]\n  notes:\n", "wrong_type", "18:6", "found a list"),
    "nothing in a table": ("  notes:\n", "  x:\n  notes:\n", "wrong_type", "18:5", "found nothing"),
    "options elsewhere": ("retries: 2", "options: {a: 1}", "misplaced_key", "11:49", "belongs to a load step"),
    "reads of a load": ("{load: ", "{reads: [notes], load: ", "misplaced_key", "10:12", "sql or python"),
    "reads of nothing": ("reads: [notes]", "reads: [note]", "unknown_table", "11:95", "Did you mean notes?"),
    "a load of two": (BANDS, f"{BANDS}\n  b2: {{tier: seed, step: census}}", "load_tables", "10:3", "b2, census"),
    "two tiers": (BANDS, f"{BANDS}\n  b2: {{tier: seed, step: hazards}}", "two_tiers", "18:19", "b2, which is in tier"),
    "seed twice": (
        "tables:\n",
        "  more: {dbt: build}\ntables:\n  b2: {tier: seed, step: more}\n",
        "overlapping_steps",
        "13:15",
        "dbt build",
    ),
    "tables by case": (
        BANDS,
        f"{BANDS}\n  BANDS: {{tier: seed, step: seeds}}",
        "name_clash",
        "15:3",
        "same name as bands",
    ),
    "tables by schema": (
        BANDS,
        f"{BANDS}\n  main.bands: {{tier: seed, step: seeds}}",
        "name_clash",
        "15:3",
        "as bands",
    ),
    "columns by case": (
        "columns: {id: BIGINT}",
        "columns: {id: INT, ID: INT}",
        "name_clash",
        "15:57",
        "same name as id",
    ),
    "tiers by case": ("[seed, mart]", "[seed, mart, Seed]", "name_clash", "4:21", "same name as seed"),
    "our schema": (
        BANDS,
        f"{BANDS}\n  _Provisioner.x: {{tier: seed, step: seeds}}",
        "reserved_schema",
        "15:3",
        "another",
    ),
    "three parts": (BANDS, f"{BANDS}\n  a.b.c: {{tier: seed, step: seeds}}", "bad_name", "15:3", "schema.name"),
    "an open quote": (BANDS, f"{BANDS}\n  'a\"b': {{tier: seed, step: seeds}}", "bad_name", "15:3", "double quotes"),
    "an empty name": (BANDS, f"{BANDS}\n  '': {{tier: seed, step: seeds}}", "wrong_value", "15:3", "not empty"),
    "a bell": (BANDS, f'{BANDS}\n  "a\\a": {{tier: seed, step: seeds}}', "wrong_value", "15:3", "control"),
    "a NUL": ("comment: what was said", 'comment: "a\\0"', "wrong_value", "22:57", "NUL"),
    "a key column": (NOTES_KEY, "primary_key: [idd]", "unknown_column", "23:19", "Did you mean id?"),
    "a key column twice": (NOTES_KEY, "primary_key: [id, ID]", "duplicate", "23:23", "named twice"),
    "an expected column": (NOTES_KEY, "expect: {unique: [[id, x]]}", "unknown_column", "23:28", "no column x"),
    "not_null twice": (NOTES_KEY, "expect: {not_null: [id, id]}", "duplicate", "23:29", "listed twice"),
    "constraints of a step": (
        "{id: BIGINT}",
        "{id: {type: INT, nullable: false}}",
        "declared_only",
        "15:64",
        "not_null: [id]",
    ),
    "a step's default": ("{id: BIGINT}", "{id: {type: INT, default: 0}}", "declared_only", "15:64", "Take default out"),
    "a step's key": (CENSUS_EXPECT, "primary_key: [id]", "declared_only", "15:61", "expect: {unique"),
    "a view without a step": (NOTES_KEY, "kind: view", "no_view", "23:5", "cannot be a view"),
    "a loaded view": (CENSUS_EXPECT, "kind: view", "no_view", "15:61", "a load makes a table"),
    "rows twice": (CENSUS_EXPECT, "expect: {rows: 1, min_rows: 1}", "contradiction", "15:70", "Keep rows"),
    "rows crossed": (
        CENSUS_EXPECT,
        "expect: {min_rows: 2, max_rows: 1}",
        "contradiction",
        "15:70",
        "more than max_rows",
    ),
    "rows below none": (CENSUS_EXPECT, "expect: {rows: -1}", "wrong_value", "15:76", "a number of rows"),
    "a hazard": ("[drops_column]", "[drop_column]", "wrong_value", "26:77", "Did you mean drops_column?"),
    "an old version": ("version: 1", "version: 0", "wrong_value", "1:10", "the number 1"),
    "no name": ("name: shop\n", "", "missing_key", "1:1", "the key name is missing"),
    "an environment's tables": ("prod: {", "prod: {tables: {}, ", "unknown_key", "26:10", "environments.prod.tables"),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_mistake_is_one_problem_with_its_place_and_cure(tmp_path: Path, name: str) -> None:
    old, new, code, place, words = WRONG[name]
    (problem,) = problems_of(tmp_path, changed(old, new))
    assert (problem.code, problem.place) == (code, f"{tmp_path / 'manifest.yaml'}:{place}"), str(problem)
    assert words in str(problem)


def test_a_problem_in_the_chosen_environment_is_told_once(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, changed("{target: prod}", "{targt: prod}"), environment="prod")
    assert [problem.message for problem in problems] == ["dbt.targt: unknown key."]


def test_an_unknown_step_names_the_near_one(tmp_path: Path) -> None:
    codes = {
        problem.code: problem for problem in problems_of(tmp_path, changed(BANDS, "bands: {tier: seed, step: sed}"))
    }
    assert set(codes) == {"unknown_step", "unreachable_step"}
    assert codes["unknown_step"].cure == "Did you mean seeds?"


def test_dbt_steps_need_the_dbt_section(tmp_path: Path) -> None:
    text = SOUND.replace("dbt:\n  project_dir: dbt\n  vars: {start_year: 2025}\n", "")
    assert [problem.code for problem in problems_of(tmp_path, text)] == ["no_dbt_project"]


def test_a_partial_contract_may_expect_columns_that_it_does_not_list(tmp_path: Path) -> None:
    assert problems_of(tmp_path, changed(CENSUS_EXPECT, "expect: {not_null: [other]}")) == ()


def test_a_near_name_is_found_among_thousands_at_once(tmp_path: Path) -> None:
    steps = "".join(f"  stepnumber{n}: {{sql: x.sql}}\n" for n in range(1000))
    tables = "".join(f"  t{n}: {{tier: a, step: stepnumer{n}}}\n" for n in range(1000))
    text = f"version: 1\nname: x\ndatabase: x.duckdb\ntiers: [a]\nsteps:\n{steps}tables:\n{tables}"
    cures = [problem.cure for problem in problems_of(tmp_path, text) if problem.code == "unknown_step"]
    assert cures == [f"Did you mean stepnumber{n}?" for n in range(100)], "more is not looked for"


def test_what_a_message_quotes_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, changed("name: shop", 'name: shop\n"\\e[2J\\n": 1'))
    assert all(str(problem).isprintable() for problem in problems) and problems


def test_a_table_reads_by_any_spelling_of_its_name(tmp_path: Path) -> None:
    assert load(tmp_path, changed("reads: [notes]", "reads: [main.NOTES]")).step("report").reads

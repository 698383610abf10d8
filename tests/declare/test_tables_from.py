"""`tables_from` as it is written: what its entries mean, and one line of them made wrong. dbt is not asked here."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifest_texts import SELECTED, SOUND, load, problems_of, write

from provisioner.declare.load import load_manifest
from provisioner.declare.values import Manifest, Selection

FIRST = '  - {step: seeds, select: "tag:daily +path:seeds/eu,tag:wip", exclude: [regions, "tag:old"], tier: seed}\n'
SECOND = "  - {step: seeds, selector: nightly, tier: mart}\n"


def entries(manifest: Manifest) -> list[tuple[str, str, Selection]]:
    return [(entry.step, entry.tier, entry.selection) for entry in manifest.tables_from]


def test_an_entry_is_a_step_a_tier_and_what_dbt_selects(tmp_path: Path) -> None:
    manifest = load(tmp_path, SOUND + SELECTED)
    assert entries(manifest) == [
        ("seeds", "mart", Selection(selector="nightly")),
        ("seeds", "seed", Selection(("tag:daily", "+path:seeds/eu,tag:wip"), ("regions", "tag:old"))),
    ]
    assert [str(entry.place) for entry in manifest.tables_from] == [
        f"{tmp_path / 'manifest.yaml'}:{line}:5" for line in (29, 28)
    ]


SPELLINGS = ["a b", " a\n\n        b ", "[a, b]", "[a b, a]", "${A} b"]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_union_is_one_however_it_is_written(tmp_path: Path, text: str) -> None:
    text = f"tables_from:\n  - step: seeds\n    tier: seed\n    select: {text}\n"
    (entry,) = load(tmp_path, SOUND + text, {"A": "a"}).tables_from
    assert entry.selection == Selection(("a", "b"))


def test_the_digest_covers_the_entries_and_not_their_order(tmp_path: Path) -> None:
    texts = ("", FIRST + SECOND, SECOND + FIRST, FIRST, FIRST.replace("daily", "weekly"), SECOND)
    digests = [load(tmp_path, SOUND + f"tables_from:\n{text}" * bool(text)).digest for text in texts]
    assert digests[1] == digests[2] and len(set(digests)) == 5


def test_entries_of_several_files_are_put_together(tmp_path: Path) -> None:
    write(tmp_path, f"tables_from:\n{FIRST}", "more.yaml")
    write(tmp_path, f"tables_from:\n{SECOND}", "other.yaml")
    path = write(tmp_path, SOUND + SELECTED.replace(FIRST, "") + "include: [more.yaml, other.yaml]\n")
    manifest = load_manifest(path, variables={})
    assert [Path(entry.place.file).name for entry in manifest.tables_from] == [
        "manifest.yaml",
        "other.yaml",
        "more.yaml",
    ]
    assert manifest.digest == load(tmp_path, SOUND + SELECTED + SECOND).digest


def test_a_manifest_may_have_no_table_of_its_own(tmp_path: Path) -> None:
    text = "version: 1\nname: x\ndatabase: x.duckdb\ntiers: [a]\ndbt: {project_dir: dbt}\nsteps: {models: {dbt: run}}\n"
    manifest = load(tmp_path, f'{text}tables_from: [{{step: models, select: "*", tier: a}}]\n')
    assert manifest.tables == () and len(manifest.tables_from) == 1


WRONG = {
    "an unknown tier": ("tier: seed", "tier: sed", "unknown_tier", "28:100", "Did you mean seed?"),
    "an unknown step": ("{step: seeds, selector", "{step: sed, selector", "unknown_step", "29:12", "mean seeds?"),
    "a step that is not dbt's": ("{step: seeds, selector", "{step: report, selector", "selection", "29:12", "sql step"),
    "no step": ("{step: seeds, selector", "{selector", "missing_key", "29:5", "Add `step`"),
    "no tier": (", tier: mart", "", "missing_key", "29:5", "Add `tier`"),
    "nothing selected": (", selector: nightly", "", "selection", "29:5", "select: tag:nightly"),
    "two ways to select": ("selector: nightly", "selector: x, select: y", "selection", "29:5", "two entries"),
    "exclude, selector": ("selector: nightly", "selector: x, exclude: y", "misplaced_key", "29:32", "beside select"),
    "a blank selection": ("selector: nightly", "select: ' '", "wrong_value", "29:27", "tag:nightly"),
    "an empty list": ("selector: nightly", "select: []", "wrong_value", "29:27", "found an empty list"),
    "an unknown key": ("selector: nightly", "select: x, exlude: y", "unknown_key", "29:30", "Did you mean exclude?"),
    "a mapping": ("  - {step: seeds, selector: nightly, tier: mart}", "  - seeds", "wrong_type", "29:5", "a selection"),
    "what changed": ("selector: nightly", "select: 'a,1+state:modified+'", "selection", "29:27", "what is stale"),
    "what changed, by its kind": ("selector: nightly", "select: '@state.body:x'", "selection", "29:27", "state:"),
    "what failed": ("[regions,", "['result:error',", "selection", "28:73", "result: compares"),
    "fresh sources": ("[regions,", "['source_status:fresher+',", "selection", "28:73", "source_status:"),
    "an option of dbt's": ("selector: nightly", "select: a --exclude b", "selection", "29:27", "the key `exclude`"),
    "a minus": ("[regions,", "['orders -regions',", "selection", "28:73", "as -regions does"),
    "a selector's method": ("selector: nightly", "select: 'selector:x'", "selection", "29:27", "`selector: NAME`"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_mistake_is_one_problem_with_its_place_and_cure(tmp_path: Path, name: str) -> None:
    old, new, code, place, words = WRONG[name]
    assert SELECTED.count(old) == 1
    (problem,) = problems_of(tmp_path, SOUND + SELECTED.replace(old, new))
    assert (problem.code, problem.place) == (code, f"{tmp_path / 'manifest.yaml'}:{place}"), str(problem)
    assert words in str(problem)


def test_a_step_may_read_what_only_dbt_knows(tmp_path: Path) -> None:
    assert problems_of(tmp_path, SOUND.replace("reads: [notes]", "reads: [notes, selected]") + SELECTED) == ()


def test_a_step_is_reached_by_a_selection_alone(tmp_path: Path) -> None:
    more = SOUND.replace("  seeds: {dbt: seed}\n", "  seeds: {dbt: seed}\n  models: {dbt: run}\n")
    assert [problem.code for problem in problems_of(tmp_path, more)] == ["unreachable_step"]
    entry = "tables_from:\n  - {step: models, select: orders, tier: %s}\n"
    assert problems_of(tmp_path, more + entry % "mart") == ()
    # What is wrong with the entry is told, and not what follows from that.
    assert [problem.code for problem in problems_of(tmp_path, more + entry % "x")] == ["unknown_tier"]

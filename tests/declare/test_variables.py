from __future__ import annotations

from pathlib import Path

import pytest
from manifest_texts import SOUND, changed, load, problems_of

OWN = "vars: {own: mine, empty: '', far: '${own}-${HOST}', number: 3}\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("${HOST}", "box"),
        ("a-${HOST}-${HOST}", "a-box-box"),
        ("${own}", "mine"),
        ("${far}", "mine-box"),
        ("${BOTH}", "process"),
        ("${ABSENT:-spare}", "spare"),
        ("${empty:-spare}", "spare"),
        ("${HOST:-spare}", "box"),
        ("${ABSENT:-}x", "x"),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("$HOST {x}", "$HOST {x}"),
        ("${QUOTES}", "a: ['b"),
    ],
)
def test_a_reference_is_replaced(tmp_path: Path, written: str, expected: str) -> None:
    text = changed("name: shop", f"name: '{written}'") + OWN.replace("own: mine", "own: mine, BOTH: manifest")
    assert load(tmp_path, text, {"HOST": "box", "BOTH": "process", "QUOTES": "a: ['b"}).name == expected


@pytest.mark.parametrize(
    ("written", "value", "expected"),
    [("${V}", "5", 5), ("'${V}'", "5", "5"), ("${V}", "true", True), ("${V}", "no", "no"), ("${V}", "", None)],
)
def test_a_plain_scalar_is_typed_after_the_replacement(
    tmp_path: Path, written: str, value: str, expected: object
) -> None:
    manifest = load(tmp_path, changed("{start_year: 2025}", f"\n    x: {written}"), {"V": value})
    assert manifest.dbt is not None
    assert repr(manifest.dbt.vars["x"]) == repr(expected)


def test_a_number_may_come_from_a_variable(tmp_path: Path) -> None:
    text = changed("seeds: {dbt: seed}", "seeds:\n    dbt: seed\n    retries: ${number}") + OWN
    assert load(tmp_path, text, {"HOST": ""}).step("seeds").retries == 3


def test_a_bare_reference_inside_braces_is_not_yaml_and_the_cure_says_so(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, changed("retries: 2", "retries: ${number}"))
    assert problem.code == "syntax" and "in quotes" in problem.cure


@pytest.mark.parametrize(
    ("written", "code", "cure"),
    [
        ("${ABSENT}", "unknown_variable", "${ABSENT:-default}"),
        ("${owm}", "unknown_variable", "Did you mean own?"),
        ("${host}", "unknown_variable", "Did you mean HOST?"),
        ("${not a name}", "bad_reference", "$${"),
        ("${open", "bad_reference", "$${"),
        ("${BYTES}", "encoding", "Set it anew."),
    ],
)
def test_a_reference_that_leads_nowhere_is_one_problem(tmp_path: Path, written: str, code: str, cure: str) -> None:
    text = changed("retries: 2", f"retries: '{written}'") + OWN
    (problem,) = problems_of(tmp_path, text, {"HOST": "box", "BYTES": "\udcff"})
    assert problem.code == code and cure in problem.cure
    assert problem.place.endswith(":11:58")


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ("a: '${a}'", "unknown_variable"),
        ("a: '${b}', b: '${a}'", "unknown_variable"),
        (", ".join(f"v{n}: '${{v{n + 1}}}'" for n in range(3000)), "too_deep"),
        ("v0: x, " + ", ".join(f"v{n}: '${{v{n - 1}}}${{v{n - 1}}}'" for n in range(1, 60)), "too_large"),
    ],
    ids=["itself", "each other", "a long chain", "doubling"],
)
def test_variables_that_never_end_are_refused(tmp_path: Path, own: str, code: str) -> None:
    assert code in {problem.code for problem in problems_of(tmp_path, SOUND + f"vars: {{{own}}}\n")}


def test_another_environment_may_use_variables_that_are_not_set_here(tmp_path: Path) -> None:
    text = changed("build/prod.duckdb", "'${PROD_DATABASE}'")
    assert load(tmp_path, text).database.name == "shop.duckdb"
    assert load(tmp_path, text, {"PROD_DATABASE": "p.duckdb"}, "prod").database.name == "p.duckdb"
    assert [problem.code for problem in problems_of(tmp_path, text, {}, "prod")] == ["unknown_variable"]


def test_a_replaced_value_need_not_have_its_variables_set(tmp_path: Path) -> None:
    text = changed("database: build/shop.duckdb", "database: ${ABSENT}")
    assert load(tmp_path, text, {}, "prod").database.name == "prod.duckdb"

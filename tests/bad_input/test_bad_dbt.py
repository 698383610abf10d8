"""A dbt project that is not there, not sound, or whose node fails: told in dbt's own words, with the file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_projects import (  # type: ignore[import-not-found]
    SECRET,
    Act,
    Answer,
    Case,
    Shop,
    break_and_tell,
    content,
    cure_and_succeed,
    edits,
    manifest,
)
from warm_workers import FROM_NOTHING

pytestmark = pytest.mark.usefixtures("dbt_is_imported")

DBT_SHOP = {
    "provision.yaml": """version: 1
name: shop
database: build/shop.duckdb
tiers: [seed, mart]
dbt:
  project_dir: dbt
  vars: {token: "${SECRET}"}
steps:
  seeds: {dbt: seed}
  models: {dbt: run}
  spare: {load: data/spare.csv, options: {nullstr: "${SECRET}"}}
tables:
  ages: {tier: seed, step: seeds}
  spare: {tier: seed, step: spare}
  bands: {tier: mart, step: models}
""",
    "data/spare.csv": "id\n1\n",
    "dbt/dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n",
    "dbt/seeds/ages.csv": "id,label\n1,young\n2,old\n",
    "dbt/models/bands.sql": (
        "select id, upper(label) as label, '{{ var(\"token\") }}' = label as known\nfrom {{ ref('ages') }}\n"
    ),
}
AGES, BANDS, PROJECT = "dbt/seeds/ages.csv", "dbt/models/bands.sql", "dbt/dbt_project.yml"
PROFILE = "shop: {target: dev, outputs: {dev: {type: duckdb, path: ../build/elsewhere.duckdb}}}\n"


@pytest.fixture(scope="module")
def first() -> Iterator[tuple[Shop, Answer, Answer]]:
    """A shop that is made in two goes: the first meets a model that fails, the second finds it mended."""
    with tempfile.TemporaryDirectory(prefix="bad-dbt-") as name:
        shop = Shop(Path(name, "shop"), {"XDG_CACHE_HOME": f"{name}/cache", "SECRET": SECRET})
        for file, text in DBT_SHOP.items():
            shop.write(file, text)
        shop.edit(BANDS, "upper(label)", "upper(lable)")
        failed = shop.run("apply", "--format", "json")
        shop.edit(BANDS, "upper(lable)", "upper(label)")
        yield shop, failed, shop.run("apply", "--format", "json")


@pytest.fixture
def dbt_shop(first: tuple[Shop, Answer, Answer]) -> Shop:
    return first[0]


@pytest.fixture(autouse=True)
def _sound_again(dbt_shop: Shop) -> Iterator[None]:
    yield
    (dbt_shop.folder / "dbt/packages.yml").unlink(missing_ok=True)
    for file, text in DBT_SHOP.items():
        path = dbt_shop.folder / file
        if not path.exists() or path.read_text() != text:
            dbt_shop.write(file, text)


def back(name: str) -> Act:
    return content(name, DBT_SHOP[name])


def remove(name: str) -> Act:
    return lambda shop: (shop.folder / name).unlink()


def point_elsewhere(shop: Shop) -> None:
    shop.write("profiles/profiles.yml", PROFILE)
    shop.edit("provision.yaml", "project_dir: dbt\n", "project_dir: dbt\n  profiles_dir: profiles\n")


CASES = (
    Case(
        "no project",
        manifest("project_dir: dbt", "project_dir: dtb"),
        "input_missing",
        ("the dbt project (provision.yaml:5:1)", "dtb/dbt_project.yml", "correct the path"),
        back("provision.yaml"),
    ),
    Case(
        "a project file that is no YAML",
        content(PROJECT, "name: [shop\n"),
        "dbt_project",
        ("dbt/dbt_project.yml", "line 2", "Mend that file"),
        back(PROJECT),
    ),
    Case(
        "a project without a name",
        content(PROJECT, "profile: shop\n"),
        "dbt_project",
        ("dbt_project.yml has no `name`", "Add `name:`"),
        back(PROJECT),
    ),
    Case(
        "a project without a profile",
        content(PROJECT, "name: shop\nversion: 1.0.0\n"),
        "dbt_profile",
        ("dbt_project.yml names no profile", "Add `profile:`"),
        back(PROJECT),
    ),
    Case(
        "a profile that points elsewhere",
        point_elsewhere,
        "profile_mismatch",
        ("provision.yaml:5:1", "elsewhere.duckdb", "take dbt.profiles_dir out"),
        manifest("  profiles_dir: profiles\n", ""),
    ),
    Case(
        "no profile in its folder",
        manifest("project_dir: dbt\n", "project_dir: dbt\n  profiles_dir: dbt\n"),
        "dbt_project",
        ("dbt/profiles.yml", "take dbt.profiles_dir out"),
        manifest("  profiles_dir: dbt\n", ""),
    ),
    Case(
        "a table that dbt does not make",
        manifest("  bands:", "  band:"),
        "unmade",
        ("provision.yaml:15:3", "dbt has no node that makes band with `dbt run`", "Did you mean bands?"),
        manifest("  band:", "  bands:"),
    ),
    Case(
        "packages that were not fetched",
        content("dbt/packages.yml", "packages:\n  - {package: a/b, version: 1.0.0}\n"),
        "dbt_packages",
        ("packages.yml asks for packages", "dbt deps --project-dir"),
        remove("dbt/packages.yml"),
    ),
    Case(
        "a model that does not parse",
        edits((BANDS, "ref('ages')", "ref('agse')")),
        "dbt_parse",
        ("models/bands.sql", "agse", "`provision check`"),
        back(BANDS),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_dbt_project_that_cannot_be_used_is_told_and_its_cure_helps(case: Case, dbt_shop: Shop) -> None:
    break_and_tell(case, dbt_shop)
    cure_and_succeed(case, dbt_shop)


def test_a_seed_whose_file_is_gone_is_told_before_dbt_is_started(dbt_shop: Shop) -> None:
    begun = time.monotonic()
    break_and_tell(
        Case("", remove(AGES), "input_missing", ("ages.csv, the seed of ages (provision.yaml:13:3)", AGES), back(AGES)),
        dbt_shop,
    )
    assert time.monotonic() - begun < 2


def test_a_dbt_that_cannot_be_imported_is_told_as_such(dbt_shop: Shop, tmp_path: Path) -> None:
    """Its graph is known, so that dbt is first needed when the plan is carried out."""
    assert dbt_shop.run("apply").exit_code == 0
    (tmp_path / "agate.py").write_text("raise ImportError('no agate here')\n")
    broken = Shop(dbt_shop.folder, {**dbt_shop.variables, "PYTHONPATH": str(tmp_path), **FROM_NOTHING})
    answer = broken.run("apply", "--rebuild", "bands", "--format", "json")
    assert (answer.exit_code, answer.codes) == (1, ("dbt_missing",)), answer
    assert "no agate here" in answer.text and "pip install --force-reinstall" in answer.text
    assert dbt_shop.run("apply").exit_code == 0


def test_no_secret_is_told_or_kept_anywhere(dbt_shop: Shop) -> None:
    told = [
        dbt_shop.run(*words.split())
        for words in (
            "plan -v --rebuild spare --rebuild bands",
            "plan --rebuild bands --format json",
            "apply -v --rebuild spare --log-format json --format json",
            "check -v",
            "history --format json",
        )
    ]
    assert [answer.exit_code for answer in told] == [0] * len(told), told
    assert not [answer for answer in told if SECRET in answer.out + answer.err]
    kept = [path for path in dbt_shop.folder.parent.rglob("*") if path.is_file()]
    names = {path.name for path in kept}
    assert {"shop.duckdb", "shop.duckdb.journal"} <= names and any(name.startswith("dbt-") for name in names)
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]


def test_a_failing_node_is_told_in_dbts_words_with_its_file(first: tuple[Shop, Answer, Answer]) -> None:
    shop, failed, cured = first
    error = failed.body["error"]
    assert (failed.exit_code, error["code"]) == (1, "dbt_node_failed"), failed
    assert "Binder Error" in error["message"] and "lable" in error["message"], failed
    assert "models/bands.sql" in error["message"] and f"Mend {shop.folder / BANDS}" in error["cure"], failed
    assert "Traceback" not in failed.out + failed.err and SECRET not in failed.out + failed.err
    assert sorted(failed.body["made"]) == ["ages", "spare"], "what does not read from it is done, and stays done"
    assert cured.exit_code == 0 and cured.body["made"] == ["bands"], cured

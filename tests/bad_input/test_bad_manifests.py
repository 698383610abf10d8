"""A manifest that is not there, not readable or not sound: told with its place, and mended by what the cure says."""

from __future__ import annotations

import os

import pytest
from bad_projects import (  # type: ignore[import-not-found]
    SOUND,
    Case,
    Shop,
    both,
    break_and_tell,
    content,
    cure_and_succeed,
    make_python,
    manifest,
    sound,
)

from provisioner import load_manifest

CHECK = ("check",)
LAUGHS = "a: &a [x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def remove(shop: Shop) -> None:
    (shop.folder / "provision.yaml").unlink()


def turn_into_a_folder(shop: Shop) -> None:
    remove(shop)
    (shop.folder / "provision.yaml").mkdir()


def forbid(shop: Shop) -> None:
    os.chmod(shop.folder / "provision.yaml", 0)
    shop.bounded = True


def allow(shop: Shop) -> None:
    os.chmod(shop.folder / "provision.yaml", 0o644)


def write_anew(shop: Shop) -> None:
    if (shop.folder / "provision.yaml").is_dir():
        (shop.folder / "provision.yaml").rmdir()
    sound()(shop)


def make_several(shop: Shop) -> None:
    for name in ("manifests/one.yaml", "manifests/two.yaml"):
        shop.write(
            name,
            SOUND["provision.yaml"]
            .replace(": build", ": ../build")
            .replace(": data", ": ../data")
            .replace(": sql", ": ../sql"),
        )


def circle(shop: Shop) -> None:
    shop.edit("provision.yaml", "  loud: {sql: sql/loud.sql}", "  loud: {sql: sql/loud.sql}\n  low: {sql: sql/low.sql}")
    shop.edit("provision.yaml", "environments:", "  low: {tier: mart, step: low}\nenvironments:")
    shop.write("sql/low.sql", "select lower(name) as name from loud")
    shop.write("sql/loud.sql", "select upper(name) as name from low")


NAMED = ("apply", "--manifest", "provision.yaml")
LOADS = (
    Case(
        "a folder",
        turn_into_a_folder,
        "no_manifest",
        ("provision.yaml is a folder; a manifest is a file", "Name a file in it"),
        write_anew,
        NAMED,
        64,
    ),
    Case(
        "no permission to read",
        forbid,
        "unreadable",
        ("provision.yaml", "Permission denied", "permissions"),
        allow,
        CHECK,
    ),
    Case(
        "not UTF-8",
        content("provision.yaml", b"version: 1\nname: caf\xe9\n"),
        "encoding",
        ("provision.yaml:2:10", "not UTF-8", "Save the file as UTF-8"),
        sound(),
        CHECK,
    ),
    Case(
        "an empty file",
        content("provision.yaml", ""),
        "not_a_mapping",
        ("this file is empty", "Begin it with `version: 1`"),
        sound(),
        CHECK,
    ),
    Case(
        "broken YAML",
        manifest("[seed, mart]", "[seed, mart"),
        "syntax",
        ("provision.yaml:5:", "this is not YAML", "here and above"),
        sound(),
        CHECK,
    ),
    Case(
        "a key twice",
        manifest("name: shop\n", "name: shop\nname: mart\n"),
        "duplicate",
        ("provision.yaml:3:1", "name is declared twice, first at provision.yaml:2:1", "Keep one of the two"),
        sound(),
        CHECK,
    ),
    Case(
        "an alias bomb",
        content("provision.yaml", LAUGHS),
        "yaml_feature",
        ("alias *a", "Write the value out"),
        sound(),
        CHECK,
    ),
    Case(
        "nested too deeply",
        content("provision.yaml", "a: " + "[" * 20_000),
        "too_deep",
        ("deeper than 64 levels", "Flatten it"),
        sound(),
        CHECK,
    ),
    Case(
        "too large",
        content("provision.yaml", "# " + "x" * 5_000_000),
        "too_large",
        ("more than 5,000,000 bytes", "`include` the parts"),
        sound(),
        CHECK,
    ),
    Case(
        "of a newer version",
        manifest("version: 1", "version: 2"),
        "unknown_version",
        ("version 2 is newer", "Upgrade provision"),
        sound(),
        CHECK,
    ),
    Case(
        "an unknown key",
        manifest("step: people\n", "stepp: people\n"),
        "unknown_key",
        ("provision.yaml:11:5", "unknown key", "Did you mean step?"),
        sound(),
        CHECK,
    ),
    Case(
        "an unknown step",
        manifest("step: loud", "step: lout"),
        "unknown_step",
        ("provision.yaml:13:", "there is no step lout", "Did you mean loud?"),
        sound(),
        CHECK,
    ),
    Case(
        "an unknown tier",
        manifest("tier: mart", "tier: marts"),
        "unknown_tier",
        ("provision.yaml:13:16", "there is no tier marts", "Did you mean mart?"),
        sound(),
        CHECK,
    ),
    Case(
        "an unset variable",
        manifest("data/people.csv", '"${WHERE}/people.csv"'),
        "unknown_variable",
        ("provision.yaml:6:", "the variable WHERE is not set", "${WHERE:-default}"),
        manifest("${WHERE}", "${WHERE:-data}"),
        CHECK,
    ),
    Case(
        "two tables that differ in case",
        manifest("  loud: {tier", "  PEOPLE: {tier: seed, step: loud}\n  loud: {tier"),
        "name_clash",
        ("provision.yaml:13:3", "the same name as people", "Rename one of the two"),
        sound(),
        CHECK,
    ),
    Case(
        "a path that leaves the project",
        manifest("data/people.csv", "../people.csv"),
        "outside_path",
        ("provision.yaml:6:", "../people.csv lies outside the project's folder", "Move it into the project"),
        sound(),
        CHECK,
    ),
)
CASES = (
    Case(
        "an unknown type",
        manifest("name: VARCHAR", "name: VARCAR"),
        "unknown_type",
        ("provision.yaml:12:", "people.name has the type VARCAR", "Did you mean VARCHAR?"),
        sound(),
        CHECK,
    ),
    Case(
        "no manifest at all",
        remove,
        "no_manifest",
        ("manifests", "provision.yaml", "--manifest FILE"),
        write_anew,
        exit_code=64,
    ),
    Case(
        "an unknown environment",
        lambda shop: None,
        "unknown_environment",
        ("no environment prd", "Did you mean prod?"),
        lambda shop: None,
        ("check", "--env", "prd"),
        64,
        ("check", "--env", "prod"),
    ),
    Case(
        "a manifest that is not there",
        remove,
        "no_manifest",
        ("there is no manifest provision.yaml", "--manifest FILE"),
        write_anew,
        NAMED,
        64,
    ),
    Case(
        "several manifests",
        make_several,
        "several_manifests",
        ("there are 2 manifests: manifests/one.yaml, manifests/two.yaml", "--manifest manifests/one.yaml"),
        lambda shop: None,
        CHECK,
        64,
        ("check", "--manifest", "manifests/one.yaml"),
    ),
    Case(
        "a circle of sql steps",
        circle,
        "cycle",
        ("provision.yaml:14:3", "loud -> low -> loud", "Break the circle"),
        content("sql/loud.sql", SOUND["sql/loud.sql"]),
        CHECK,
    ),
    Case(
        "a table that reads from a later tier",
        both(manifest("tier: seed", "tier: late"), manifest("[seed, mart]", "[mart, late]")),
        "tier",
        ("provision.yaml:13:3", "loud (tier mart) reads people (tier late), which comes later", "Move one of them"),
        manifest("[mart, late]", "[late, mart]"),
        CHECK,
    ),
    Case(
        "a python module that is not there",
        both(make_python(), lambda shop: (shop.folder / "counts.py").unlink()),
        "python_missing",
        ("counts.py", "Write "),
        content("counts.py", "def build(connection, context):\n    pass\n"),
        CHECK,
    ),
    Case(
        "a python function that is not there",
        make_python("def built(connection, context):\n    pass\n"),
        "python_function",
        ("counts.py has no function build", "Did you mean built?"),
        manifest("counts:build", "counts:built"),
        CHECK,
    ),
    Case(
        "a python module that is no Python",
        make_python("def build(connection, context:\n"),
        "python_syntax",
        ("counts.py:1", "Mend "),
        content("counts.py", "def build(connection, context):\n    pass\n"),
        CHECK,
    ),
)


@pytest.mark.parametrize("case", LOADS, ids=lambda case: case.name)
def test_a_manifest_that_cannot_be_read_is_told_and_its_cure_helps(case: Case, shop: Shop) -> None:
    break_and_tell(case, shop)
    case.cure(shop)
    assert load_manifest(shop.folder / "provision.yaml", variables={}).name == "shop"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_manifest_that_leads_nowhere_is_told_and_its_cure_helps(case: Case, shop: Shop) -> None:
    break_and_tell(case, shop)
    cure_and_succeed(case, shop)

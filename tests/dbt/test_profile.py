"""The profile that dbt runs with."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt_projects import Write, write_files  # type: ignore[import-not-found]

from provisioner.errors import DbtError, ProvisionError
from provisioner.observe.dbt.profile import Profile, write_profile

DUCK = {"type": "duckdb", "path": "own.duckdb"}


def profiles(outputs: Mapping[str, Any], target: str = "dev") -> str:
    return yaml.safe_dump({"shop": {"target": target, "outputs": dict(outputs)}, "other": {"outputs": {}}})


KEPT = {**DUCK, "threads": 4, "schema": "mart", "settings": {"s3_key": "{{ env_var('KEY') }}"}, "extensions": ["json"]}
CASES: list[tuple[str, dict[str, str | None], dict[str, Any], str, dict[str, Any]]] = [
    ("every setting but the path is kept", {"profiles.yml": profiles({"dev": KEPT})}, {}, "dev", KEPT),
    ("the database's name follows the path",
     {"profiles.yml": profiles({"dev": {**DUCK, "database": "own"}})}, {}, "dev", DUCK),
    ("the manifest chooses the target",
     {"profiles.yml": profiles({"dev": {"type": "x"}, "prod": DUCK})}, {"target": "prod"}, "prod", DUCK),
    ("the target may come from the environment",
     {"profiles.yml": profiles({"dev": {"type": "x"}, "prod": DUCK}, "{{ env_var('WHERE', 'dev') }}")}, {},
     "prod", DUCK),
    ("without a profile there is a plain one", {"profiles.yml": None}, {}, "dev", {"type": "duckdb"}),
    ("without a profile the target names it", {"profiles.yml": None}, {"target": "prod"}, "prod", {"type": "duckdb"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "settings", "target", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_projects_own_profile_points_at_the_database(
    write: Write,
    tmp_path: Path,
    files: dict[str, str | None],
    settings: dict[str, Any],
    target: str,
    expected: dict[str, Any],
) -> None:
    profile = write_profile(write(files, **settings), tmp_path / "x.duckdb", tmp_path / "private", {"WHERE": "prod"})
    written = yaml.safe_load((profile.folder / "profiles.yml").read_text())
    output = {**expected, "path": str(tmp_path / "x.duckdb")}
    assert written == {"shop": {"target": target, "outputs": {target: output}}}, "other targets are other databases"
    assert profile.target == target


def test_only_the_owner_may_read_the_written_profile(write: Write, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o755)
    folder = write_profile(write(), tmp_path / "x.duckdb", tmp_path / "private", {}).folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "profiles.yml").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "path", ["../x.duckdb", "{{ env_var('DB') }}", "link/x.duckdb", "{{ var('folder') }}/x.duckdb"]
)
def test_a_profile_of_the_users_for_the_same_database_is_used_as_it_is(write: Write, tmp_path: Path, path: str) -> None:
    text = profiles({"dev": {"type": "duckdb", "path": path}})
    write_files(tmp_path / "theirs", {"profiles.yml": text})
    project = write(profiles_dir=tmp_path / "theirs", vars={"folder": str(tmp_path)})
    (project.project_dir / "link").symlink_to(tmp_path)
    variables = {"DB": str(tmp_path / "x.duckdb")}
    used = write_profile(project, tmp_path / "x.duckdb", tmp_path / "private", variables)
    assert used == Profile(tmp_path / "theirs", "dev")
    assert (tmp_path / "theirs" / "profiles.yml").read_text() == text
    assert not (tmp_path / "private").exists()


def test_a_profile_of_the_users_that_names_a_link_of_another_name_is_refused(write: Write, tmp_path: Path) -> None:
    write_files(tmp_path / "theirs", {"profiles.yml": profiles({"dev": {"type": "duckdb", "path": "link.duckdb"}})})
    project = write(profiles_dir=tmp_path / "theirs")
    (project.project_dir / "link.duckdb").symlink_to(tmp_path / "x.duckdb")
    with pytest.raises(DbtError, match="DuckDB by the other") as refused:
        write_profile(project, tmp_path / "x.duckdb", tmp_path / "private", {})
    assert refused.value.code == "profile_mismatch" and str(tmp_path / "x.duckdb") in refused.value.cure


OWN: list[tuple[str, dict[str, str | None], dict[str, Any], str, str]] = [
    ("no project", {"dbt_project.yml": None}, {}, "dbt_project", "there is no"),
    ("damaged project", {"dbt_project.yml": "name: [\n"}, {}, "dbt_project", "line 2"),
    ("project that is a list", {"dbt_project.yml": "- 1"}, {}, "dbt_project", "mapping"),
    ("project without name", {"dbt_project.yml": "profile: shop"}, {}, "dbt_project", "name"),
    ("project without profile", {"dbt_project.yml": "name: shop"}, {}, "dbt_profile", "profile"),
    ("profile of another name", {"profiles.yml": "other: {outputs: {}}"}, {}, "dbt_profile", "'shop'"),
    ("unknown target", {}, {"target": "prod"}, "dbt_profile", "it has dev"),
    ("other adapter", {"profiles.yml": profiles({"dev": {"type": "postgres"}})}, {}, "dbt_adapter", "postgres"),
    ("damaged profile", {"profiles.yml": "shop: {"}, {}, "dbt_project", "profiles.yml"),
    ("impossible date", {"profiles.yml": "shop: 2025-13-45"}, {}, "dbt_project", "profiles.yml"),
    ("binary profile", {"profiles.yml": "\x00"}, {}, "dbt_project", "profiles.yml"),
    ("unset variable", {"profiles.yml": profiles({"dev": DUCK}, "{{ env_var('NOPE') }}")}, {}, "dbt_profile", "NOPE"),
    ("broken template", {"profiles.yml": profiles({"dev": DUCK}, "{{ 1 / 0 }}")}, {}, "dbt_profile", "be filled"),
    ("packages that are not installed",
     {"packages.yml": "# ours\npackages:\n\n  - package: x/y\n"}, {}, "dbt_packages", "packages.yml"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "settings", "code", "word"), [case[1:] for case in OWN], ids=[case[0] for case in OWN]
)
def test_a_project_or_profile_that_is_not_sound_is_told_with_a_cure(
    write: Write, tmp_path: Path, files: dict[str, str | None], settings: dict[str, Any], code: str, word: str
) -> None:
    with pytest.raises(ProvisionError) as caught:
        write_profile(write(files, **settings), tmp_path / "x.duckdb", tmp_path / "private", {})
    assert caught.value.code == code
    assert word in caught.value.message
    assert caught.value.cure


@pytest.mark.parametrize("asked", ["packages: []\n", "projects:\n  - name: x\n", ""])
def test_a_project_that_asks_for_no_packages_needs_none(write: Write, tmp_path: Path, asked: str) -> None:
    assert write_profile(
        write({"packages.yml": asked}), tmp_path / "x.duckdb", tmp_path / "private", {}
    ).folder.is_dir()


THEIRS: list[tuple[str, str | None, str, list[str]]] = [
    ("another database", profiles({"dev": {"type": "duckdb", "path": "/else/y.duckdb"}}), "profile_mismatch",
     ["/else/y.duckdb", "x.duckdb"]),
    ("no path", profiles({"dev": {"type": "duckdb"}}), "profile_mismatch", [":memory:"]),
    ("no profile", None, "dbt_project", ["profiles.yml"]),
    ("other adapter", profiles({"dev": {"type": "postgres"}}), "dbt_adapter", ["postgres"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "words"), [case[1:] for case in THEIRS], ids=[case[0] for case in THEIRS])
def test_a_profile_of_the_users_that_does_not_fit_is_told_before_anything_runs(
    write: Write, tmp_path: Path, text: str | None, code: str, words: list[str]
) -> None:
    write_files(tmp_path / "theirs", {"profiles.yml": text} if text else {"empty": ""})
    with pytest.raises(ProvisionError) as caught:
        write_profile(write(profiles_dir=tmp_path / "theirs"), tmp_path / "x.duckdb", tmp_path / "private", {})
    assert caught.value.code == code and caught.value.cure
    assert all(word in caught.value.message for word in words)

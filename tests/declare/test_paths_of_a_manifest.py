from __future__ import annotations

from pathlib import Path

import pytest
from manifest_texts import SOUND, changed, load, problems_of, write

from provisioner.declare.load import load_manifest
from provisioner.declare.locate import find_manifest
from provisioner.declare.paths import project_root
from provisioner.errors import UsageError

ALLOW = "policy: {allow_outside_paths: true}\n"
PLACES = {
    "database": "build/shop.duckdb",
    "project_dir": "project_dir: dbt",
    "sql": "sql/report.sql",
    "load": "data/census.csv",
    "inputs": "data/rates.csv",
}


def _with(key: str, path: str) -> str:
    return changed(PLACES[key], f"project_dir: '{path}'" if key == "project_dir" else f"'{path}'")


@pytest.mark.parametrize("key", PLACES)
@pytest.mark.parametrize("path", ["/elsewhere/x", "../x", "a/../../x", "leak/x", "~/x"])
def test_a_path_out_of_the_project_is_refused_unless_allowed(tmp_path: Path, key: str, path: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "leak").symlink_to(tmp_path)
    problems = problems_of(project, _with(key, path))
    assert [problem.code for problem in problems] == ["bad_path" if path.startswith("~") else "outside_path"]
    assert problems_of(project, _with(key, path) + ALLOW) == ()


@pytest.mark.parametrize("path", ["package:shop/data.csv", "data/*.csv", "data/**/x_?.parquet", "a..b/x.csv"])
def test_a_load_reads_packages_and_globs(tmp_path: Path, path: str) -> None:
    assert load(tmp_path, _with("load", path)).step("census").source == path


@pytest.mark.parametrize(
    "path", ["package:", "package:shop", "package:shop/../x", "package:shop//etc/x", "package:../x/y"]
)
def test_a_package_path_stays_in_its_package(tmp_path: Path, path: str) -> None:
    assert [problem.code for problem in problems_of(tmp_path, _with("load", path) + ALLOW)] == ["bad_path"]


def test_a_load_reads_urls_only_where_allowed(tmp_path: Path) -> None:
    text = _with("load", "s3://bucket/x.parquet")
    assert [problem.code for problem in problems_of(tmp_path, text)] == ["outside_path"]
    assert problems_of(tmp_path, text + ALLOW) == ()


@pytest.mark.parametrize(
    "path", ["", " ", ":memory:", "md:shop", "s3://b/x.duckdb", "postgres:x", "build/", "build/..", "."]
)
def test_a_database_that_is_no_file_is_refused_everywhere(tmp_path: Path, path: str) -> None:
    for text, variables in ((_with("database", path) + ALLOW, {}), (_with("database", "${DB}"), {"DB": path})):
        (problem,) = problems_of(tmp_path, text, variables)
        assert problem.code == "bad_path" and problem.cure


def test_a_deployment_may_put_the_database_anywhere(tmp_path: Path) -> None:
    assert load(tmp_path, _with("database", "${DB}/x.duckdb"), {"DB": "/data"}).database == Path("/data/x.duckdb")
    for text in (
        _with("database", "${DB:-/data/x.duckdb}"),
        _with("database", "${DB}") + "vars: {DB: /data/x.duckdb}\n",
    ):
        assert [problem.code for problem in problems_of(tmp_path, text)] == ["outside_path"]


@pytest.mark.parametrize(
    ("repository", "folder", "root"),
    [(".", "a/manifests", "."), ("a", "a/b", "a"), (None, "a/manifests", "a"), (None, "a/b", "a/b")],
)
def test_the_project_is_the_repository_or_the_folder(
    tmp_path: Path, repository: str | None, folder: str, root: str
) -> None:
    if repository is not None:
        (tmp_path / repository / ".git").mkdir(parents=True)
    path = write(tmp_path / folder, SOUND)
    assert project_root(path) == tmp_path / root
    assert load_manifest(path, variables={}).root == tmp_path / root


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["manifests/a.yaml"], "manifests/a.yaml"),
        (["manifests/a.yml", "provision.yaml"], "manifests/a.yml"),
        (["provision.yaml", "manifests/readme.md"], "provision.yaml"),
    ],
)
def test_the_only_manifest_is_found(tmp_path: Path, there: list[str], found: str) -> None:
    for name in there:
        write(tmp_path, "", name)
    assert find_manifest(tmp_path) == tmp_path / found


@pytest.mark.parametrize("there", [[], ["manifests/a.yaml", "manifests/b.yml"]])
def test_none_or_several_manifests_are_wrong_usage(tmp_path: Path, there: list[str]) -> None:
    for name in there:
        write(tmp_path, "", name)
    with pytest.raises(UsageError) as caught:
        find_manifest(tmp_path)
    assert all(name in caught.value.message for name in there) and "--manifest" in caught.value.cure

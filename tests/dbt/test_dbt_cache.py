"""dbt's graph is read again when, and only when, something it depends on changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dbt_projects import Write, write_files  # type: ignore[import-not-found]

from provisioner.declare.values import DbtProject
from provisioner.errors import DbtError
from provisioner.observe.dbt.cache import load_graph
from provisioner.observe.dbt.project import project_key
from provisioner.observe.notes import Notes
from provisioner.observe.values import DbtGraph

MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.shop.bands": {
            "unique_id": "model.shop.bands", "resource_type": "model", "package_name": "shop", "name": "bands",
            "alias": "bands", "schema": "main", "database": "shop", "fqn": ["shop", "bands"], "raw_code": "select 1",
            "original_file_path": "models/bands.sql", "config": {"materialized": "view"},
            "depends_on": {"nodes": ["source.shop.raw.x"]},
        },
        "model.shop.e": {
            "unique_id": "model.shop.e", "resource_type": "model", "package_name": "shop", "name": "e",
            "alias": "e", "schema": "main", "database": "shop", "fqn": ["shop", "e"], "raw_code": "select 'a.csv'",
            "original_file_path": "models/e.sql", "config": {"materialized": "ephemeral"}, "depends_on": {"nodes": []},
        },
    },
    "sources": {
        "source.shop.raw.x": {"name": "x", "schema": "raw", "database": "shop"},
        "source.shop.raw.y": {"name": "y", "schema": "raw", "database": "shop", "meta": {"external_location": "y.csv"}},
    },
}  # fmt: skip


class Reader:
    """load_graph with a count of how often dbt was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0

    def parse(self) -> dict[str, Any]:
        self.asked += 1
        return MANIFEST

    def load(self, project: DbtProject) -> DbtGraph:
        return load_graph(
            project, self.folder / "shop.duckdb", cache_dir=self.folder / "cache" / "deep",
            variables={"HERE": "1"}, parse=self.parse, notes=Notes(),
        )  # fmt: skip


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_the_second_time_the_same_graph_comes_from_the_cache(reader: Reader, write: Write) -> None:
    project = write()
    first = reader.load(project)
    assert reader.load(project) == first
    assert reader.asked == 1


def test_the_cache_is_for_its_owner_alone(reader: Reader, write: Write) -> None:
    reader.load(write())
    (kept,) = (reader.folder / "cache" / "deep").iterdir()
    assert oct(kept.stat().st_mode)[-3:] == "600"
    assert oct(kept.parent.stat().st_mode)[-3:] == "700"


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda body: b"",
    "cut": lambda body: body[: len(body) // 2],
    "no JSON": lambda body: b"\xff\xfe",
    "a list": lambda body: b"[]",
    "null": lambda body: b"null",
    "of another version": lambda body: json.dumps({**json.loads(body), "format": -1}).encode(),
    "of another project": lambda body: json.dumps({**json.loads(body), "key": "x"}).encode(),
    "nodes that are none": lambda body: json.dumps({**json.loads(body), "nodes": [{"node": [1]}]}).encode(),
    "deeply nested": lambda body: b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cache_costs_a_parse_and_nothing_else(
    reader: Reader, write: Write, damage: Callable[[bytes], bytes]
) -> None:
    project = write()
    graph = reader.load(project)
    (kept,) = (reader.folder / "cache" / "deep").iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert reader.load(project) == graph
    assert reader.asked == 2


def test_a_cache_that_cannot_be_written_is_no_error(reader: Reader, write: Write) -> None:
    (reader.folder / "cache").write_text("a file where a folder should be")
    assert reader.load(write()).nodes


def test_a_parse_that_fails_leaves_no_cache(reader: Reader, write: Write, tmp_path: Path) -> None:
    def fail() -> dict[str, Any]:
        raise DbtError("no", code="dbt_parse")

    with pytest.raises(DbtError):
        load_graph(
            write(), tmp_path / "shop.duckdb", cache_dir=tmp_path / "cache", variables={}, parse=fail, notes=Notes()
        )
    assert not (tmp_path / "cache").exists()


NEW_KEY: dict[str, tuple[dict[str, str | None], dict[str, Any], dict[str, str]]] = {
    "a model": ({"models/shown.sql": "select 1"}, {}, {}),
    "a new model": ({"models/new.sql": "select 1"}, {}, {}),
    "a model gone": ({"models/shown.sql": None}, {}, {}),
    "a macro": ({"macros/m.sql": "{% macro m() %}{% endmacro %}"}, {}, {}),
    "a property file": ({"models/p.yaml": "version: 2"}, {}, {}),
    "a python model": ({"models/p.py": ""}, {}, {}),
    "the project file": ({"dbt_project.yml": "name: shop\nprofile: shop\n"}, {}, {}),
    "the profile": ({"profiles.yml": "shop: {}"}, {}, {}),
    "an installed package": ({"dbt_packages/p/macros/m.sql": ""}, {}, {}),
    "a new seed": ({"seeds/new.csv": "a\n"}, {}, {}),
    "vars": ({}, {"vars": {"year": 1}}, {}),
    "target": ({}, {"target": "prod"}, {}),
    "an env var it names": ({}, {}, {"NAMED": "1"}),
    "an env var whose name it computes": ({}, {}, {"AREA_eu": "1"}),
    "one after white space": ({}, {}, {"APART": "1"}),
}
SAME_KEY: dict[str, tuple[dict[str, str | None], dict[str, Any], dict[str, str]]] = {
    "rows of a seed": ({"seeds/ages.csv": "id,label\n9,x\n"}, {}, {}),
    "what dbt writes": ({"target/manifest.yml": "x", "logs/dbt.sql": "x", ".user.yml": "x"}, {}, {}),
    "hidden folders": ({".git/x.sql": "x", ".venv/y.py": "x"}, {}, {}),
    "files of other kinds": ({"data/x.parquet": "x", "README": "x"}, {}, {}),
    "an env var it does not name": ({}, {}, {"OTHER": "1"}),
}
NAMING = {
    "models/named.sql": "select '{{ env_var('NAMED', '') }}', '{{ env_var ( 'APART', '') }}'",
    "models/computed.sql": "{% set area = 'eu' %}select '{{ env_var('AREA_' ~ area, '') }}'",
}


@pytest.mark.parametrize(
    ("edit", "new"),
    [(edit, True) for edit in NEW_KEY.values()] + [(edit, False) for edit in SAME_KEY.values()],
    ids=[*NEW_KEY, *SAME_KEY],
)
def test_the_key_follows_what_the_graph_depends_on(
    write: Write, tmp_path: Path, edit: tuple[dict[str, str | None], dict[str, Any], dict[str, str]], new: bool
) -> None:
    files, settings, variables = edit
    database = tmp_path / "shop.duckdb"
    before = project_key(write(NAMING), database, {}, Notes())
    after = project_key(write({**NAMING, **files}, **settings), database, variables, Notes())
    assert (before != after) is new


def test_sources_outside_the_project_and_linked_packages_count_and_loops_end(write: Write, tmp_path: Path) -> None:
    project = write({"dbt_project.yml": "name: shop\nprofile: shop\nmacro-paths: [macros, ../shared]\n"})
    write_files(tmp_path, {"shared/m.sql": "1", "package/models/p.sql": "1"})
    (project.project_dir / "dbt_packages").mkdir()
    (project.project_dir / "dbt_packages" / "p").symlink_to(tmp_path / "package")
    (project.project_dir / "models" / "loop").symlink_to(project.project_dir)
    keys = [project_key(project, tmp_path / "x.duckdb", {}, Notes())]
    for name in ("shared/m.sql", "package/models/p.sql"):
        (tmp_path / name).write_text("2")
        keys.append(project_key(project, tmp_path / "x.duckdb", {}, Notes()))
    assert len(set(keys)) == 3


def test_a_cache_hit_does_not_import_dbt_nor_duckdb(reader: Reader, write: Write) -> None:
    reader.load(write())
    code = (
        "import sys; from pathlib import Path; from provisioner.declare.values import DbtProject, Place\n"
        "from provisioner.observe.dbt.cache import load_graph; from provisioner.observe.notes import Notes\n"
        "folder = Path(sys.argv[1])\n"
        "graph = load_graph(DbtProject(folder / 'project', Place('m', 1, 1)), folder / 'shop.duckdb', "
        "cache_dir=folder / 'cache' / 'deep', variables={'HERE': '1'}, "
        "parse=lambda: sys.exit('parsed'), notes=Notes())\n"
        "print(len(graph.nodes), 'dbt.cli' in sys.modules, 'duckdb' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(reader.folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.stdout == "2 False False\n", done.stderr

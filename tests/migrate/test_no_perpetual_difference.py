"""However a thing is declared, what was made of it is found to be it: at once, when reopened, by another version."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from spelt_tables import SEQUENCES, Spelling, checked, spelt, together

import provisioner
from provisioner.declare.values import Column, Table, TableName, quote
from provisioner.observe.change_values import Shape
from provisioner.observe.ddl_text import create_sequence, create_statements
from provisioner.observe.declaration import shape_of
from provisioner.observe.scratch import Scratch
from provisioner.observe.shape import read_shapes
from provisioner.reconcile.values import Plan

# Made by DuckDB 1.5.6, by make_spelt_database.py.
OLD = Path(__file__).parent / "spelt_by_1_5"
TABLES = dict(spelt())
Found = tuple[dict[TableName, Shape], dict[str, dict[TableName, Shape]]]


def _read(path: Path, tables: list[Table]) -> dict[TableName, Shape]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return read_shapes(connection, [table.name for table in tables])


@pytest.fixture(scope="module")
def found() -> Found:
    """Of every spelling what is declared, and the live one, as provision and as a person made it, after a reopening."""
    tables = list(TABLES.values())
    live: dict[str, dict[TableName, Shape]] = {}
    with TemporaryDirectory() as folder, Scratch() as scratch:
        declared = scratch.spell_declared(tables, SEQUENCES)
        for maker, shapes in (
            ("provision", declared),
            ("a person", {one.name: shape_of(one, tables) for one in tables}),
        ):
            path = Path(folder) / f"{maker}.duckdb"
            _make(path, shapes)
            live[maker] = scratch.respell_all(_read(path, tables).values())
    return declared, live


def _make(path: Path, shapes: dict[TableName, Shape]) -> None:
    with duckdb.connect(config={"storage_compatibility_version": "latest"}) as connection:
        connection.execute(f"ATTACH '{path}' AS made; USE made; BEGIN; CREATE SCHEMA other")
        _make_surroundings(connection)
        for shape in shapes.values():
            for statement in create_statements(shape):
                connection.execute(statement)
        connection.execute("COMMIT")


def _make_surroundings(connection: duckdb.DuckDBPyConnection) -> None:
    for sequence in SEQUENCES:
        connection.execute(create_sequence(sequence))
    connection.execute(f"CREATE TABLE t ({', '.join(f'{quote(one.name)} {one.type}' for one in checked())})")


@pytest.mark.parametrize("spelling", TABLES, ids=lambda one: f"{one[0]} {one[1]}")
def test_what_is_made_of_a_spelling_is_what_it_declares(spelling: Spelling, found: Found) -> None:
    (declared, live), name = found, TABLES[spelling].name
    assert live["provision"][name] == declared[name]
    assert live["a person"][name] == declared[name]


def _entry(table: Table) -> dict[str, Any]:
    given = {
        "columns": {one.name: _column(one) for one in table.columns},
        "check": list(table.checks),
        "indexes": {one.name: list(one.on) for one in table.indexes},
        "comment": table.comment,
    }
    return {"tier": "one", **{key: value for key, value in given.items() if value}}


def _column(column: Column) -> dict[str, Any]:
    told = ("type", "nullable", "default", "generated", "collation", "comment")
    return {key: value for key in told if (value := getattr(column, key)) not in (None, "", True)}


def write_manifest(path: Path, tables: tuple[Table, ...]) -> Path:
    manifest = {
        "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"],
        "sequences": {str(one.name): {} for one in SEQUENCES},
        "tables": {table.name.name: _entry(table) for table in tables},
    }  # fmt: skip
    # JSON is YAML.
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1).replace("$${", "${").replace("${", "$${"))
    return path


def _left(plan: Plan) -> Iterator[str]:
    for action in plan.actions:
        yield from (f"{action.mend}: {one.table}: {one.fact}" for one in action.reasons)
    yield from (f"by hand: {one.table}: {one.fact}" for one in plan.by_hand)


def _run(folder: Path, statement: str) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(statement)


def _assert_nothing_is_to_do(folder: Path) -> None:
    path = folder / "provision.yaml"
    assert list(_left(provisioner.plan(path, cache=False))) == []
    # Without what makes comparing superfluous.
    _run(folder, "UPDATE _provisioner.stamps SET shape = ''")
    assert list(_left(provisioner.plan(path, cache=False))) == []
    _run(folder, "DELETE FROM _provisioner.stamps")
    found = provisioner.plan(path, cache=False)
    assert {str(action.mend) for action in found.actions} == {"adopt"}
    assert found.by_hand == ()


def test_what_was_applied_is_not_planned_again(tmp_path: Path) -> None:
    provisioner.apply(write_manifest(tmp_path / "provision.yaml", together()), cache=False)
    _assert_nothing_is_to_do(tmp_path)


def test_what_an_older_version_applied_is_not_planned_again(tmp_path: Path) -> None:
    for name in ("provision.yaml", "shop.duckdb"):
        (tmp_path / name).write_bytes(gzip.decompress((OLD / f"{name}.gz").read_bytes()))
    _assert_nothing_is_to_do(tmp_path)

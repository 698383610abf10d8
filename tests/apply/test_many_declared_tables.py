"""Many tables that are not there yet: what the catalog will tell of each is found out beforehand, all at once."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import provisioner
from provisioner.declare.values import TableName
from provisioner.observe.foretell import foretell
from provisioner.observe.introspect import FEW
from provisioner.observe.records import read_records
from provisioner.observe.shape import digest_of_shape, read_shapes

HEAD = "version: 1\nname: many\ndatabase: many.duckdb\ntiers: [own]\nsequences: {ids: {}}\ntables:\n"
ODD = """
  parent:
    tier: own
    primary_key: [id]
    columns: {id: {type: BIGINT, default: "nextval('ids')"}, kind: "ENUM('a', 'b')"}
  child:
    tier: own
    comment: it's
    columns: {id: BIGINT, name: {type: VARCHAR, collation: nocase}, loud: {type: VARCHAR, generated: upper(name)}}
    foreign_keys: [{columns: [id], references: {table: parent}}]
    indexes: {by_name: {columns: ["(lower(name))"], unique: true}}
    check: [length(name) > 0]
  seen: {tier: own, kind: view, sql: SELECT id FROM child}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    plain = "".join(
        f"  other.t{number}: {{tier: own, columns: {{id: BIGINT, at: TIMESTAMP}}}}\n" for number in range(FEW)
    )
    (folder / "provision.yaml").write_text(HEAD + ODD + plain, encoding="utf-8")
    provisioner.apply(folder / "provision.yaml")
    return folder


def test_the_stamps_have_what_the_catalog_tells_when_it_is_reopened(made: Path) -> None:
    with duckdb.connect(str(made / "many.duckdb"), read_only=True) as connection:
        stamps, _ = read_records(connection)
        shapes = read_shapes(connection, stamps)
    assert len(stamps) == FEW + 3
    assert {table: stamp.shape for table, stamp in stamps.items()} == {
        table: digest_of_shape(shape) for table, shape in shapes.items()
    }


def test_nothing_is_to_do_afterwards(made: Path) -> None:
    assert provisioner.plan(made / "provision.yaml").converged


def test_a_table_is_left_out_that_rests_on_what_is_in_its_own_database_alone() -> None:
    plain, resting = TableName.parse("plain"), TableName.parse("resting")
    told = foretell({resting: ("CREATE TABLE resting (a own_type)",), plain: ("CREATE TABLE plain (a INTEGER)",)})
    assert told.keys() == {plain}

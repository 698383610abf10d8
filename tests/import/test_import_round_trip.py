"""What is imported is what is there: a plan adopts it and does no more."""

from __future__ import annotations

import string
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from databases import ADOPTED, DATABASES, DEFAULTS, LEFT_OUT, TYPE_OF_DEFAULT, TYPES
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from making import Made

import provisioner
from provisioner.declare.values import TableName
from provisioner.observe.inventory import list_relations
from provisioner.observe.scratch import Scratch
from provisioner.observe.shape import read_shapes
from provisioner.reconcile.values import Mend

MANIFEST = "live.yaml"


def read_all(path: Path) -> dict[TableName, Any]:
    """The structure and the rows of everything in the database."""
    with duckdb.connect(str(path), read_only=True) as connection:
        shapes = read_shapes(connection, list_relations(connection))
        tables = [table for table, shape in shapes.items() if shape.view is None]
        rows = {table: connection.execute(f"SELECT t::VARCHAR FROM {table.sql} t").fetchall() for table in tables}
    return {**shapes, "rows": rows}  # type: ignore[dict-item]


def write_manifest(path: Path, **options: Any) -> str:
    text = provisioner.import_database(path, **options)
    Path(MANIFEST).write_text(text, encoding="utf-8")
    return text


def assert_declared_as_it_is(path: Path) -> None:
    """The manifest's tables, once DuckDB has read them, are those of the database."""
    manifest = provisioner.load_manifest(MANIFEST, variables={})
    with duckdb.connect(str(path), read_only=True) as connection:
        live = read_shapes(connection, [table.name for table in manifest.tables])
    with Scratch() as scratch:
        declared = scratch.spell_declared(manifest.tables, manifest.sequences)
        assert declared == {table: scratch.respell(shape) for table, shape in live.items()}


@pytest.mark.parametrize("sql", DATABASES.values(), ids=DATABASES.keys())
def test_what_is_imported_is_declared_as_it_is(sql: str, made: Made) -> None:
    path = made(sql)
    text = write_manifest(path)
    assert ("left out" in text) == ("CREATE TYPE" in sql)
    with duckdb.connect(str(path), read_only=True) as connection:
        there = list_relations(connection)
    assert {table.name for table in provisioner.load_manifest(MANIFEST, variables={}).tables} == set(there)
    assert_declared_as_it_is(path)


@pytest.mark.parametrize("name", ADOPTED)
def test_what_is_imported_is_adopted_and_not_touched(name: str, made: Made) -> None:
    """The plan adopts, the apply changes no table, and after it nothing is to do and the same is imported again."""
    path = made(DATABASES[name])
    text = write_manifest(path)
    before = read_all(path)
    plan = provisioner.plan(MANIFEST, cache=False)
    assert {action.mend for action in plan.actions} == {Mend.ADOPT}, plan.actions
    assert not plan.by_hand and not any(action.hazards for action in plan.actions)
    provisioner.apply(MANIFEST)
    assert provisioner.plan(MANIFEST, cache=False).converged
    assert read_all(path) == before
    assert provisioner.import_database(path).partition("# left out")[0].rstrip() == text.rstrip()


@pytest.mark.parametrize(("sql", "told", "imported"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_a_manifest_cannot_say_is_told(
    sql: str, told: tuple[str, ...], imported: tuple[str, ...], made: Made
) -> None:
    path = made(sql)
    text = write_manifest(path)
    lines = [line.removeprefix("# left out: ") for line in text.splitlines() if line.startswith("# left out: ")]
    assert len(lines) == len(told)
    assert all(any(line.startswith(one) for line in lines) for one in told), lines
    assert tuple(str(table.name) for table in provisioner.load_manifest(MANIFEST).tables) == imported
    assert_declared_as_it_is(path)


def test_a_database_with_stamps_of_steps_is_imported_without_our_records(made: Made) -> None:
    path = made("CREATE TABLE raw (a INTEGER)")
    Path("totals.sql").write_text("SELECT sum(a) AS total FROM raw")
    Path("first.yaml").write_text(
        "{version: 1, name: live, database: live.duckdb, tiers: [t], steps: {totals: {sql: totals.sql}},\n"
        "tables: {raw: {tier: t, columns: {a: INTEGER}}, totals: {tier: t, step: totals}}}"
    )
    provisioner.apply("first.yaml")
    text = write_manifest(path)
    assert [str(table.name) for table in provisioner.load_manifest(MANIFEST).tables] == ["raw", "totals"]
    assert "# left out: records of provision" in text and "_provisioner" not in text.partition("# left out")[0]
    assert {action.mend for action in provisioner.plan(MANIFEST).actions} == {Mend.ADOPT}
    provisioner.apply(MANIFEST)
    assert provisioner.plan(MANIFEST, cache=False).converged


def test_every_type_of_this_duckdb_is_declared_as_it_is(made: Made) -> None:
    path = made("CREATE TABLE t (first INTEGER)")
    with duckdb.connect(str(path)) as connection:
        names = connection.execute("SELECT DISTINCT upper(type_name) FROM duckdb_types() ORDER BY ALL").fetchall()
        for number, (name,) in enumerate(names):
            # Some are types only with what they hold, and a few none of a table's.
            with suppress(duckdb.Error):
                connection.execute(f"ALTER TABLE t ADD COLUMN a{number} {name}")
                connection.execute(f"ALTER TABLE t ADD COLUMN b{number} {name}[]")
    write_manifest(path)
    (table,) = provisioner.load_manifest(MANIFEST).tables
    assert len(table.columns) > len(names)
    assert_declared_as_it_is(path)


NAMES = st.text(st.sampled_from(string.ascii_letters + "_ .\"'$é日:#-0"), min_size=1, max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """The SQL of a table and its indexes."""

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique_by=str.lower))
    kinds = draw(st.lists(st.sampled_from(["type", "default", "not null", "generated"]), min_size=6, max_size=6))
    columns = [f"{quoted(names[0])} INTEGER"]
    for name, kind in zip(names[1:], kinds, strict=False):
        if kind == "default":
            text = draw(st.sampled_from(DEFAULTS))
            columns.append(f"{quoted(name)} {TYPE_OF_DEFAULT.get(text, 'VARCHAR')} DEFAULT ({text})")
        elif kind == "generated":
            columns.append(f"{quoted(name)} BIGINT AS ({quoted(names[0])} * {draw(st.integers(-9, 9))})")
        else:
            suffix = " NOT NULL" if kind == "not null" else ""
            columns.append(f"{quoted(name)} {draw(st.sampled_from(TYPES))}{suffix}")
    constraint = draw(st.sampled_from(["", "PRIMARY KEY ({0})", "UNIQUE ({0})", "CHECK ({0} BETWEEN -3 AND 7)"]))
    parts = [*columns, constraint.format(quoted(names[0]))] if constraint else columns
    table, index = quoted(draw(NAMES)), quoted(draw(NAMES))
    on = draw(st.sampled_from(["{0}", "({0} + 1)", "abs({0})"])).format(quoted(names[0]))
    comment = draw(st.text(st.sampled_from("ab '\"\n$#:{}é"), max_size=10)).replace("'", "''")
    return f"CREATE TABLE {table} ({', '.join(parts)}); CREATE INDEX {index} ON {table} ({on}); " + (
        f"COMMENT ON COLUMN {table}.{quoted(names[0])} IS '{comment}'"
    )


@examples(10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sql=tables())
def test_any_table_is_declared_as_it_is(sql: str, made: Made) -> None:
    Path("live.duckdb").unlink(missing_ok=True)
    path = made(sql)
    write_manifest(path)
    assert_declared_as_it_is(path)

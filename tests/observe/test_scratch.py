"""What is declared and what is there, spelt by one engine: equal where they mean the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from provisioner.declare.values import Column, ForeignKey, Index, Place, Sequence, Table, TableKind, TableName
from provisioner.errors import ManifestError
from provisioner.observe.change_values import ColumnShape, Shape
from provisioner.observe.ddl_text import create_statements
from provisioner.observe.scratch import Scratch
from provisioner.observe.shape import read_shapes

T, PLACE = TableName.parse("t"), Place("shop.yaml", 7, 3)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with Scratch() as scratch:
        yield scratch


def _table(*columns: Column, **facts: object) -> Table:
    return replace(Table(T, "raw", PLACE, columns=columns), **facts)  # type: ignore[arg-type]


def _column(type_text: str = "int", name: str = "a", **facts: object) -> Column:
    return replace(Column(name, type_text, PLACE), **facts)  # type: ignore[arg-type]


def _spell(scratch: Scratch, table: Table, *others: Table) -> Shape:
    return scratch.spell_declared([table, *others], [Sequence(TableName.parse("numbers"))])[table.name]


# type, default, and another way of writing the same
DEFAULTS = [
    ("boolean", "true", "'t'::boolean", "true"),
    ("boolean", "CAST('f' AS BOOLEAN)", "false", "false"),
    ("boolean", "not true", "1 = 2", "false"),
    ("int", "3", "(3)", "3"),
    ("int", "'3'", "3.0", "3"),
    ("bigint", "-1", "- 1", "-1"),
    ("decimal(10,2)", "1", "1.00", "1.00"),
    ("double", "1e3", "1000", "1000.0"),
    ("double", "'inf'", "'Infinity'::double", "'inf'"),
    ("varchar", "'x'", "('x')", "'x'"),
    ("varchar(10)", "'it''s'", "'it''s'::varchar(20)", "'it''s'"),
    ("date", "'2020-01-01'", "DATE '2020-01-01'", "'2020-01-01'"),
    ("timestamp", "'2020-01-01'", "TIMESTAMP '2020-01-01 00:00:00'", "'2020-01-01 00:00:00'"),
    ("blob", "'x'", "'\\x78'::blob", "'x'"),
    ("int[]", "[1, 2]", "list_value(1, 2)", "'[1, 2]'"),
    ("struct(x int)", "{'x': 1}", "{x: 1}", "'{''x'': 1}'"),
    ("interval", "INTERVAL 1 DAY", "'1 day'", "'1 day'"),
    ("enum('a', 'b')", "'a'", "'a'::varchar", "'a'"),
    ("int", "NULL", "CAST(NULL AS int)", None),
    ("timestamp", "now()", "NOW( )", "now()"),
    ("date", "current_date", "CURRENT_DATE", "current_date"),
    ("int", "nextval('numbers')", "nextval( 'numbers' )", "nextval('numbers')"),
    ("timestamptz", "'2020-01-01'", "('2020-01-01')", "'2020-01-01'"),
    ("uuid", "uuid()", "UUID( )", "uuid()"),
]


@pytest.mark.parametrize(("type_text", "one", "other", "text"), DEFAULTS)
def test_defaults_that_mean_the_same_are_the_same(
    scratch: Scratch, type_text: str, one: str, other: str, text: str | None
) -> None:
    shapes = [_spell(scratch, _table(_column(type_text, default=default))) for default in (one, other)]
    assert shapes[0] == shapes[1] and shapes[0].columns[0].default == text


@pytest.mark.parametrize(
    ("type_text", "one", "other"),
    [
        ("int", "3", "4"),
        ("varchar", "'now()'", "now()"),
        ("varchar", "'a'", "'A'"),
        ("date", "current_date", "'2020-01-01'"),
        ("int", "NULL", "0"),
    ],
)
def test_defaults_that_mean_something_else_differ(scratch: Scratch, type_text: str, one: str, other: str) -> None:
    shapes = [_spell(scratch, _table(_column(type_text, default=default))) for default in (one, other)]
    assert shapes[0] != shapes[1]


CHECKS = [
    ("a > 1", "(A>1)"),
    ("a in (1,2)", "a IN ( 1, 2 ) -- either"),
    ("b = 't'::boolean", "B = true"),
    ("a::DECIMAL(10, 2) > 1", "cast(a as decimal(10,2)) > 1"),
    ('"A" is not null', "a IS NOT NULL"),
    ("a <> 3 and not b", "a != 3 AND NOT (b)"),
    ("a not in (1, 2)", "A NOT  IN (1,2)"),
    ("list_contains([1, 2], a)", "LIST_CONTAINS(list_value(1, 2), a)"),
]


@pytest.mark.parametrize(("one", "other"), CHECKS)
def test_checks_that_say_the_same_are_the_same(scratch: Scratch, one: str, other: str) -> None:
    columns = (_column(), _column("boolean", "b"))
    shapes = [_spell(scratch, _table(*columns, checks=(check,))) for check in (one, other)]
    assert shapes[0] == shapes[1]


def test_types_generated_columns_and_indexes_are_spelt_by_the_engine(scratch: Scratch) -> None:
    table = _table(
        _column("text", "a", collation="NOCASE"),
        _column("integer", "G", generated="cast( length(A) as int )"),
        indexes=(Index("i", ("A", "( LOWER(a) )"), True),),
    )
    shape = _spell(scratch, table)
    assert shape.columns == (
        ColumnShape("a", "VARCHAR", collation="nocase"),
        ColumnShape("G", "INTEGER", generated="length(a)"),
    )
    assert shape.indexes[0].on == ('"a"', "(lower(a))")


EVERYTHING = _table(
    _column("int", "Id", default="nextval('numbers')"),
    _column("varchar(20)", "name", nullable=False, default="'new'", comment="who", collation="nocase"),
    _column("boolean", "on", default="true", check='"on" = true or id > 3'),
    _column("decimal(10,2)", "price", default="1.5", check="price between 0 and 9"),
    _column("int[]", "list", default="[1, 2]"),
    _column("struct(x int, \"y z\" varchar)", "s"),
    _column("timestamp", "at", default="now()"),
    _column("varchar", "made", generated="upper(name) || 'x'::varchar"),
    primary_key=("ID",),
    unique=(("name", "price"), ("price",)),
    checks=("price::decimal(5,1) <> 3 and id in (1, 2, 3)", "name ~ 'a' or name like 'b%'"),
    foreign_keys=(ForeignKey(("price",), T, ("price",)),),
    indexes=(Index("i", ("price", "(lower(name))")), Index("h", ("name",), True)),
    comment="it's all",
)  # fmt: skip


def test_what_was_made_of_a_declaration_is_what_was_declared_also_after_a_reopening(
    scratch: Scratch, tmp_path: object
) -> None:
    want = _spell(scratch, EVERYTHING)
    path = f"{tmp_path}/t.duckdb"
    for _ in range(2):
        with duckdb.connect(path) as live:
            if not read_shapes(live, [T]):
                for statement in ("CREATE SEQUENCE numbers", *create_statements(want)):
                    live.execute(statement)
            assert scratch.respell(read_shapes(live, [T])[T]) == want


def test_spelling_again_changes_nothing(scratch: Scratch) -> None:
    want = _spell(scratch, EVERYTHING)
    assert scratch.respell(want) == want


def test_a_table_made_by_hand_in_other_words_is_as_declared(scratch: Scratch) -> None:
    with duckdb.connect() as live:
        live.execute(
            "CREATE TABLE t (a INT8 DEFAULT (('3')) CHECK ((A) > 1), b BOOL DEFAULT 't', UNIQUE (B, a), UNIQUE (a))"
        )
        have = scratch.respell(read_shapes(live, [T])[T])
    table = _table(
        _column("bigint", default="3", check="a > 1"),
        _column("boolean", "b", default="true"),
        unique=(("a",), ("b", "a")),
    )
    assert replace(have, unique=()) == replace(_spell(scratch, table), unique=())


def test_what_needs_a_macro_of_its_database_is_left_as_it_is(scratch: Scratch) -> None:
    with duckdb.connect() as live:
        live.execute("CREATE MACRO more(x) AS x + 1; CREATE TABLE t (a int, CHECK (more(a) > 1))")
        shape = read_shapes(live, [T])[T]
    assert scratch.respell(shape) in (shape, replace(shape, checks=("(a + 1) > 1",)))


VIEWS = [
    ("select a from nowhere where b = true", "SELECT a FROM nowhere WHERE b='t'::boolean;"),
    ("FROM nowhere", "SELECT * FROM nowhere"),
    ("SELECT [1] AS l -- a list", "select list_value(1) as l"),
    ("PIVOT nowhere ON b IN (1) USING sum(a)", "PIVOT nowhere ON b IN (1) USING sum(a);"),
]


@pytest.mark.parametrize(("one", "other"), VIEWS)
def test_views_of_one_meaning_are_the_same_and_nothing_is_bound(scratch: Scratch, one: str, other: str) -> None:
    shapes = [_spell(scratch, Table(T, "raw", PLACE, kind=TableKind.VIEW, sql=sql)) for sql in (one, other)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("sql", ["SELECT b, 1 AS x, [b] AS l FROM p WHERE b = true", "SELECT * FROM p", "FROM p"])
def test_a_view_that_was_made_is_as_declared(scratch: Scratch, sql: str) -> None:
    want = _spell(scratch, Table(T, "raw", PLACE, kind=TableKind.VIEW, sql=sql))
    with duckdb.connect() as live:
        live.execute("CREATE TABLE p (b boolean)")
        live.execute(create_statements(want)[0])
        assert scratch.respell(read_shapes(live, [T])[T]) == want


BAD = [
    (_column(default="1, b int"), "t.a has the default `1, b int`, expected one SQL expression."),
    (_column(default=""), "t.a has the default ``, expected one SQL expression."),
    (_column(default="1) CHECK (true"), "t.a has the default `1) CHECK (true`, expected one SQL expression."),
    (_column(default="nope(1)"), "t.a has the default `nope(1)`, which DuckDB refuses: Scalar Function with name nope"),
    (_column("integr"), "t.a has the type `integr`, which DuckDB refuses: Type with name integr does not exist"),
    (_column(check="b > 1"), "t.a has the check `b > 1`, which DuckDB refuses: "),
    (_column(generated="b + 1"), "t.a has the generated `b + 1`, which DuckDB refuses: "),
    (_column("varchar", collation="zork"), "t.a has the collation `zork`, which DuckDB refuses: "),
    (_column(default="nextval('nope')"), "t.a has the default `nextval('nope')`, which DuckDB refuses: "),
]


@pytest.mark.parametrize(("column", "words"), BAD)
def test_an_expression_that_is_refused_is_named_with_its_place(scratch: Scratch, column: Column, words: str) -> None:
    with pytest.raises(ManifestError) as refused:
        _spell(scratch, _table(column, _column("varchar", "other")))
    (problem,) = refused.value.problems
    assert problem.message.startswith(words)
    assert (problem.code, problem.place, bool(problem.cure)) == ("ddl_refused", "shop.yaml:7:3", True)


def test_a_check_over_a_field_is_refused_with_its_cure_or_kept_whole(scratch: Scratch) -> None:
    """DuckDB 2.0.0 takes it, and can then list no constraint of any table; 2.0.1 can, and 1.5 does not take it."""
    table = _table(_column("struct(x int)", check="a.x > 1"), _column("varchar", "other"))
    try:
        spelt = _spell(scratch, table)
    except ManifestError as refused:
        (problem,) = refused.problems
        assert problem.message.startswith("t.a has the check `a.x > 1`, which DuckDB refuses: ")
        assert "a field of a struct in brackets" in problem.cure
    else:
        assert spelt.checks == ("a.x > 1",)


BAD_TABLES = [
    (_table(_column(), checks=("a > 1; DROP TABLE t",)), "t has the check `a > 1; DROP TABLE t`, expected one SQL"),
    (_table(_column(), checks=("zork(a)",)), "t has the check `zork(a)`, which DuckDB refuses: "),
    (_table(_column(), indexes=(Index("i", ("nope",)),)), "t has the index `i`, which DuckDB refuses: "),
    (_table(_column(), indexes=(Index("i", ("(a), (b)",)),)), "t's index i has the index `(a), (b)`, expected one SQL"),
    (_table(_column(), primary_key=("nope",)), "t cannot be made: "),
    (_table(_column(), foreign_keys=(ForeignKey(("a",), T, ("a",)),)), "t cannot be made: "),
    (Table(T, "raw", PLACE, sql="SELECT 1; DROP TABLE x"), "t cannot be a view: its sql is 2 statements"),
    (Table(T, "raw", PLACE, sql="SELECT FROM WHERE"), "t cannot be a view: syntax error"),
    (Table(T, "raw", PLACE, sql="DROP TABLE x"), "t cannot be a view: syntax error"),
    (Table(T, "raw", PLACE, sql=""), "t cannot be a view: syntax error"),
]


@pytest.mark.parametrize(("table", "words"), BAD_TABLES)
def test_what_is_refused_of_a_table_is_named(scratch: Scratch, table: Table, words: str) -> None:
    with pytest.raises(ManifestError) as refused:
        _spell(scratch, table)
    (problem,) = refused.value.problems
    assert problem.message.startswith(words)


def test_every_bad_expression_is_told_at_once(scratch: Scratch) -> None:
    columns = (_column(default="zork(1)"), _column(name="b", check="nope > 1"), _column(name="c"))
    with pytest.raises(ManifestError) as refused:
        _spell(scratch, _table(*columns, checks=("zork(c)",)))
    assert len(refused.value.problems) == 3


def test_references_are_tried_parents_first_and_may_leave_the_columns_to_the_key(scratch: Scratch) -> None:
    parent = replace(_table(_column(), primary_key=("a",)), name=TableName.parse("z"))
    child = _table(_column("int", "p"), foreign_keys=(ForeignKey(("p",), parent.name, ()),))
    assert _spell(scratch, child, parent).foreign_keys == (ForeignKey(("p",), parent.name, ("a",)),)


def test_a_declaration_leaves_nothing_behind_in_the_scratch(scratch: Scratch) -> None:
    for _ in range(2):
        assert _spell(scratch, EVERYTHING) == _spell(scratch, EVERYTHING)


def test_the_scratch_reaches_no_file(scratch: Scratch, tmp_path: object) -> None:
    with pytest.raises(ManifestError):
        _spell(scratch, _table(_column("varchar", default="(SELECT content FROM read_text('/etc/hostname'))")))


def test_many_are_spelt_again_as_one_by_one(scratch: Scratch) -> None:
    shapes = [replace(_spell(scratch, EVERYTHING), table=TableName.parse(name)) for name in ("t", "u", "s.t")]
    odd = Shape(TableName.parse("odd"), (ColumnShape("a", "INTEGER", default="nope(1)"),))
    found = scratch.respell_all([*shapes, odd])
    assert found == {shape.table: scratch.respell(shape) for shape in shapes} | {odd.table: odd}

"""What a script writes to, found in its words."""

from __future__ import annotations

import pytest

from provisioner.observe.writes import copies_in, find_writes

WRITES = [
    ("create table x as from a", "main.x"),
    ("create or replace view s.x as from a", "s.x"),
    ("create table if not exists db.s.x (i int)", "s.x"),
    ("create temp table x as from a; delete from x", ""),
    ("create or replace temporary view x as from a", ""),
    ("delete from temp.x", ""),
    ("create unique index i on x (a)", "main.x"),
    ("create index on s.x (a)", "s.x"),
    ("create macro m(p) as table select * from a", ""),
    ("create schema s; create sequence q; create type t as enum ('a')", ""),
    ("insert into x by name select * from a", "main.x"),
    ("insert or replace into x values (1)", "main.x"),
    ("with c as (from a) insert into x from c", "main.x"),
    ("with delete as (from a) delete from x using delete", "main.as main.x"),
    ("with c as (from x) select * from c", ""),
    ("merge into x using a on x.i = a.i when matched then delete", "main.x"),
    ("update x set i = a.i from a", "main.x"),
    ("delete from x using a where x.i = a.i", "main.x"),
    ("DELETE /* all */ FROM -- of it\n X", "main.X"),
    ('delete from "x.y" . "a ""b"""', 'x.y.a "b"'),
    ("truncate x; truncate table y", "main.x main.y"),
    ("drop table if exists a, s.b cascade; drop view c", "main.a main.c s.b"),
    ("alter table if exists a rename to b", "main.a main.b"),
    ("alter table s.a rename to b", "s.a s.b"),
    ("alter table a rename column b to c", "main.a"),
    ("alter view v rename to w", "main.v main.w"),
    ("comment on table a is 'x'; comment on column s.b.c is 'y'", "main.a s.b"),
    ("copy x from 'x.csv'; copy y (a, b) from 'y.csv'", "main.x main.y"),
    ("copy x to 'x.csv'; copy main.from to 'y.csv'; copy (from x) to 'z.csv'", ""),
    ('copy "from"."to" from \'y.csv\'', "from.to"),
    ("explain analyze delete from x", "main.x"),
    ("explain (analyze, format json) delete from x", "main.x"),
    ("prepare p as delete from x; execute p", "main.x"),
    ("select 'delete from x'; from x; set threads = 1; load json", ""),
]


@pytest.mark.parametrize(("sql", "writes"), WRITES)
def test_a_script_writes_to(sql: str, writes: str) -> None:
    found = find_writes(sql.split("; "))
    assert " ".join(sorted(f"{name.schema}.{name.name}" for name in found.relations)) == writes


def test_indexes_and_schemas_are_told_apart() -> None:
    statements = ("drop index if exists i", "drop schema s cascade", "alter schema db.t rename to u", "drop index s.j")
    found = find_writes(statements)
    assert [str(name) for name in found.indexes] == ["i", "s.j"]
    assert found.schemas == ("s", "t") and found.relations == ()


@pytest.mark.parametrize(
    ("sql", "fills"),
    [
        ("copy a from 'a.csv'", True), ("COPY a (b) FROM 'a.csv' (header)", True), ("copy a to 'a.csv'", False),
        ("copy main.from to 'a.csv'", False), ('copy main."from" to \'a.csv\'', False),
        ("copy main . from to 'a'", False),
        ("copy (select 1 from a) to 'a.csv'", False), ("copy to.from from 'a.csv'", False), ("from a", False),
    ],
)  # fmt: skip
def test_a_copy_fills_a_table_or_writes_a_file(sql: str, fills: bool) -> None:
    assert copies_in(sql) is fills

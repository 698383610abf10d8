"""What a script reads, found in the SQL itself."""

import pytest

from provisioner.declare.values import TableName
from provisioner.observe.sql import parse_script

READS = [
    ("select * from a", "a"),
    ("from a", "a"),
    ("table a", "a"),
    ("select * from a join b using (i)", "a b"),
    ("from a asof join b using (i)", "a b"),
    ("from a positional join b", "a b"),
    ("from a semi join b using (i)", "a b"),
    ("from a anti join b using (i)", "a b"),
    ("from a natural full join b", "a b"),
    ("from a, b, s.c", "a b s.c"),
    ("from db.s.t", "s.t"),
    ("(from a) union all by name (from b) intersect from c", "a b c"),
    ("from a except from b", "a b"),
    ("select (select max(i) from b) from a", "a b"),
    ("select * from a where exists (from b)", "a b"),
    ("from a where i in (select i from b)", "a b"),
    ("from a, lateral (select * from b where b.i = a.i)", "a b"),
    ("from (select * from (from a))", "a"),
    ("from a as z(x, y)", "a"),
    ("from a tablesample 10%", "a"),
    ("select list_transform(l, lambda x: x + 1) from a", "a"),
    ("select [x for x in l if x > 1] from a", "a"),
    ("pivot a on i using sum(j)", "a"),
    ("from (pivot a on i using sum(j))", "a"),
    ("unpivot a on i, j into name n value v", "a"),
    ("summarize a", "a"),
    ("describe a", "a"),
    ("explain select * from a", "a"),
    ("create table x as from a", "a"),
    ("create or replace temp view x as from a", "a"),
    ("create table x as with c as materialized (from a) from c", "a"),
    ("insert into x by name select * from a", "a"),
    ("insert into x (i) from a", "a"),
    ("insert into x values ((select max(i) from a)) on conflict do nothing", "a"),
    ("with c as (from a) insert into x from c", "a"),
    ("merge into x using a on x.i = a.i when matched then delete", "a"),
    ("update x set i = a.i from a where a.j = x.j", "a"),
    ("update x set i = (select max(i) from a)", "a"),
    ("delete from x using a where x.i = a.i", "a"),
    ("copy a to 'a.csv'", "a"),
    ("copy (from a) to 'a.csv'", "a"),
    ("create macro m(p) as table select * from a where i = p", "a"),
    ("set variable v = (select max(i) from a)", "a"),
    ("with c as (from a) from c, b", "a b"),
    ("with recursive r as (select 1 i union all select i + 1 from r) from r, a", "a"),
    ("with a as (select * from a) select * from a", "a"),
    ("with c as (from a), d as (from c) from d, e", "a e"),
    ("with c as (with d as (from a) from d) from c, d", "a d"),
    ("from (with c as (from a) from c), c", "a c"),
    ("WITH C AS (FROM a) FROM c", "a"),
    ("create temp table x as from a; create table y as from x join b using (i)", "a b"),
    ("create table x (i int); insert into x from a; create table y as from x", "a"),
    ("create table x as from a; alter table x rename to y; create table z as from y", "a"),
    ("create view X as from a; from x", "a"),
    ("values (1), (2)", ""),
    ("from range(10)", ""),
    ("from unnest([1, 2])", ""),
    ("select * from information_schema.tables", ""),
    ("from pg_catalog.pg_class, duckdb_tables, duckdb_tables(), sqlite_master", ""),
    ("load json; select 1", ""),
    ("drop table if exists a", ""),
]
FILES = [
    ("from 'x.csv'", "x.csv"),
    ('from "x.parquet"', "x.parquet"),
    ("from read_csv('a.csv', header = true)", "a.csv"),
    ("from read_parquet(['a.parquet', 'b.parquet'])", "a.parquet b.parquet"),
    ("from read_json_auto('a.json')", "a.json"),
    ("create table x (i int); copy x from 'in.csv'", "in.csv"),
    ("from read_text('a.txt')", "a.txt"),
    ("from 'data/*.parquet'", "data/*.parquet"),
    ("select 'x.csv' from a", ""),
]


@pytest.mark.parametrize(("sql", "reads"), READS)
def test_a_script_reads(sql, reads):
    script = parse_script(sql, "f.sql")
    assert (sorted(map(str, script.reads)), script.understood) == (reads.split(), True)


def test_quoted_names_are_read_whole():
    assert parse_script('from "A b"."c.d"', "f.sql").reads == (TableName("A b", "c.d"),)


@pytest.mark.parametrize(("sql", "files"), FILES)
def test_a_script_reads_files(sql, files):
    assert list(parse_script(sql, "f.sql").file_reads) == files.split()


def test_sql_that_only_duckdb_parses_is_not_understood():
    script = parse_script("create type e as enum (select n from a)", "f.sql")
    assert (script.reads, script.understood) == ((), False)


@pytest.mark.parametrize(
    ("sql", "single"),
    [
        ("select 1", True), ("-- c\nfrom a;\n", True), ("with c as (from a) from c", True), ("(from a)", True),
        ("pivot a on i using sum(j)", True), ("values (1)", True), ("select 1; select 2", False),
        ("create table x as from a", False), ("with c as (from a) insert into x from c", False),
        ("insert into x from a", False), ("set threads = 1", False),
    ],
)  # fmt: skip
def test_a_single_select_is_known(sql, single):
    assert parse_script(sql, "f.sql").single_select is single


def test_statements_know_their_lines():
    script = parse_script("-- a\nselect 1;\n\n/* b;\n */ select\n 2;select ';'", "f.sql")
    assert [(statement.line, statement.words) for statement in script.statements] == [
        (2, "select 1"),
        (5, "select 2"),
        (6, "select ';'"),
    ]

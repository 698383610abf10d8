"""Declared tables: the manifest owns their structure, the users own their rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from projects import Project, ran, shop


def test_a_declared_table_is_created_with_its_key_its_not_null_and_its_default(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.apply(target=["notes"])
    project.sql("INSERT INTO notes (id) VALUES (1)")
    assert project.rows("FROM notes") == [(1, "new")]
    for refused in ("INSERT INTO notes (id) VALUES (1)", "INSERT INTO notes VALUES (NULL, 'x')"):
        with pytest.raises(duckdb.ConstraintException):
            project.sql(refused)


# How the users' table differs, with a row in it; the reason that is told; and what a person does about it.
BY_HAND: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "column_missing": (
        ("CREATE TABLE notes (id BIGINT PRIMARY KEY)", "INSERT INTO notes VALUES (1)"),
        "column_missing",
        ("ALTER TABLE notes ADD COLUMN body VARCHAR DEFAULT 'new'",),
    ),
    "column_extra": (
        ("CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR, x INTEGER)", "INSERT INTO notes VALUES (1, 'a', 2)"),
        "column_extra",
        ("CREATE TABLE more (id BIGINT PRIMARY KEY, body VARCHAR)", "INSERT INTO more SELECT id, body FROM notes",
         "DROP TABLE notes", "ALTER TABLE more RENAME TO notes"),
    ),
    "column_type": (
        ("CREATE TABLE notes (id BIGINT PRIMARY KEY, body INTEGER)", "INSERT INTO notes VALUES (1, 2)"),
        "column_type",
        ("ALTER TABLE notes ALTER body TYPE VARCHAR",),
    ),
    "constraint, the key": (
        ("CREATE TABLE notes (id BIGINT NOT NULL, body VARCHAR)", "INSERT INTO notes VALUES (1, 'a')"),
        "constraint",
        ("ALTER TABLE notes ADD PRIMARY KEY (id)",),
    ),
    "constraint, a column": (
        ("CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR NOT NULL)", "INSERT INTO notes VALUES (1, 'a')"),
        "constraint",
        ("CREATE TABLE more (id BIGINT PRIMARY KEY, body VARCHAR)", "INSERT INTO more FROM notes", "DROP TABLE notes",
         "ALTER TABLE more RENAME TO notes"),
    ),
    "wrong_kind": (
        ("CREATE VIEW notes AS SELECT 1::BIGINT AS id, 'a' AS body",),
        "wrong_kind",
        ("DROP VIEW notes", "CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR)",
         "INSERT INTO notes VALUES (1, 'a')"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND)
def test_a_difference_in_structure_is_told_and_no_row_is_touched(shop_as_declared: Project, case: str) -> None:
    have, reason, cure = BY_HAND[case]
    project = shop_as_declared
    project.sql("DROP TABLE notes", "DROP TABLE doubled", *have)
    before = project.contents()["VIEW main.notes" if case == "wrong_kind" else "BASE TABLE main.notes"]
    plan = project.plan()
    assert {(str(one.table), str(one.reason)) for one in plan.by_hand} == {("notes", reason)}
    error = project.refused()
    assert (error.code, error.exit_code) == ("by_hand", 1)
    assert f"notes: {reason}" in error.message and "provision.yaml:" in error.message and "ALTER TABLE" in error.cure
    after = project.contents()
    assert before in after.values()
    assert "BASE TABLE main.doubled" in after, "the others are made all the same"
    try:
        project.sql(*cure)
    except duckdb.Error as refused:
        pytest.skip(f"this DuckDB cannot: {refused}")
    project.apply()
    assert project.plan().converged
    assert [row[0] for row in project.rows("SELECT id FROM notes")] == [1]


def test_the_command_line_tells_what_is_to_be_done_by_hand_and_exits_1(shop_as_declared: Project) -> None:
    project = shop_as_declared
    project.sql("ALTER TABLE notes ADD COLUMN x INTEGER")
    told = project.command("plan", "--detailed-exitcode")
    assert told.returncode == 2
    assert "by hand" in told.stdout and "column_extra" in told.stdout
    before = project.files()
    done = project.command("apply")
    assert done.returncode == 1
    assert "has a column x that is not declared" in done.stderr and "cure: " in done.stderr
    assert project.files()["shop.duckdb"] == before["shop.duckdb"]


def test_a_declared_table_that_is_there_already_is_adopted_with_its_rows(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.sql("CREATE TABLE notes (id BIGINT PRIMARY KEY, body VARCHAR)", "INSERT INTO notes VALUES (7, 'mine')")
    assert ran(project.apply(target=["notes"])) == {"table:notes": "adopted"}
    assert project.rows("FROM notes") == [(7, "mine")]


def test_a_table_of_the_users_that_differs_and_was_never_stamped_is_told_too(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.sql("CREATE TABLE notes (id VARCHAR)", "INSERT INTO notes VALUES ('mine')")
    error = project.refused()
    assert error.code == "by_hand" and "id is VARCHAR, wanted is BIGINT" in error.message
    assert project.rows("FROM notes") == [("mine",)]


def test_a_step_that_reads_a_declared_table_to_be_mended_by_hand_waits_for_it(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("shown.sql", "SELECT id FROM notes")
    project.sql("CREATE TABLE notes (id BIGINT PRIMARY KEY)")
    seen: list[object] = []
    project.refused(on_event=seen.append)
    made = project.contents()
    assert "BASE TABLE main.doubled" in made
    assert "VIEW main.shown" not in made and "BASE TABLE main.counted" not in made

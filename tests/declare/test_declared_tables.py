"""One piece of a sound declared table made wrong: the problem's code, what it points at, and a word of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from manifest_texts import DECLARED, changed, problems_of

from provisioner.declare.allowance import parse_allowance
from provisioner.declare.values import Allowance, HazardKind, TableName

MOOD = "mood: {type: VARCHAR, collation: NOCASE, unique: true, renamed_from: [feeling, tone]}"
NOTE = "note: {type: BIGINT, nullable: false, backfill: 0, check: note >= 0}"
LOUD = "loud: {type: VARCHAR, generated: upper(mood)}"
FOREIGN = "foreign_keys: [{columns: note, references: {table: notes, columns: [id]}}]"
SHOUTS = "shouts: {tier: mart, kind: view, sql: select loud from remarks, comment: the loud ones, renamed_from: cries}"
UNIQUE = "unique: [[note, mood]]"
KEY = "primary_key: [id]\n    unique"
FORMER = "renamed_from: [sayings, old.sayings]"
CENSUS = "columns: {id: BIGINT}, expect"
ALLOWED = '"drops_table:notes"'

# What is exchanged, for what, the code, what stands at the problem's place, and words of it.
WRONG = {
    "a default of nothing": ("nextval('remark_ids')", '" "', "wrong_value", '" "', "a SQL expression"),
    "an empty check": ("check: note >= 0", "check: ''", "wrong_value", "''", "a SQL expression"),
    "no check at all": ("check: [note < 1000000, length(mood) > 0]", "check: []", "wrong_value", "[]", "empty list"),
    "a collation with a space": ("NOCASE", "no case", "wrong_value", "no case", "NOCASE.NOACCENT"),
    "no type": (LOUD, "loud: {generated: upper(mood)}", "missing_key", "loud:", "Add `type`"),
    "a default beside generated": (
        LOUD, "loud: {type: VARCHAR, generated: upper(mood), default: 1}", "contradiction", "default: 1", "no default",
    ),
    "no NULL in generated": (
        LOUD, "loud: {type: VARCHAR, generated: upper(mood), nullable: false}", "contradiction", "nullable: f", "NULLs",
    ),
    "a generated key": (KEY, "primary_key: [loud]\n    unique", "contradiction", "loud]\n", "no key can hold one"),
    "a generated unique key": (UNIQUE, "unique: [Loud]", "contradiction", "Loud]", "no key can hold one"),
    "backfill for nothing": (
        NOTE, "note: {type: BIGINT, backfill: 0}", "contradiction", "backfill: 0}", "Add `nullable: false`",
    ),
    "a new column of an old name": ("[feeling, tone]", "[feeling, note]", "contradiction", "note]", "still has"),
    "a column of its own name": ("[feeling, tone]", "MOOD", "contradiction", "MOOD", "only in case"),
    "two of one column": (
        LOUD, "loud: {type: VARCHAR, generated: upper(mood), renamed_from: Tone}", "contradiction", "Tone}", "too",
    ),
    "an unknown unique column": (UNIQUE, "unique: [mod]", "unknown_column", "mod]", "Did you mean mood?"),
    "an unknown indexed column": (
        "by_note: {columns: note", "by_note: {columns: noot", "unknown_column", "noot,", "Did you mean note?",
    ),
    "an expression without parentheses": (
        "(lower(mood))", "lower(mood)", "unknown_column", "lower(mood)]", "in parentheses: '(lower(mood))'",
    ),
    "an expression that goes on": ("(lower(mood))", "(mood) desc", "wrong_value", "(mood) desc", "end with one"),
    "a column twice in an index": ("[mood, (lower(mood))]", "[mood, MOOD]", "duplicate", "MOOD]", "named twice"),
    "an index of nothing": ("{columns: note, unique: true}", "[]", "wrong_value", "[]}", "empty list"),
    "an index without columns": ("{columns: note, unique", "{unique", "missing_key", "by_note:", "Add `columns`"),
    "two indexes of one name": ("by_note:", "BY_MOOD:", "name_clash", "BY_MOOD:", "same name as by_mood"),
    "a key to nowhere": (FOREIGN, FOREIGN.replace("notes", "note"), "unknown_table", "note,", "Did you mean notes?"),
    "a key to a produced table": (
        FOREIGN, FOREIGN.replace("notes", "bands"), "foreign_key", "bands,", "is made by the step seeds",
    ),
    "a key to a view": (FOREIGN, FOREIGN.replace("notes", "shouts"), "foreign_key", "shouts,", "is a view"),
    "a key to no key": (FOREIGN, FOREIGN.replace("[id]", "[body]"), "foreign_key", "body]", "body is no key of notes"),
    "a key of other columns": (
        FOREIGN, FOREIGN.replace("columns: note", "columns: [note, mood]"), "foreign_key", "[note, mood], r",
        "2 columns cannot refer to 1: id.",
    ),
    "a key by a generated column": (
        FOREIGN, FOREIGN.replace("columns: note", "columns: loud"), "contradiction", "loud, references", "no key",
    ),
    "a key by a column that is not there": (
        FOREIGN, FOREIGN.replace("columns: note", "columns: nots"), "unknown_column", "nots, references", "note",
    ),
    "a key without a table": (
        FOREIGN, FOREIGN.replace("table: notes, ", ""), "missing_key", "references:", "Add `table`",
    ),
    "a former table that is there": ("old.sayings]", "main.NOTES]", "contradiction", "main.NOTES", "still has a table"),
    "a table of its own name": (FORMER, "renamed_from: Remarks", "contradiction", "Remarks", "only in case"),
    "two of one table": ("renamed_from: cries", "renamed_from: SAYINGS", "contradiction", "SAYINGS", "remarks was"),
    "a former name with three parts": (FORMER, "renamed_from: a.b.c", "bad_name", "a.b.c", "schema.name"),
    "a table that is forgotten and declared": ("[gossip,", "[Notes,", "contradiction", "Notes,", "is declared"),
    "a forgotten table, renamed": ("[gossip,", "[sayings,", "contradiction", "sayings, old.g", "renamed from"),
    "a forgotten name with three parts": ("[gossip,", "[a.b.c,", "bad_name", "a.b.c", "schema.name"),
    "columns of a query": ("mart, kind: view", "mart, columns: {id: INT}", "misplaced_key", "columns: {id", "a view"),
    "a query that is a table": ("mart, kind: view", "mart, kind: table", "contradiction", "kind: table", "a view"),
    "a query of a step": (
        SHOUTS, "shouts: {tier: mart, step: hazards, sql: select 1}", "declared_only", "sql: select", "Take sql out",
    ),
    "a query of nothing": ("sql: select loud from remarks", "sql: ''", "wrong_value", "''", "a query"),
    "two sequences of one name": ("old.ids:", "main.REMARK_IDS:", "name_clash", "main.REMARK_IDS", "remark_ids"),
    "a sequence of ours": ("old.ids:", "_provisioner.ids:", "reserved_schema", "_provisioner", "own records"),
    "a sequence with three parts": ("old.ids:", "a.b.c:", "bad_name", "a.b.c", "name of a sequence"),
    "a sequence that stands still": ("increment: 5", "increment: 0", "wrong_value", "0}", "stand still"),
    "a sequence that is a number": ("old.ids: {}", "old.ids: 7", "wrong_type", "7}\nforget", "or {}"),
    "a step's index": (CENSUS, f"indexes: {{a: id}}, {CENSUS}", "declared_only", "indexes: {a", "Take indexes out"),
    "a step's key": (CENSUS, f"unique: [id], {CENSUS}", "declared_only", "unique: [id]", "under expect"),
    "a step's check": (
        CENSUS, "columns: {id: {type: INT, check: id > 0}}, expect", "declared_only", "check: id", "Take check",
    ),
    "a step's former column": (
        CENSUS, "columns: {id: {type: INT, renamed_from: x}}, expect", "declared_only", "renamed_from: x", "the step",
    ),
    "a step's unique column": (
        CENSUS, "columns: {id: {type: INT, unique: true}}, expect", "declared_only", "unique: true", "unique: [id]",
    ),
    "a hazard of no table": (ALLOWED, '"drops_table:a.b.c"', "bad_name", '"drops_table:a', "behind the colon"),
    "a hazard with an empty table": (ALLOWED, '"drops_table:"', "wrong_value", '"drops_table:"', "drops_column:app"),
    "a hazard that is none": (ALLOWED, '"drop_table:notes"', "wrong_value", '"drop_table:', "mean drops_table:notes?"),
    "a violation": (ALLOWED, "null_violation", "wrong_value", "null_violation", "Known values"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_mistake_in_a_declared_table_is_one_problem_with_its_place_and_cure(tmp_path: Path, name: str) -> None:
    old, new, code, there, words = WRONG[name]
    text = changed(old, new, DECLARED)
    (problem,) = problems_of(tmp_path, text)
    assert (problem.code, words in str(problem)) == (code, True), str(problem)
    line, column = map(int, re.findall(r"\d+", problem.place)[-2:])
    at = "\n".join(text.split("\n")[line - 1 :])[column - 1 :]
    assert at.startswith(there), f"{problem.place} is {at[:30]!r}"


def test_a_foreign_key_without_columns_needs_a_primary_key(tmp_path: Path) -> None:
    text = changed(", columns: [id]}}]", "}}]", DECLARED).replace("    primary_key: [id]\n    protect", "    protect")
    (problem,) = problems_of(tmp_path, text)
    assert (problem.code, "notes has no primary key" in str(problem)) == ("foreign_key", True)


def test_a_foreign_key_stays_in_its_schema(tmp_path: Path) -> None:
    text = changed("  remarks:\n", "  s.remarks:\n", DECLARED)
    (problem,) = problems_of(tmp_path, text)
    assert (problem.code, "another schema" in str(problem)) == ("foreign_key", True)


def test_a_foreign_key_names_a_key_in_its_own_order(tmp_path: Path) -> None:
    two = "foreign_keys: [{columns: [note, id], references: {table: remarks, columns: [note, mood]}}]"
    assert problems_of(tmp_path, changed(FOREIGN, two, DECLARED)) == ()
    (problem,) = problems_of(tmp_path, changed(FOREIGN, two.replace("[note, mood]", "[mood, note]"), DECLARED))
    assert "mood, note is no key of remarks" in str(problem)


def test_indexes_of_two_schemas_may_share_a_name(tmp_path: Path) -> None:
    more = "  s.more: {tier: seed, columns: {a: INT}, indexes: {by_mood: a}}\n  remarks:\n"
    assert problems_of(tmp_path, changed("  remarks:\n", more, DECLARED)) == ()
    (problem,) = problems_of(tmp_path, changed("  remarks:\n", more.replace("s.more", "more"), DECLARED))
    assert problem.code == "name_clash"


def test_parts_may_hold_sequences_and_forget_tables(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("sequences: {other: {}}\nforget: [rumours]\n", encoding="utf-8")
    assert problems_of(tmp_path, DECLARED + "include: [more.yaml]\n") == ()
    (tmp_path / "more.yaml").write_text("sequences: {remark_ids: {}}\n", encoding="utf-8")
    assert [problem.code for problem in problems_of(tmp_path, DECLARED + "include: [more.yaml]\n")] == ["duplicate"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drops_column", Allowance(HazardKind.DROPS_COLUMN)),
        ("drops_column:app_notes", Allowance(HazardKind.DROPS_COLUMN, TableName("main", "app_notes"))),
        ("lossy_type:crm.notes", Allowance(HazardKind.LOSSY_TYPE, TableName("crm", "notes"))),
        ('drops_table:"a:b.c"', Allowance(HazardKind.DROPS_TABLE, TableName("main", "a:b.c"))),
    ],
)
def test_a_hazard_is_allowed_by_its_kind_or_by_kind_and_table(text: str, expected: Allowance) -> None:
    assert parse_allowance(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drop_column", "Did you mean drops_column?"),
        ("", "Known hazards"),
        ("drops_column:", "expected drops_column:name or drops_column:schema.name"),
        ("drops_column:a.b.c", "names no table"),
        ('drops_column:"a', "names no table"),
        ("duplicate_key", "Mend the rows"),
        ("null_violation:notes", "cannot be allowed"),
    ],
)
def test_what_cannot_be_allowed_tells_what_can(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_allowance(text)

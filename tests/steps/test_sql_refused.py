"""Statements that would escape the unit's transaction are found wherever they hide."""

import pytest

from provisioner.errors import StepError
from provisioner.observe.sql import parse_script

REFUSED = [
    "begin", "BEGIN TRANSACTION", "start transaction", "commit", "Commit Work", "end", "rollback", "abort",
    "checkpoint", "force checkpoint", "call force_checkpoint()", "from checkpoint()", "attach 'x.db'",
    "attach if not exists 'x' as y",
    "detach x", "use x", "set schema = 'x'", "set search_path='x'", "reset schema", "set global schema = 'x'",
    "export database 'x'", "import database 'x'", "copy from database a to b", "alter database x set alias to y",
    "update extensions", "update extensions (json)",
]  # fmt: skip
HIDDEN = [
    "{}",
    "select 1;{}",
    "/* ; */ -- ;\n {} ;",
    "select ';';\n{};\nselect 2",
    "create table x as select $$;$$;/**/{}",
]
ALLOWED = [
    "create table commit_log as select 1", "select 'commit; begin'", "select 1 as begin_", "load json",
    "set threads = 2",
    "insert into rollback_ values (1)", "update extensions set a = 1", "vacuum", "analyze", "select $$;commit;$$",
    "-- commit\nselect 1", "create table x as pivot a on i using sum(j)", 'select 1 as "commit"', "install json",
    "set variable schema_name = 1",
]  # fmt: skip


@pytest.mark.parametrize("where", HIDDEN)
@pytest.mark.parametrize("sql", REFUSED)
def test_a_statement_that_leaves_the_transaction_is_refused(sql, where):
    with pytest.raises(StepError) as caught:
        parse_script(where.format(sql), "f.sql")
    assert (caught.value.code, bool(caught.value.cure)) == ("sql_refused", True)


@pytest.mark.parametrize("sql", ALLOWED)
def test_words_alone_refuse_nothing(sql):
    assert parse_script(sql, "f.sql").statements


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("selec 1", 1), ("select 1;\n\nselect 2 fro m x", 3), ("-- é\nselect (;", 2), ("select 'open", 1),
        ("select 1;\nselect /* open", 2), ("select 1;\n  create\n tabel x (i int)", 3), ("\n\nselect $$ open", 3),
    ],
)  # fmt: skip
def test_a_syntax_error_names_file_and_line(sql, line):
    with pytest.raises(StepError) as caught:
        parse_script(sql, "sql/f.sql")
    assert caught.value.code == "sql_syntax"
    assert caught.value.message.startswith(f"sql/f.sql:{line}: ")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("sql", ["", "  \n", "-- nothing", ";;", "/* x */;"])
def test_an_empty_script_is_an_error(sql):
    with pytest.raises(StepError) as caught:
        parse_script(sql, "f.sql")
    assert caught.value.code == "sql_empty"


def test_a_nul_in_the_text_is_no_traceback():
    with pytest.raises(StepError):
        parse_script("select 1\x00; commit", "f.sql")

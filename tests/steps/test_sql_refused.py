"""Statements that would escape the unit's transaction are found wherever they hide."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import StepError
from provisioner.observe.lexer import lex
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


# A string to us, or to a reader who is not DuckDB, that hides a statement or a call; with 1.5 some are what they seem.
SEEMING = {
    "a dollar's tag with a sign in it": "create table x as select $\u20ac$ ' $\u20ac$ as a; commit; -- '",
    "a tag with a dot in the middle": "select $\u00b7$ ' $\u00b7$; commit; -- '",
    "a tag with a smile": "select $\U0001f600$ ' $\U0001f600$; commit; -- '",
    "a tag of a lone accent": "select $\u0301$ ' $\u0301$; commit; -- '",
    "a tag that is a line's end elsewhere": "select $\u2028$ ' $\u2028$; commit; -- '",
    "a tag that is a space elsewhere": "select $\u1680$ ' $\u1680$; commit; -- '",
    "a string that goes on": "select e'a'\n'\\'; commit; --'",
    "a name that ends with an e": "select 1 \u20ace'\\'; commit; --'",
}


@pytest.mark.parametrize("case", SEEMING)
def test_no_string_hides_a_statement(case):
    sql = SEEMING[case]
    with duckdb.connect() as connection:
        try:
            hidden = [one.type.name for one in connection.extract_statements(sql)].count("TRANSACTION")
        except duckdb.Error:
            hidden = 0
    try:
        statements = parse_script(sql, "f.sql").statements
    except StepError as error:
        assert error.code in ("sql_refused", "sql_syntax")
    else:
        assert not hidden and len(statements) == 1


UNUSUAL = [
    "select U&'x', x'AB', b'01', e'a\\'b', E'c' 'd'",
    "select $a$ 'x' $a$, $$\"$$, $1",
    'select 1 as gr\u00f6\u00dfe, "\u20ac" from \u6570\u636e',
    "select 'a'\n  'b', 'it''s' -- it's\n, 1.5e-3, 1_000, .5, 5.",
    "select a::int[], b->>'x', c @> d, e !~~ f, 7 // 2 from t",
    "select\u00a01 /* /* '; */ \" */",
    "select [x for x in l], {'a': 1}.a, lambda x: x + 1",
    "select '\u20ac\U0001f600' as \"\U0001f600\"",
]


@pytest.mark.parametrize("sql", UNUSUAL)
def test_what_is_merely_unusual_hides_nothing(sql):
    try:
        assert parse_script(sql, "f.sql").statements
    except StepError as error:
        assert error.code == "sql_syntax"


@given(st.text("'\"$eE;-/*\\\n\u20ac\u00e9\u00a0 a1`", max_size=14))
def test_duckdb_begins_no_token_in_what_is_a_string_to_us(text):
    """A property: whatever is parsed is, token by token, no more to DuckDB than it is to us."""
    try:
        statements = parse_script(f"select 1 as x{text}", "f.sql").statements
    except StepError:
        return
    for statement in statements:
        opaque = [token for token in lex(statement.text) if token.kind in ("string", "quoted")]
        inside = [(token.start, token.start + len(token.text)) for token in opaque]
        body = statement.text.encode()
        starts = [len(body[:at].decode(errors="replace")) for at, _ in duckdb.tokenize(statement.text)]
        assert not [at for at in starts for first, last in inside if first < at < last]


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

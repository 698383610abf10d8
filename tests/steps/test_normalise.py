"""Edits of white space and comments leave SQL the same; nothing else does."""

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from provisioner.observe.normalise import normalise

SAME = [
    ("select  a,b\nfrom t", "select a , b from t"),
    ("select a -- why\nfrom t", "select a from t"),
    ("select a /* x /* nested */ y */ from t", "select a from t"),
    ("select a=1 from t", "select a = 1 from t"),
    ("select f( x )", "select f(x)"),
    ("\tselect 'it''s'\r\n", "select 'it''s'"),
    ("select $$ a;  b $$ ,1", "select $$ a;  b $$, 1"),
    ("{{ config(a=1) }}\n\nselect  * from {{ ref('a') }}", "{{ config(a=1) }} select * from {{ ref('a') }}"),
    ("select E'a\\'  b' ,1", "select E'a\\'  b', 1"),
]
DIFFERENT = [
    ("select 'a b'", "select 'a  b'"),
    ('select "a b"', 'select "a  b"'),
    ("select $$a b$$", "select $$a  b$$"),
    ("select $x$ a b $x$", "select $x$ a  b $x$"),
    ("select 'a'\n'b'", "select 'a' 'b'"),
    ("select E'x\\' a b'", "select E'x\\' a  b'"),
    ("select E'a'\n'it\\' a b'", "select E'a'\n'it\\' a  b'"),
    ("select e'a'", "select e 'a'"),
    ("select x'41'", "select x '41'"),
    ("select a - -1", "select a --1\n"),
    ("select 1 -- , 2", "select 1 , 2"),
    ("select t.a", "select t . a"),
    ("select 1.5", "select 1 .5"),
    ("select a b", "select ab"),
    ("select 1 e", "select 1e"),
    ("-- {{ f('a') }}\nselect 1", "-- {{ f('b') }}\nselect 1"),
    ("-- {{ x }}\nselect 1", "-- {{ x }} select 1"),
    ("select '{{ f('a b') }}'", "select '{{ f('a  b') }}'"),
    ("{% set q %}a b{% endset %}select '{{ q }}'", "{% set q %}a  b{% endset %}select '{{ q }}'"),
    ("{% if x %}'{% endif %}a b'", "{% if x %}'{% endif %}a  b'"),
    ("""{{ "'" }}a b{{ "'" }}""", """{{ "'" }}a  b{{ "'" }}"""),
    ("{{ a }} b", "{{ a }}b"),
    ("{{ f('it\\'s a b') }}", "{{ f('it\\'s a  b') }}"),
    ("SELECT 'A'", "SELECT 'a'"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_white_space_and_comments_do_not_count(left, right):
    assert normalise(left) == normalise(right)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_a_difference_in_meaning_is_kept(left, right):
    assert normalise(left) != normalise(right)


@pytest.mark.parametrize("text", ["select 'open", 'select "open', "select /* open", "select $$ open  /* x"])
def test_text_that_does_not_lex_comes_back_as_it_is(text):
    assert normalise(text) == text


PIECES = ["select", "1", "a", ",", "-", "--x\n", "/*c*/", "'s  t'", "'", '"q  q"', "$$ d  d $$", "E'\\'  '", "(", ")",
          " ", "\n", "\r", ".", "1.5", "e", "x", "::", "int", "/*", "*", "[", "]", "as", ";"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@examples(200)
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "select 1 a," + "".join(pieces)))
@examples(200)
def test_duckdb_answers_the_normal_form_as_it_answers_the_text(text):
    assert answer(normalise(text)) == answer(text)


CONNECTION = duckdb.connect()


def answer(text):
    try:
        return repr(CONNECTION.execute(text).fetchall())
    except duckdb.Error:
        return None

"""Secrets in text that is cut or written out before anybody hides them: no piece of one is told."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import quote as url_quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.declare.escape import escape, one_line
from provisioner.declare.problems import show
from provisioner.declare.redact import SHORTEST, find_secrets, redact
from provisioner.declare.shorten import CUT, shorten, shorten_start
from provisioner.declare.values import TableName, quote
from provisioner.execute.holder import printable

TOKEN = "quarzwal-0123456789-abcdef"
SECRETS = find_secrets({"API_TOKEN": TOKEN})

QUOTES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "a name": lambda text: str(TableName("main", text)),
    "SQL": lambda text: "'" + text.replace("'", "''") + "'",
    "a name in SQL": quote,
    "a shell": shlex.quote,
    "an address": url_quote,
    "a line of its words": lambda text: " ".join(text.split()),
}
CUTS: dict[str, Callable[[str, int], str]] = {
    "not": lambda text, length: text,
    "at its end": shorten,
    "at its start": shorten_start,
    "at both": lambda text, length: shorten_start(shorten(text, length), max(length // 2, 1)),
    "twice": lambda text, length: shorten(shorten(text, length), max(length - 3, 1)),
    "by DuckDB": lambda text, length: text if len(text) <= length else f"{text[:length]}...",
    "by DuckDB, at its start": lambda text, length: text if len(text) <= length else f"...{text[-length:]}",
}
SCREENS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "a line": one_line,
    "a screen": escape,
    "a record": printable,
    "JSON": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in ASCII": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "a message": lambda text: show(text, len(text) - 1),
    "a message in JSON": lambda text: json.dumps(show(text)),
    "Python": repr,
    "Python in ASCII": ascii,
}
# No letter of the one is a letter of the other, so that what is left of a secret is told from what stands around it.
INSIDE = st.text("abcdef0123\"'\\\t\x1b\u2028\xa0/ äλ%+", min_size=SHORTEST, max_size=40).filter(
    lambda text: len(text.strip()) >= SHORTEST
)
OTHERS = "vwyzVWYZ,:;="
AROUND = st.text(OTHERS, max_size=30)


def left_of(secret: str, told: str) -> list[str]:
    """The runs of the secret, long enough to count, that are told."""
    runs = {secret[at : at + SHORTEST] for at in range(len(secret) - SHORTEST + 1)}
    return [run for run in runs if run in told]


@given(
    st.tuples(AROUND, INSIDE, AROUND), st.integers(1, 80),
    st.sampled_from(sorted(QUOTES)), st.sampled_from(sorted(CUTS)), st.sampled_from(sorted(SCREENS)),
)  # fmt: skip
def test_whatever_quotes_cuts_and_shows_a_text_tells_nothing_of_a_secret(
    parts: tuple[str, str, str], length: int, quoted: str, cut: str, shown: str
) -> None:
    secrets = find_secrets({"API_TOKEN": parts[1]})
    text = QUOTES[quoted]("".join(parts))
    for told in (SCREENS[shown](CUTS[cut](text, length)), CUTS[cut](SCREENS[shown](text), length)):
        assert not left_of(parts[1], redact(told, secrets))


@given(INSIDE, INSIDE, AROUND, st.integers(1, 80), st.sampled_from(sorted(CUTS)))
def test_what_stands_around_is_told_as_it_is(secret: str, other: str, around: str, length: int, cut: str) -> None:
    secrets = find_secrets({"API_TOKEN": secret, "DB_PASSWORD": other})
    text = CUTS[cut](around + secret + other[2:] + around, length)
    told = redact(text, secrets)
    assert [char for char in told if char in OTHERS] == [char for char in text if char in OTHERS]
    assert redact(told, secrets) == told


@given(st.text("ab.\\…", max_size=30), st.text("ab.\\…", min_size=SHORTEST, max_size=12))
def test_a_whole_secret_never_stands_after_all_marks_and_dots(text: str, secret: str) -> None:
    assert secret not in redact(text + secret + text, find_secrets({"API_TOKEN": secret}))


def seen(text: str) -> str:
    return redact(text, SECRETS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("quarzwal-0…", "***…"),
        ("is quarzwal-0123…' here", "is ***…' here"),
        ("quar…", "***…"),
        ("qua…", "qua…"),
        ("quarter…", "quarter…"),
        ("quarzwal-0 …", "quarzwal-0 …"),
        ("…abcdef", "…***"),
        ("…def", "…def"),
        ("…an undef", "…an undef"),
        ("…0123456789-…", "…***…"),
        ("…0123456789+…", "…0123456789+…"),
        ("LINE 1: ...zwal-0123456789-abcdef' AS a, 'quarzwal-0123...", "LINE 1: ...***' AS a, '***..."),
        ("quarzwal.…", "***.…"),
        ('"quarzwal\\u2026"', '"***\\u2026"'),
        (f"{TOKEN}{TOKEN[:9]}…", "******…"),
        (f"{TOKEN}…", "***…"),
    ],
)
def test_a_piece_is_hidden_only_where_it_was_cut(text: str, told: str) -> None:
    assert seen(text) == told


def test_dots_of_a_secret_are_told_from_those_of_a_mark() -> None:
    secrets = find_secrets({"API_TOKEN": "abc.defg..hijk"})
    assert [redact(text, secrets) for text in ("abc.…", "abc.defg.…", "abc....", "…..hijk")] == [
        "***…", "***.…", "***...", "…***",
    ]  # fmt: skip


def test_where_two_secrets_overlap_neither_is_left() -> None:
    secrets = find_secrets({"API_TOKEN": "abcd-efgh", "DB_PASSWORD": "efgh-ijkl", "MY_KEY": "abcd"})
    assert redact("x abcd-efgh-ijkl x abcd-ef… x", secrets) == "x *** x ***… x"


def test_a_text_is_as_long_as_was_asked_for() -> None:
    assert [shorten("abcdef", length) for length in (1, 3, 5, 6, 7)] == [CUT, "ab…", "abcd…", "abcdef", "abcdef"]
    assert [shorten_start("abcdef", length) for length in (1, 3, 6)] == [CUT, "…ef", "abcdef"]


def test_a_form_that_is_too_short_hides_nothing() -> None:
    assert redact("a bad abc", find_secrets({"API_TOKEN": "a \t b", "DB_PASSWORD": "ab\nc"})) == "a bad abc"


def test_a_path_is_told_without_what_says_nothing_in_it() -> None:
    secrets = find_secrets({"API_TOKEN": "ab//cd/./efgh"})
    assert redact(str(PurePosixPath("data/ab//cd/./efgh.csv")), secrets) == "data/***.csv"

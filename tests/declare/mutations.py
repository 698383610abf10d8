"""Manifests that nobody would write: sound ones changed at random, and trees of the schema's own words."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from manifest_texts import DECLARED, NOTES, NUMBERS, REMARKS, SELECTED, SOUND

# Of the house itself: the package that is tested may be an installed one.
ROOT = Path(__file__).parents[2]
PIECES = (
    "", " ", "\n", ":", "- ", "[", "]", "{", "}", "'", '"', "&a ", "*a", "!x ", "<<: ", "~",
    "null", "\t", "\0", "\x07",
    "${", "${X}", "${Y:-a}", "$${", "---\n", "..", "/", "../../x", "no", "010", "9" * 120, "1e999", "é", "\ufeff",
    "s3://", ":memory:", "package:", "?", "|\n", "%", '"\\0"', '"\\e"', "include: [manifest.yaml]\n", "0s", "-1",
    "\r", "\x85", "\u2028", "\u202e", "\U0001f986", "\ud800", "İ", "ß", "{x: y}", "[a, b]", "true", "1.5", "0x1F",
    "2026-01-01", "12:30:45", ".inf", "include: [more.yaml]\n", "include: ['*.yaml']\n", "${X:-${Y:-${Z}}}",
    "package:os/x", "data/*.csv", "data/**", "[" * 200, "{a: " * 200, "- " * 500, "x" * 100_000, "9" * 5_000,
    "${" * 2_000, "${X}" * 2_000, "a: [" * 50, "tag:a,tag:b", "+x+", "@y", "DECIMAL(38, 10)",
    "STRUCT(a INT, b MAP(VARCHAR, INT[]))",
    "INT NOT NULL", "1d", "--", "#",
)  # fmt: skip
# A value where another kind of value is expected.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**40, float("inf"), "", " ", "x", "é", "\u202e", "a" * 3_000, "../x", "/dev/zero",
    "${X}", "${", [], {}, [[]], [{}], {"": ""}, {"a": {"b": {"c": []}}}, ["a", "a"], [None], "select 1", "main.x",
    'x"y', "1h", "9999999h",
)  # fmt: skip


def sound_texts() -> tuple[str, ...]:
    """Manifests that load: those of the house, of the docs and of the tests."""
    files = [*sorted(ROOT.glob("manifests/*.yaml")), *sorted(ROOT.glob("docs/*/manifests/*.yaml"))]
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/manifest.md").read_text(encoding="utf-8"), re.DOTALL)
    said = [*(file.read_text(encoding="utf-8") for file in files), *(text for text in blocks if "version:" in text)]
    return (SOUND, DECLARED, DECLARED + SELECTED, WITHOUT_DBT, *said)


# What can be looked at whole without dbt: `plan` goes all the way.
WITHOUT_DBT = """\
version: 1
name: shop
database: ${PLACE:-build}/shop.duckdb
vars: {PLACE: build}
tiers: [seed, mart]
include: [more.yaml]
steps:
  census: {load: "data/*.csv", options: {delim: ",", header: true}}
  report: {sql: sql/report.sql, timeout: 1h30m, retries: 2, inputs: [data/rates.csv], reads: [notes], description: why}
  hazards: {python: "hazards:build", deterministic: false}
tables:
  census: {tier: seed, step: census, columns: {id: BIGINT}, expect: {min_rows: 1, unique: [id, [id, day]]}}
  report: {tier: mart, step: report, kind: view}
  hazards: {tier: mart, step: hazards, expect: {not_null: [id]}}
policy: {allow: [drops_column], allow_outside_paths: false}
environments:
  prod: {database: build/prod.duckdb, vars: {PLACE: other}, policy: {allow: ["drops_table:main.notes", rewrites_table]}}
"""
MORE = f"tables:\n{NOTES}{REMARKS}{NUMBERS}"
BESIDE: Mapping[str, str] = {
    "data/census.csv": "id,day\n1,2\n",
    "data/rates.csv": "id\n1\n",
    "sql/report.sql": "select id, body from notes\n",
    "hazards.py": "def build(connection, context):\n    pass\n",
    ".git/HEAD": "ref: refs/heads/main\n",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One project. manifest, more: what stands in `manifest.yaml` and in `more.yaml`."""

    manifest: bytes
    more: bytes = MORE.encode()
    environment: str | None = None

    def write(self, folder: Path) -> Path:
        (folder / "more.yaml").write_bytes(self.more)
        path = folder / "manifest.yaml"
        path.write_bytes(self.manifest)
        return path


def attempt_of(seed: int, number: int, texts: Sequence[str]) -> Attempt:
    """The same one for the same numbers."""
    chance = random.Random(f"{seed}/{number}")
    text, more = chance.choice(texts), MORE
    if chance.random() < 0.5:
        text = WITHOUT_DBT
    for _ in range(chance.choice((1, 1, 1, 1, 2, 3, 5))):
        if chance.random() < 0.1:
            more = chance.choice(CHANGES)(chance, more)
        else:
            text = chance.choice(CHANGES)(chance, text)
    environment = chance.choice((*[None] * 14, "prod", "prod", "nowhere"))
    return Attempt(_damaged(chance, text), more.encode("utf-8", "surrogatepass"), environment)


def _damaged(chance: random.Random, text: str) -> bytes:
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    fate = chance.random()
    if fate < 0.07 and data:
        for _ in range(chance.choice((1, 1, 2, 8))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif fate < 0.08:
        return text.encode("utf-16", "replace")
    elif fate < 0.10:
        return bytes(data[: chance.randrange(len(data) + 1)])
    return bytes(data)


def _splice(chance: random.Random, text: str) -> str:
    start, length = chance.randrange(len(text) + 1), chance.choice((0, 0, 1, 4, 12))
    return text[:start] + chance.choice(PIECES) + text[start + length :]


def _lines(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            lines[one], lines[other] = lines[other], lines[one]
        case 1:
            lines.insert(one, lines[other])
        case 2:
            del lines[one]
        case _:
            lines[one] = " " * chance.choice((1, 2, 4)) + lines[one]
    return "".join(lines)


def _word(chance: random.Random, text: str) -> str:
    """One word for another: a key that stands elsewhere, a name that leads nowhere."""
    words = list(re.finditer(r"[A-Za-z_]+", text))
    if not words:
        return text
    one = chance.choice(words)
    return text[: one.start()] + chance.choice(VOCABULARY) + text[one.end() :]


def _tree(chance: random.Random, text: str) -> str:
    """One value for another kind of value, or one key for another, in the tree."""
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    places = list(_places(tree))
    if not places:
        return text
    holder, key = chance.choice(places)
    if isinstance(holder, dict) and chance.random() < 0.4:
        holder[chance.choice(VOCABULARY)] = holder.pop(key)
    else:
        holder[key] = chance.choice(ODD)
    try:
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, ValueError):
        return text


def _rename(chance: random.Random, text: str) -> str:
    """One thing under another name wherever it stands: what comes of it is odd, and mostly sound."""
    old = chance.choice(list(RENAMES))
    new = json.dumps(chance.choice(RENAMES[old]), ensure_ascii=False)
    return re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w./-])", lambda _: new, text)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, dict | list):
        for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
            yield tree, key
            yield from _places(value)


_NAMES = (
    "İ", "ß", "main.x", "a b", "A" * 200, "select", "x;y", "\U0001f986", "x'y", "sql", "__dbt_tmp", "x__dbt_backup",
    "1", "-", "null",
)  # fmt: skip
RENAMES: Mapping[str, tuple[str, ...]] = {
    **{name: _NAMES for name in ("census", "report", "hazards", "notes", "seed", "mart", "id", "body", "day")},
    "BIGINT": (
        "DECIMAL(38,10)", "STRUCT(a INT, b MAP(VARCHAR, INT[]))", "ENUM('a', 'b')", "INT[3]", "HUGEINT", "TIMETZ", "x",
        "", "UNION(a INT, b VARCHAR)", "JSON", "VARCHAR(3)", "INT NOT NULL", "STRUCT(" * 300,
    ),
    "build": (".", "build/./x", "x" * 300, "a/" * 200 + "b", "é", "build/../build", "data", " "),
    "1h30m": ("0s", "99999999h", "1e300", "0.0001", "1m1h"),
    "2": ("0", "99999999999999999999", "-1", "1.5"),
    "sql/report.sql": ("sql/./report.sql", "data/census.csv", "manifest.yaml", "sql", "x" * 300, "sql/r*.sql"),
    "hazards:build": ("hazards:nothing", "os:system", "a.b.c:d", "hazards:build:x", "x" * 300 + ":y", "é:é"),
    "data/rates.csv": ("data/**", "data/[ab]*", "**", "data/\t", "package:yaml/*.py", "x" * 300, "data/{a,b}", "."),
}  # fmt: skip


def _words_of_the_schema() -> tuple[str, ...]:
    text = (ROOT / "provisioner/declare/manifest.schema.json").read_text(encoding="utf-8")
    words: set[str] = set()

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            words.update(node.get("properties", ()))
            words.update(word for word in node.get("enum", ()) if isinstance(word, str))
            for value in node.values():
                collect(value)
        elif isinstance(node, list):
            for value in node:
                collect(value)

    collect(json.loads(text))
    return (*sorted(words), "seed", "mart", "census", "report", "notes", "id", "x", "REPORT", "main", "_provisioner")


VOCABULARY = _words_of_the_schema()
CHANGES: tuple[Callable[[random.Random, str], str], ...] = (
    _splice, _lines, _word, _word, _tree, _tree, _rename, _rename, _rename, _rename,
)  # fmt: skip

_SCALARS = st.one_of(
    st.sampled_from([one for one in ODD if not isinstance(one, dict | list)]),
    st.sampled_from(VOCABULARY),
    st.text(max_size=12),
    st.integers(),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(VOCABULARY) | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
TREES = st.fixed_dictionaries(
    {"version": st.just(1) | _SCALARS, "name": st.just("shop") | _SCALARS, "database": st.just("x.duckdb") | _SCALARS},
    optional={
        **{key: _VALUES for key in ("tiers", "include", "vars", "policy", "dbt", "tables_from", "environments")},
        "steps": st.dictionaries(st.sampled_from(VOCABULARY), _VALUES, max_size=3) | _VALUES,
        "tables": st.dictionaries(st.sampled_from(VOCABULARY), _VALUES, max_size=3) | _VALUES,
    },
)


def written(tree: Any) -> bytes:
    """A tree as the YAML of a manifest."""
    return str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)).encode("utf-8", "surrogatepass")

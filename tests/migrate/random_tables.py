"""Random declarations of tables, each with rows and with what it becomes, alike enough that there is something to keep.

Every table has a column `rid`, which stays and tells its rows apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Entry = dict[str, Any]

# Types and literals of them; what fits into another type too, and what does not.
VALUES = {
    "TINYINT": ("0", "1", "-5", "127"),
    "INTEGER": ("0", "1", "-5", "300", "2147483647"),
    "BIGINT": ("1", "-5", "300", "9223372036854775807"),
    "HUGEINT": ("1", "170141183460469231731687303715884105727"),
    "UINTEGER": ("1", "4294967295"),
    "DECIMAL(10,2)": ("1.50", "-0.01", "12345678.90"),
    "DECIMAL(4,1)": ("1.5", "-999.9"),
    "DOUBLE": ("1.5", "'nan'::DOUBLE", "-0.0", "1e300"),
    "FLOAT": ("1.5", "0.1"),
    "VARCHAR": ("''", "'a'", "'A'", "'12'", "'it''s'", "'zwei\n\"Zeilen\" ü'", "'true'", "'2020-02-29'"),
    "BOOLEAN": ("true", "false"),
    "DATE": ("'2020-02-29'::DATE", "'1500-01-01'::DATE"),
    "TIMESTAMP": ("'2020-02-29 12:00:00.5'::TIMESTAMP", "'2020-02-29'::TIMESTAMP"),
    "TIMESTAMPTZ": ("'2020-02-29 12:00:00+00'::TIMESTAMPTZ",),
    "TIME": ("'12:30:00'::TIME",),
    "INTERVAL": ("'1 month 2 days'::INTERVAL",),
    "BLOB": (r"'\x00\xff'::BLOB", "''::BLOB"),
    "UUID": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID",),
    "ENUM('a', 'A', '12')": ("'a'", "'12'"),
    "ENUM('a', 'b')": ("'a'", "'b'"),
    "INTEGER[]": ("[]", "[1, NULL, 3]"),
    "BIGINT[]": ("[1]", "[9223372036854775807]"),
    "INTEGER[2]": ("[1, 2]::INTEGER[2]",),
    "STRUCT(x INTEGER, y VARCHAR)": ("{'x': 1, 'y': 'a'}", "{'x': NULL, 'y': ''}"),
    "STRUCT(x BIGINT, y VARCHAR, z DATE)": ("{'x': 1, 'y': 'a', 'z': NULL}",),
    "MAP(VARCHAR, INTEGER)": ("MAP {'a': 1}", "MAP {}"),
    'STRUCT(l INTEGER[], "o d" VARCHAR)[]': ("[{'l': [1], 'o d': 'x'}]", "[]"),
}
NAMES = ("a", "b", "C", "select", "Two Words", "ß", 'qu"ote', "a1")
# What an index or a key may be on in every version.
_PLAIN = ("TINYINT", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP")
_COMMENTS = st.sampled_from(("", "of no use", 'it\'s\n"odd"'))


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Pair:
    """before, after: entries of the manifest. rows: what stands in each column, as SQL. renamed: new name to old."""

    before: Entry
    after: Entry
    rows: list[dict[str, str]] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """A table as it was and as it is to be."""
    before = draw(_tables())
    rows = draw(st.lists(_rows(before), max_size=5))
    after, renamed = draw(_changed(before))
    return Pair(before, after, [{"rid": str(number), **row} for number, row in enumerate(rows)], renamed)


@st.composite
def _tables(draw: st.DrawFn) -> Entry:
    names = draw(st.lists(st.sampled_from(NAMES), unique_by=str.casefold, max_size=4))
    columns = {"rid": {"type": "BIGINT"}, **{name: draw(_columns()) for name in names}}
    return draw(_furnished(columns))


@st.composite
def _columns(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from(sorted(VALUES)))
    column: Entry = {"type": kind}
    if draw(st.booleans()):
        column["default"] = draw(st.sampled_from(VALUES[kind]))
    if draw(st.integers(0, 3)) == 0:
        column |= {"nullable": False, "backfill": draw(st.sampled_from(VALUES[kind]))}
    if kind == "VARCHAR" and draw(st.integers(0, 3)) == 0:
        column["collation"] = "NOCASE"
    if comment := draw(_COMMENTS):
        column["comment"] = comment
    return column


@st.composite
def _furnished(draw: st.DrawFn, columns: dict[str, Entry]) -> Entry:
    """With keys, checks, indexes, a generated column and a comment now and then."""
    names, table = list(columns), Entry(tier="one", columns=dict(columns))
    plain = [name for name in names if columns[name]["type"] in _PLAIN]
    if draw(st.booleans()):
        table["primary_key"] = ["rid"]
    if draw(st.integers(0, 3)) == 0:
        table["unique"] = [draw(st.lists(st.sampled_from(plain), unique=True, min_size=1, max_size=2))]
    if draw(st.integers(0, 2)) == 0:
        name = draw(st.sampled_from(names))
        checks = ("rid >= 0", f"{quote(name)} IS NOT NULL OR rid < 100", f"length({quote(name)}::VARCHAR) <> 2")
        table["check"] = [draw(st.sampled_from(checks))]
    if draw(st.integers(0, 2)) == 0:
        on = draw(st.lists(st.sampled_from(plain), unique=True, min_size=1, max_size=2))
        table["indexes"] = {draw(st.sampled_from(("by_some", "By Other"))): {"columns": on, "unique": "rid" in on}}
    if draw(st.integers(0, 3)) == 0:
        text = draw(st.sampled_from(("rid * 2", f"{quote(draw(st.sampled_from(names)))} IS NULL")))
        table["columns"]["made"] = {"type": "BIGINT" if text == "rid * 2" else "BOOLEAN", "generated": text}
    if comment := draw(_COMMENTS):
        table["comment"] = comment
    if draw(st.integers(0, 3)) == 0:
        table["strict_order"] = True
    return table


@st.composite
def _rows(draw: st.DrawFn, table: Entry) -> dict[str, str]:
    row = {}
    for name, column in table["columns"].items():
        if name != "rid" and "generated" not in column:
            values = VALUES[column["type"]]
            row[name] = draw(st.sampled_from(values if column.get("nullable") is False else (*values, "NULL")))
    return row


@st.composite
def _changed(draw: st.DrawFn, before: Entry) -> tuple[Entry, dict[str, str]]:
    """Each column stays, goes, gets another name, or is declared otherwise; others come; and then the order."""
    columns: dict[str, Entry] = {}
    renamed: dict[str, str] = {}
    free = [name for name in NAMES if name.casefold() not in map(str.casefold, before["columns"])]
    for name, column in before["columns"].items():
        if "generated" in column:
            continue
        fate = (
            "stays" if name == "rid" else draw(st.sampled_from(("stays", "stays", "goes", "renamed", "other", "typed")))
        )
        if fate in ("stays", "renamed", "typed"):
            kept = dict(column) if fate != "typed" else draw(_columns())
            if fate == "renamed" and free:
                old, name = name, free.pop(0)
                renamed[name] = old
                kept["renamed_from"] = old
            columns[name] = kept
        elif fate == "other":
            columns[name] = _other(draw, column)
    for name in free[: draw(st.integers(0, 2))]:
        columns[name] = draw(_columns())
    names = draw(st.permutations(list(columns))) if draw(st.booleans()) else list(columns)
    if draw(st.integers(0, 2)) == 0:
        same = {key: value for key, value in before.items() if key != "columns"}
        if not {"unique", "check", "indexes"} & set(same):
            return {**same, "columns": {name: columns[name] for name in names}}, renamed
    return draw(_furnished({name: columns[name] for name in names})), renamed


def _other(draw: st.DrawFn, column: Entry) -> Entry:
    """The same type, with another default, nullability, collation and comment."""
    found, values = dict(column), VALUES[column["type"]]
    for key, value in (("default", draw(st.sampled_from(values))), ("comment", "another")):
        if key in found and draw(st.booleans()):
            del found[key]
        elif draw(st.booleans()):
            found[key] = value
    if found.pop("backfill", None) is not None:
        found.pop("nullable")
    elif draw(st.booleans()):
        found |= {"nullable": False}
        if draw(st.booleans()):
            found["backfill"] = draw(st.sampled_from(values))
    return found

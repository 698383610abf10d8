"""Random tables that refer to each other, with what reads them, and what they become.

A family is a parent, its children, a declared view over them and a view of the user. Every table has a column `rid`,
which stays and tells its rows apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Entry = dict[str, Any]

_WIDER = {"INTEGER": "BIGINT", "BIGINT": "VARCHAR", "VARCHAR": "VARCHAR", "DATE": "TIMESTAMP"}
_VALUES = {
    "INTEGER": ("1", "2", "NULL"),
    "BIGINT": ("1", "-9223372036854775807", "NULL"),
    "VARCHAR": ("'a'", "''", "NULL"),
    "DATE": ("'2020-02-29'::DATE", "NULL"),
}
_COMMENTS = st.sampled_from(("", "", 'it\'s\n"odd"'))


@dataclass
class Family:
    """before, after: entries of the manifest by name. was: what each table that is left was called before, and its
    columns likewise. rows: what is put into each table, in the order of references.
    """

    before: dict[str, Entry]
    after: dict[str, Entry]
    was: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)


@st.composite
def families(draw: st.DrawFn) -> Family:
    """A family as it was and as it is to be."""
    key = draw(st.sampled_from(("INTEGER", "BIGINT")))
    members = ["parent", "child", *draw(st.sampled_from(((), ("other",), ("grandchild",))))]
    before = {name: draw(_members(name, key)) for name in members}
    rows = {name: draw(_rows(entry)) for name, entry in before.items()}
    family = Family(before, {}, rows=rows)
    wider = draw(st.integers(0, 3)) == 0
    for name, entry in before.items():
        draw(_grown(family, name, entry, wider))
    _follow(family)
    for tables in (family.before, family.after):
        called = next(name for name in tables if family.was.get(name, (name,))[0] == "parent")
        tables["shown"] = {"tier": "two", "sql": f"SELECT rid, count(*) AS n FROM {{schema}}.{called} GROUP BY rid"}
    return family


@st.composite
def _members(draw: st.DrawFn, name: str, key: str) -> Entry:
    columns: dict[str, Entry] = {"rid": {"type": key, "nullable": False}}
    for column in draw(st.lists(st.sampled_from(("a", "b", "Two Words")), unique=True, max_size=3)):
        columns[column] = {"type": draw(st.sampled_from(sorted(_VALUES)))}
        if comment := draw(_COMMENTS):
            columns[column]["comment"] = comment
    table: Entry = {"tier": "one", "columns": columns, "primary_key": ["rid"]}
    refers = {"parent": "parent" if draw(st.integers(0, 4)) == 0 else "", "grandchild": "child"}.get(name, "parent")
    if refers:
        columns["up"] = {"type": key}
        table["foreign_keys"] = [{"columns": ["up"], "references": {"table": refers, "columns": ["rid"]}}]
    if name == "child" and draw(st.booleans()):
        columns["number"] = {"type": "BIGINT", "default": "nextval('{schema}.numbers')"}
    table |= draw(_rules(name, columns))
    return table


@st.composite
def _rules(draw: st.DrawFn, name: str, columns: dict[str, Entry]) -> Entry:
    """A comment, a check and indexes, now and then."""
    found: Entry = {}
    free = [column for column in columns if column not in ("rid", "up", "number")]
    if free and draw(st.booleans()):
        index = draw(st.sampled_from((f"{name}_by_one", f"{name} by Other")))
        found["indexes"] = {index: {"columns": [draw(st.sampled_from(free))]}}
    if free and draw(st.integers(0, 2)) == 0:
        rule = f"\"{draw(st.sampled_from(free))}\" IS NULL OR CAST(rid AS VARCHAR) <> '100'"
        found["check"] = [rule]
    if comment := draw(_COMMENTS):
        found["comment"] = comment
    return found


@st.composite
def _rows(draw: st.DrawFn, entry: Entry) -> list[str]:
    """What stands behind INSERT INTO a table. Of what it refers to, rows 1 to 3 may be there."""
    names = [name for name in entry["columns"] if name != "number"]
    found = []
    for rid in range(1, draw(st.integers(0, 3)) + 1):
        values = {"rid": str(rid), "up": draw(st.sampled_from(("1", "2", "NULL")))}
        for name in names:
            if name not in values:
                values[name] = draw(st.sampled_from(_VALUES[entry["columns"][name]["type"]]))
        listed = ", ".join(f'"{name}"' for name in names)
        found.append(f"({listed}) VALUES ({', '.join(values[name] for name in names)})")
    return found


@st.composite
def _grown(draw: st.DrawFn, family: Family, name: str, entry: Entry, wider: bool) -> None:
    """Into the family as it is to be: the table, under its name or another, with its columns changed; or nothing."""
    if name in ("other", "grandchild") and draw(st.integers(0, 4)) == 0:
        return
    called = f"{name}_now" if draw(st.integers(0, 3)) == 0 else name
    after, columns, names = {**entry, "columns": {}}, entry["columns"], dict[str, str]()
    for column, had in columns.items():
        has, new = dict(had), column
        if column in ("rid", "up"):
            has["type"] = _WIDER[had["type"]] if wider else had["type"]
        elif column != "number":
            fate = draw(st.sampled_from(("stays", "stays", "goes", "renamed", "wider", "default", "comment")))
            if fate == "goes":
                continue
            if fate == "renamed":
                new, has["renamed_from"] = f"{column} now", column
            has |= {
                "wider": {"type": _WIDER[had["type"]]},
                "default": {"default": _VALUES[had["type"]][0]},
                "comment": {"comment": "another"},
            }.get(fate, {})
        after["columns"][new] = has
        names[new] = column
    if draw(st.integers(0, 2)) == 0:
        after["columns"]["more"] = {"type": "INTEGER", **draw(st.sampled_from(({}, {"default": "7"})))}
    for rule in ("indexes", "check", "comment"):
        after.pop(rule, None)
    after |= draw(_rules(name, after["columns"]))
    if called != name:
        after["renamed_from"] = name
    if "foreign_keys" in after and draw(st.integers(0, 5)) == 0:
        del after["foreign_keys"]
    family.after[called] = after
    family.was[called] = (name, names)


def _follow(family: Family) -> None:
    """References under the new names; what refers to a table that nobody declares any more refers to it no more."""
    now = {old: new for new, (old, _) in family.was.items()}
    for entry in family.after.values():
        for key in entry.get("foreign_keys", ()):
            entry["foreign_keys"] = [
                {**key, "references": {**key["references"], "table": now[key["references"]["table"]]}}
            ]

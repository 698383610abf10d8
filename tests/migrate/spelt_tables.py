"""The tables of spellings as entries of one manifest, a table for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import spellings
import yaml

Entry = dict[str, Any]
SEQUENCES = ("ids", "Odd", "other.far", "other.Far x")


def _columns(text: str) -> Entry:
    """`a INT, "G h" STRUCT(…)` as columns of a manifest."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({text})")
        return {name: kind for name, kind, *_ in connection.execute("DESCRIBE t").fetchall()}


def entries() -> Iterator[tuple[str, str, Entry]]:
    for text in spellings.TYPES:
        yield "type", text, {"columns": {"x": text}}
    for kind, texts in spellings.DEFAULTS.items():
        for text in texts:
            yield "default", f"{kind}: {text}", {"columns": {"x": {"type": kind, "default": text}}}
    base = _columns(spellings.CHECKED)
    for text in spellings.CHECKS:
        yield "check", text, {"columns": base, "check": [text]}
    for text in spellings.CHECKS:
        if "a" in text: pass
    import duckdb
    with duckdb.connect() as c:
        c.execute(f"CREATE TABLE t ({spellings.CHECKED})")
        for text in spellings.GENERATED:
            try:
                (kind,) = c.execute(f"SELECT typeof(({text}\n)) FROM (SELECT 1) LEFT JOIN t ON true").fetchone()
            except duckdb.Error as e:
                print("GEN", text, e); continue
            yield "generated", text, {"columns": {**base, "x": {"type": kind, "generated": text}}}
            if kind == "INTEGER":
                yield "generated wider", text, {"columns": {**base, "x": {"type": "BIGINT", "generated": text}}}
            yield "generated text", text, {"columns": {**base, "x": {"type": "VARCHAR", "generated": text}}}
    for text in spellings.COLLATIONS:
        yield "collation", text, {"columns": {"x": {"type": "VARCHAR", "collation": text}}}
        yield "collation+", text, {"columns": {"x": {"type": "VARCHAR", "collation": text, "default": "'x'", "nullable": False}}, "unique": ["x"]}
    for text in spellings.COMMENTS:
        yield "comment", text, {"columns": {"x": {"type": "VARCHAR", "comment": text}}, "comment": text}
    for name, on in spellings.INDEXES.items():
        yield "index", name, {"columns": base, "indexes": {f"i {name}": on}}
        yield "index unique", name, {"columns": base, "indexes": {f"u {name}": {"columns": on, "unique": True}}}
    for text in spellings.VIEWS:
        yield "view", text, {"sql": text}

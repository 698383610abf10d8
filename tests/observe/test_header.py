"""The counters in the head tell whether a database changed, without DuckDB."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.observe.database import opened
from provisioner.observe.header import LENGTH, counters, read_start


@pytest.mark.parametrize(
    ("sql", "changes"),
    [
        ("SELECT count(*) FROM t", False),
        ("INSERT INTO t VALUES (1)", True),
        ("UPDATE t SET i = 7 WHERE i = 3", True),
        ("CREATE TABLE u (a INTEGER)", True),
    ],
)
def test_the_counters_change_with_every_write_and_never_with_a_read(database: Path, sql: str, changes: bool) -> None:
    before = counters(read_start(database))
    with opened(database, read_only=not changes) as connection:
        connection.execute(sql).fetchall()
    after = counters(read_start(database))
    assert before is not None and after is not None
    assert (before != after) == changes


@pytest.mark.parametrize("start", [b"", b"DUCK", bytes(LENGTH), b"a,b\n1,2\n"])
def test_other_bytes_have_no_counters(start: bytes) -> None:
    assert counters(start) is None

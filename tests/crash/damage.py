"""Databases to be damaged, the ways to damage them, and what every command says then."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import sqlite3
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from forked import Forked, answer

import provisioner
from provisioner import cli
from provisioner.declare.values import TableName
from provisioner.errors import ProvisionError
from provisioner.execute.events import UnitFinished
from provisioner.execute.stamps import create_records, withdraw
from provisioner.observe.values import Mark

MANIFEST = """\
version: 1
name: shop
database: build/shop.duckdb
tiers: [one]
steps:
  numbers: {sql: numbers.sql}
tables:
  notes:
    tier: one
    columns: {id: {type: BIGINT, nullable: false}, body: {type: VARCHAR, default: "'new'"}}
    primary_key: [id]
  numbers: {tier: one, step: numbers, expect: {unique: [id], min_rows: 1}}
"""
NUMBERS = "create table numbers as select range as id, range::varchar || 'x' as word from range(5_000)"
# The last one carries out what the others only look at.
WORDS = (("plan",), ("plan", "--no-cache"), ("check",), ("history",), ("ensure",), ("apply", "--lock-timeout", "0"))
_BITS = 0xBF58476D1CE4E5B9


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said. code: its exit code. error: the error's code, empty without one."""

    words: str
    code: int
    error: str
    text: str


@dataclass(frozen=True, slots=True)
class Shop:
    """A project with a database of two tables, one of them its users'."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "provision.yaml"

    @property
    def database(self) -> Path:
        return self.folder / "build" / "shop.duckdb"

    @property
    def wal(self) -> Path:
        return self.folder / "build" / "shop.duckdb.wal"

    def write(self) -> Shop:
        """Its files, and no database."""
        self.database.parent.mkdir(parents=True)
        self.manifest.write_text(MANIFEST, encoding="utf-8")
        (self.folder / "numbers.sql").write_text(NUMBERS, encoding="utf-8")
        return self

    def fingerprint(self) -> dict[str, str]:
        """A digest of every file that is the database's or a WAL's."""
        files = sorted(path for path in self.database.parent.iterdir() if _counts(path.name))
        return {path.name: hashlib.blake2b(path.read_bytes()).hexdigest() for path in files if path.is_file()}

    def rows(self) -> dict[str, list[Any]]:
        """What is in its tables; asked in a child, so that this process opens no database."""
        rows: dict[str, list[Any]] = answer(self._rows, self.folder / "rows")
        return rows

    def _rows(self) -> dict[str, list[Any]]:
        with duckdb.connect(str(self.database)) as connection:
            query = {"notes": "FROM notes ORDER BY ALL", "numbers": "SELECT count(*), sum(id), max(word) FROM numbers"}
            return {name: connection.execute(text).fetchall() for name, text in query.items()}

    def say(self, words: Iterable[Sequence[str]] = WORDS) -> list[Said]:
        """What the commands say, one after the other in one child. AssertionError when the child dies of it."""
        said: list[Said] = answer(lambda: [_say(self.manifest, one) for one in words], self.folder / "said")
        return said


def _counts(name: str) -> bool:
    return name.startswith("shop.duckdb") and not name.endswith((".lock", ".guard", ".journal", ".holder"))


def _say(manifest: Path, words: Sequence[str]) -> Said:
    name = " ".join(words)
    if name == "ensure":
        try:
            provisioner.ensure(manifest, timeout=0)
        except ProvisionError as error:
            return Said(name, error.exit_code, error.code, str(error))
        return Said(name, 0, "", "")
    import sys

    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["provision", *words, "--format", "json", "--manifest", str(manifest)]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    error = (json.loads(out.getvalue()).get("error") or {}).get("code", "") if out.getvalue() else "silent"
    return Said(name, code, error, out.getvalue() + err.getvalue())


def leave_wal(
    shop: Shop, *transactions: str, before: Callable[[duckdb.DuckDBPyConnection], object] | None = None
) -> None:
    """Let another process write to the database and be killed, so that its work is in a WAL. before: in each one."""

    def work() -> int:
        connection = duckdb.connect(str(shop.database))
        for statements in transactions:
            connection.execute("BEGIN")
            if before is not None:
                before(connection)
            connection.execute(statements)
            connection.execute("COMMIT")
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    ended = Forked(work, shop.folder / "writer").go().wait()
    assert ended.killed, ended


def mark_as_ours(connection: duckdb.DuckDBPyConnection) -> None:
    """What every transaction of provision's does."""
    create_records(connection)
    withdraw(connection, [Mark(TableName("main", "elsewhere"), "elsewhere", "a-run", True)])


def leave_our_wal(shop: Shop, after: int) -> None:
    """Let an apply die when so many of its units are done: all of their work is in the WAL."""

    def work() -> int:
        done = []

        def listen(event: object) -> None:
            if isinstance(event, UnitFinished):
                done.append(event)
            if len(done) == after:
                os.kill(os.getpid(), signal.SIGKILL)

        provisioner.apply(shop.manifest, on_event=listen)
        return 0

    ended = Forked(work, shop.folder / "writer").go().wait()
    assert ended.killed, ended


def flip(path: Path, at: int, bit: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ (1 << bit)]))


def checksum(block: bytes) -> int:
    """Of a head, as DuckDB computes it of words of eight bytes."""
    total = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        total ^= (word * _BITS) & (2**64 - 1)
    return total


def rewrite_head(path: Path, block: int, at: int, value: int) -> None:
    """Give one of the three heads another u64, with the checksum that belongs to it."""
    body = bytearray(path.read_bytes())
    start = block * 4096
    body[start + at : start + at + 8] = struct.pack("<Q", value)
    body[start : start + 8] = struct.pack("<Q", checksum(bytes(body[start + 8 : start + 4096])))
    path.write_bytes(body)


def write_sqlite(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER)")
        connection.commit()


def write_parquet(path: Path) -> None:
    duckdb.execute(f"COPY (SELECT range AS id FROM range(10000)) TO '{path}' (FORMAT parquet)")

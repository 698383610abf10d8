"""`provision import` on the command line, and its twin in the library."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import warm
from making import Made

import provisioner
from provisioner.errors import EXIT_BUSY, EXIT_DONE, EXIT_FAILED, EXIT_USAGE

SHOP = """CREATE SCHEMA raw; CREATE TABLE customers (id BIGINT PRIMARY KEY); CREATE SEQUENCE ids;
    CREATE SEQUENCE others;
    CREATE TABLE orders (id BIGINT DEFAULT nextval('ids'), customer BIGINT REFERENCES customers (id));
    CREATE TABLE raw."a,b" (x INTEGER); CREATE VIEW totals AS SELECT customer, count(*) AS n FROM orders GROUP BY ALL;
    CREATE MACRO twice(x) AS 2 * x"""
HOLD = """import duckdb, sys
connection = duckdb.connect("live.duckdb")
connection.execute("SET wal_autocheckpoint = '1GB'; CREATE TABLE late (a INTEGER)")
print("held", flush=True)
sys.stdin.read()
"""


def provision(*words: str) -> subprocess.CompletedProcess[str]:
    return warm.run("-m", "provisioner", "import", *words, timeout=60)


def tables_in(text: str) -> list[str]:
    Path("found.yaml").write_text(text, encoding="utf-8")
    return [str(table.name) for table in provisioner.load_manifest("found.yaml").tables]


def test_the_manifest_is_all_that_goes_to_stdout(made: Made) -> None:
    done = provision("--database", str(made(SHOP)))
    assert done.returncode == EXIT_DONE
    assert done.stdout == provisioner.import_database("live.duckdb")
    assert done.stdout.startswith("version: 1\nname: live\ndatabase: live.duckdb\ntiers: [tables, views]\n")
    assert done.stderr == "left out: macro twice\n"
    assert provision("--database", "live.duckdb", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--tables", "customers"], ["customers"]),
        (["--tables", "CUSTOMERS, totals"], ["customers", "totals"]),
        (["--tables", "customers", "--tables", "totals"], ["customers", "totals"]),
        (["--tables", "orders"], ["customers", "orders"]),
        (["--tables", 'raw."a,b",customers'], ["customers", "raw.a,b"]),
        ([], ["customers", "orders", "totals", "raw.a,b"]),
    ],
)
def test_tables_are_picked_with_what_they_refer_to(words: list[str], expected: list[str], made: Made) -> None:
    text = provision("--database", str(made(SHOP)), *words).stdout
    assert tables_in(text) == expected
    assert ("\n  ids: {}" in text) == ("orders" in expected)
    assert ("\n  others: {}" in text) == (words == [])


def test_the_library_picks_by_the_same_names(made: Made) -> None:
    text = provisioner.import_database(made(SHOP), tables=["orders"])
    assert tables_in(text) == ["customers", "orders"]
    with pytest.raises(provisioner.UsageError, match="Did you mean orders"):
        provisioner.import_database("live.duckdb", tables=["ordres"])


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ([], EXIT_USAGE, "Missing option '--database'"),
        (["--database", "nowhere.duckdb"], EXIT_FAILED, "is not there, or is empty"),
        (["--database", "empty.duckdb"], EXIT_FAILED, "is not there, or is empty"),
        (["--database", "text.duckdb"], EXIT_FAILED, "is a text file, not a DuckDB database"),
        (["--database", "md:shop"], EXIT_FAILED, "is an address"),
        (["--database", "."], EXIT_FAILED, "is an address or no name at all"),
        (["--database", "live.duckdb", "--tables", "ordres"], EXIT_USAGE, "Did you mean orders?"),
        (["--database", "live.duckdb", "--tables", "a.b.c"], EXIT_USAGE, "expected name or schema.name"),
    ],
)
def test_what_cannot_be_imported_is_said(words: list[str], status: int, told: str, made: Made) -> None:
    made(SHOP)
    Path("empty.duckdb").touch()
    Path("text.duckdb").write_text("some words\n" * 2000)
    done = provision(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr and "Traceback" not in done.stderr


def test_a_database_that_is_held_is_busy_and_one_left_by_a_dead_program_is_read(made: Made) -> None:
    made(SHOP)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        busy = provision("--database", "live.duckdb")
        os.kill(holder.pid, signal.SIGKILL)
    assert (busy.returncode, busy.stdout) == (EXIT_BUSY, "")
    assert "late" in tables_in(provision("--database", "live.duckdb").stdout)


def test_the_database_is_not_written(made: Made) -> None:
    path = made(SHOP)
    before = path.read_bytes(), sorted(os.listdir())
    provision("--database", str(path))
    assert (path.read_bytes(), sorted(os.listdir())) == before


def test_the_manifest_makes_a_copy_of_the_structure(made: Made) -> None:
    """In another folder, where nothing is yet."""
    text = provisioner.import_database(made(SHOP + "; COMMENT ON TABLE customers IS 'ours'"))
    Path("copy").mkdir()
    Path("copy/live.yaml").write_text(text, encoding="utf-8")
    provisioner.apply("copy/live.yaml")
    assert provisioner.plan("copy/live.yaml", cache=False).converged
    with duckdb.connect("copy/live.duckdb") as connection:
        connection.execute("INSERT INTO customers VALUES (1); INSERT INTO orders (customer) VALUES (1)")
        assert connection.execute("SELECT * FROM totals").fetchall() == [(1, 1)]
        assert connection.execute("SELECT id FROM orders").fetchall() == [(1,)]

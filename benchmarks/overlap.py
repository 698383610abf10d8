"""Would it pay to run independent load steps at the same time, in threads on cursors of one connection?

    python benchmarks/overlap.py [RUNS]

Each load is a transaction of its own, as in an apply. `x` is the median one after the other over the median at once.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb

WORK = {"20 loads of 1,000 rows": (20, 1_000), "4 loads of 500,000 rows": (4, 500_000)}
ROW = "i AS id, 'name ' || i AS name, i % 97 AS part, (i * 1.37)::DECIMAL(12,2) AS amount, DATE '2020-01-01' AS day"


def load(connection: duckdb.DuckDBPyConnection, number: int, folder: Path) -> None:
    with connection.cursor() as own:
        own.execute("BEGIN")
        own.execute(f"CREATE TABLE t{number} AS FROM read_csv(?)", [str(folder / f"{number}.csv")])
        own.execute("COMMIT")


@contextmanager
def emptied(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / "fresh.duckdb")) as connection:
        yield connection
    (folder / "fresh.duckdb").unlink()


def seconds(folder: Path, loads: int, threads: int) -> float:
    with emptied(folder) as connection, ThreadPoolExecutor(threads) as pool:
        begun = time.monotonic()
        list(pool.map(lambda number: load(connection, number, folder), range(loads)))
        return time.monotonic() - begun


def measure(name: str, loads: int, rows: int, runs: int) -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for number in range(loads):
            duckdb.execute(f"COPY (SELECT {ROW} FROM range({rows}) r(i)) TO '{folder / f'{number}.csv'}'")
        found: dict[int, list[float]] = {1: [], 4: []}
        for _ in range(runs):
            for threads, taken in found.items():
                taken.append(seconds(folder, loads, threads))
    alone, at_once = (statistics.median(taken) for taken in found.values())
    print(f"{name:<24} one after the other {alone:6.2f} s   at once {at_once:6.2f} s   {alone / at_once:4.2f} x")


if __name__ == "__main__":
    for name, (loads, rows) in WORK.items():
        measure(name, loads, rows, int(sys.argv[1]) if len(sys.argv) > 1 else 7)

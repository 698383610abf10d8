"""Database files to look at."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pytest

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "ro")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with one table `t` of 10,000 rows."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS i FROM range(10_000)")
    return path


@contextmanager
def _held(path: Path, *, read_only: bool) -> Iterator[int]:
    command = [sys.executable, "-c", HOLDER, str(path), "ro" if read_only else "rw"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.stdin.close()


@pytest.fixture
def held_elsewhere() -> Callable[..., AbstractContextManager[int]]:
    """`with held_elsewhere(path, read_only=...) as pid`: a real other process has the database open."""
    return _held

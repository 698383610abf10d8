"""Small projects: a manifest and its files in a folder, provisioned for real."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import warm
import yaml

import provisioner
from provisioner import Event, Plan, ProvisionError, Run
from provisioner.execute.events import UnitFinished

ROOT = Path(provisioner.__file__).parent.parent
PATIENCE = 60.0
"""Seconds after which a process that should have said or done something counts as hung."""

# Runs for ever while the users' table `pace` has a row, and answers 0 at once while it is empty.
ENDLESS = "(SELECT count(*) FROM pace, range(pace.n) b, range(10000000) a WHERE a.range * b.range < 0)"
PACE: Mapping[str, Any] = {"tier": "one", "columns": {"n": "BIGINT"}}
HOLD, LET_GO = "INSERT INTO pace VALUES (100000)", "DELETE FROM pace"

# A python step that is under way from `begun` on, and waits as long as there is a file `wait`.
WAITING = """
import time
def build(connection, context):
    connection.execute(f"CREATE TABLE {context.tables[0]} AS SELECT 7 AS x")
    (context.folder / "begun").touch()
    while (context.folder / "wait").exists():
        REST
"""
SLEEPING, BUSY = WAITING.replace("REST", "time.sleep(0.01)"), WAITING.replace("REST", "pass")


@dataclass
class Project:
    """folder: the manifest's. manifest: what it says, to be changed and then written with `declare`."""

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / "provision.yaml"

    @property
    def database(self) -> Path:
        return self.folder / str(self.manifest["database"])

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def declare(self, **keys: Any) -> None:
        """Write the manifest, with these keys replaced."""
        self.manifest |= keys
        self.write("provision.yaml", yaml.safe_dump(self.manifest, sort_keys=False, allow_unicode=True))

    def plan(self, **wishes: Any) -> Plan:
        return provisioner.plan(self.path, **wishes)

    def apply(self, **wishes: Any) -> Run:
        return provisioner.apply(self.path, **wishes)

    def refused(self, **wishes: Any) -> ProvisionError:
        """The error with which apply ends."""
        try:
            run = self.apply(**wishes)
        except ProvisionError as error:
            return error
        raise AssertionError(f"apply ended well: {run}")

    def sql(self, *statements: str) -> None:
        """What a user does to the database."""
        self.database.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(self.database)) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def contents(self) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
        """Every relation of the users: its columns with their types, and its rows in any order, of many a digest."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            found = connection.execute(
                "SELECT table_type, table_schema, table_name FROM information_schema.tables"
                " WHERE table_schema <> '_provisioner'"
            ).fetchall()
            return {
                f"{kind} {schema}.{name}": (
                    [f"{row[0]} {row[1]}" for row in connection.execute(f'DESCRIBE "{schema}"."{name}"').fetchall()],
                    _rows(connection, f'"{schema}"."{name}"'),
                )
                for kind, schema, name in found
            }

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Every file of the folder, with its bytes and when it was last written."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def command(self, *words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """`provision` with these words, in the project's folder, run to its end."""
        process = self.start(*words, cwd=cwd, **variables)
        out, err = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, *words: str, cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        return warm.Python(
            "-m", "provisioner", *words, cwd=cwd or self.folder, env={**os.environ, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


def _rows(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    rows = connection.execute(f"FROM {name} LIMIT 1000").fetchall()
    if len(rows) < 1000:
        return sorted(rows, key=repr)
    return connection.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {name} t").fetchall()


def make(
    folder: Path,
    steps: Mapping[str, Any],
    tables: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
    **keys: Any,
) -> Project:
    """A project with the tiers one, two and three, its manifest written."""
    folder.mkdir(parents=True, exist_ok=True)
    project = Project(folder)
    for name, text in (files or {}).items():
        project.write(name, text)
    project.declare(
        **{"version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one", "two", "three"]},
        steps=dict(steps), tables=dict(tables), **keys,
    )  # fmt: skip
    return project


def shop(folder: Path) -> Project:
    """Sales loaded from a CSV, doubled in a table, shown in a view, counted by a script; and the users' own notes."""
    return make(
        folder,
        {
            "sales": {"load": "sales.csv"},
            "doubled": {"sql": "doubled.sql"},
            "shown": {"sql": "shown.sql"},
            "counts": {"sql": "counts.sql"},
        },
        {
            "sales": {
                "tier": "one", "step": "sales", "columns": {"id": "INTEGER", "v": "BIGINT"}, "expect": {"min_rows": 3},
            },
            "doubled": {"tier": "two", "step": "doubled", "columns": {"id": "INTEGER", "v": "HUGEINT"}},
            "shown": {"tier": "two", "step": "shown", "kind": "view"},
            "counted": {"tier": "three", "step": "counts"},
            "summed": {"tier": "three", "step": "counts"},
            "notes": {
                "tier": "one",
                "columns": {
                    "id": {"type": "BIGINT", "nullable": False},
                    "body": {"type": "VARCHAR", "default": "'new'"},
                },
                "primary_key": ["id"],
            },
        },
        {
            "sales.csv": "id,v\n1,10\n2,20\n3,30\n",
            "doubled.sql": "SELECT id, v::HUGEINT * 2 AS v FROM sales\n",
            "shown.sql": "SELECT id, v FROM sales WHERE v > 10\n",
            "counts.sql": (
                "CREATE TABLE counted AS SELECT count(*) AS n FROM doubled;\n"
                "CREATE TABLE summed AS SELECT sum(v) AS total FROM shown;\n"
            ),
        },
    )  # fmt: skip


def slow(folder: Path, **step: Any) -> Project:
    """A quick table, a step `slow` of this kind, and a table that reads what it makes.

    slow.sql is endless while `pace` has a row (HOLD); sleeping:build and busy:build while there is a file `wait`.
    """
    return make(
        folder,
        {"quick": {"sql": "quick.sql"}, "slow": step, "after": {"sql": "after.sql"}},
        {
            "pace": PACE,
            "quick": {"tier": "one", "step": "quick"},
            "slow": {"tier": "two", "step": "slow"},
            "after": {"tier": "three", "step": "after"},
        },
        {
            "quick.sql": "SELECT 1 AS x",
            "slow.sql": f"SELECT 7 AS x, {ENDLESS} AS n", "after.sql": "SELECT x FROM slow",
            "sleeping.py": SLEEPING, "busy.py": BUSY,
        },
    )  # fmt: skip


ALL = {"sales", "doubled", "shown", "counts", "table:notes"}
"""The units of `shop`."""


def planned(plan: Plan) -> dict[str, set[str]]:
    """The units of a plan, with the reasons of each; an orphan goes by its own name."""
    return {
        action.unit or str(action.tables[0]): {str(one.reason) for one in action.reasons} for action in plan.actions
    }


def ran(run: Run) -> dict[str, str]:
    """How each unit of a run ended."""
    return {result.unit: str(result.outcome) for result in run.units}


def outcomes(seen: Iterable[Event]) -> dict[str, str]:
    """How each unit ended, by the events that a run told."""
    return {one.unit: str(one.outcome) for one in seen if isinstance(one, UnitFinished)}


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Until the condition holds; fails when it never does, or when the process ends before."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode} before: {process.communicate()}")
        if time.monotonic() > end:
            raise AssertionError("it never came to that")
        time.sleep(0.01)


def wait_for_line(process: subprocess.Popen[str], *words: str) -> str:
    """The next line on the process's stderr that holds all these words."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if all(word in line for word in words):
            return line
    raise AssertionError(f"it never said {words}, but: {''.join(seen)}")

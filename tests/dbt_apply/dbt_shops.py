"""A shop: a manifest, its dbt project and its database in one folder, and what can be asked of them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import warm

import provisioner
from provisioner import Plan, Run
from provisioner.report.words import short

PROJECT = {
    "dbt/dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nvars: {year: 2025}\n",
    "dbt/profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: own.duckdb, threads: 1}\n",
}
# Takes minutes when there is a row in the seed `pace` for who asks, and no time when there is none.
SLOW = (
    "select coalesce(sum(a.range * b.range), 0)::double as s from {{{{ ref('pace') }}}} p, "
    "range(10000000) a, range(100000) b where p.who = '{who}'"
)
AFTER = "-- depends_on: {{{{ ref('{}') }}}}\n"
Rows = list[tuple[Any, ...]]


def table(materialized: str, sql: str, **settings: str) -> str:
    """The text of a dbt model."""
    told = "".join(f", {name}={value}" for name, value in settings.items())
    return f"{{{{ config(materialized='{materialized}'{told}) }}}}\n{sql}\n"


@dataclass
class Shop:
    """folder: of the manifest `shop.yaml`. stem: of the database `build/<stem>.duckdb`. body: of the manifest."""

    folder: Path
    body: dict[str, Any]
    stem: str = "shop"
    given: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        self.write(PROJECT)
        self.declare()

    @property
    def manifest(self) -> Path:
        return self.folder / "shop.yaml"

    @property
    def database(self) -> Path:
        return self.folder / "build" / f"{self.stem}.duckdb"

    def write(self, files: Mapping[str, str | None]) -> None:
        """Make each file, or with None remove it."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        self.given = frozenset(_files(self.folder / "dbt"))

    def declare(self, **changes: Any) -> None:
        """Write the manifest anew, with these keys changed."""
        self.body |= changes
        base = {"version": 1, "name": "shop", "database": f"build/{self.stem}.duckdb", "dbt": {"project_dir": "dbt"}}
        self.write({"shop.yaml": json.dumps(base | self.body, indent=2, ensure_ascii=False)})  # JSON is YAML

    def plan(self, **wishes: Any) -> Plan:
        return provisioner.plan(self.manifest, **wishes)

    def due(self, **wishes: Any) -> dict[str, str]:
        """For each unit of the plan, and each orphan, its reasons."""
        return due(self.plan(**wishes))

    def apply(self, **wishes: Any) -> Run:
        return provisioner.apply(self.manifest, **wishes)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`provision apply`, with its log as JSON on stderr and its result as JSON on stdout."""
        command = ["provisioner", "apply", "-m", str(self.manifest), "--format", "json", "--log-format", "json", *words]
        pipe = subprocess.PIPE
        return warm.Python("-m", *command, stdout=pipe, stderr=pipe, cwd=self.folder.parent)

    def fail(self, *words: str) -> dict[str, Any]:
        """What an apply that exits with 1 tells."""
        with self.start(*words) as process:
            said, log = process.communicate(timeout=300)
        assert process.returncode == 1, said + log
        told: dict[str, Any] = json.loads(said)
        return told

    def ask(self, sql: str) -> Rows:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def do(self, *statements: str) -> None:
        """What someone else does to the database."""
        with duckdb.connect(str(self.database)) as connection:
            for statement in statements:
                connection.execute(statement)

    def relations(self) -> dict[str, str]:
        """Every relation and its kind."""
        kinds = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema <> '_provisioner'"
        return {name: "view" if kind == "VIEW" else "table" for name, kind in self.ask(kinds)}

    def content(self, tables: Iterable[str]) -> dict[str, Rows]:
        return {name: sorted(self.ask(f'FROM "{name}"'), key=repr) for name in tables}

    def check_settled(self) -> None:
        """Nothing is to do, an apply changes no byte, nothing is left behind in the database or the dbt project."""
        assert self.due() == {}
        before = {name: (_hash(name), name.stat().st_mtime_ns) for name in self.database.parent.iterdir()}
        assert self.apply().id == ""
        assert {name: (_hash(name), name.stat().st_mtime_ns) for name in self.database.parent.iterdir()} == before
        assert not [name for name in self.relations() if "__kept_" in name or "__dbt_" in name]
        assert self.ask("SELECT count(*) FROM _provisioner.marks") == [(0,)]
        assert frozenset(_files(self.folder / "dbt")) == self.given


def due(plan: Plan) -> dict[str, str]:
    """For each unit of the plan, and each orphan, its reasons."""
    named = [(short(action.unit) or str(action.tables[0]), action.reasons) for action in plan.actions]
    named += [(str(one.table), (one,)) for one in plan.orphans]
    found: dict[str, list[str]] = {}
    for name, reasons in named:
        found.setdefault(name, []).extend(str(one.reason) for one in reasons)
    return {name: " ".join(dict.fromkeys(reasons)) for name, reasons in sorted(found.items())}


def facts(plan: Plan) -> dict[str, str]:
    """What the plan tells of each table that is due, in words."""
    return {short(action.unit): "; ".join(one.fact for one in action.reasons) for action in plan.actions}


def outcomes(told: Mapping[str, Any]) -> dict[str, str]:
    """How each unit ended, from what an apply tells as JSON: its outcome, and the code of its error."""
    return {
        short(unit["unit"]): " ".join([unit["outcome"], *([unit["error"]["code"]] if unit["error"] else [])])
        for unit in told["units"]
    }


def read_until(process: subprocess.Popen[str], event: str, unit: str = "") -> str:
    """What it logs up to that event of that unit."""
    assert process.stderr is not None
    log = ""
    for line in process.stderr:
        log += line
        told = json.loads(line)
        if told["event"] == event and short(told.get("unit", "")) == unit:
            return log
    raise AssertionError(f"{unit} never came to {event}:\n{log}{process.stdout and process.stdout.read()}")


def kill_in(shop: Shop, unit: str, *words: str) -> str:
    """Begin an apply, and kill its process with -9 while it makes the unit. Its log, once the database is free."""
    with shop.start(*words) as process:
        log = read_until(process, "unit_started", unit)
        time.sleep(0.3)  # into the query
        os.kill(process.pid, 9)
    wait_until_free(shop)
    return log


def wait_until_free(shop: Shop, seconds: float = 60.0) -> None:
    """Until no process has the database open any more; raises when one has it after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return shop.do("SELECT 1")
        except duckdb.IOException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _files(folder: Path) -> Iterable[str]:
    return (str(path.relative_to(folder)) for path in folder.rglob("*"))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""Every case of the table: what the plan says, what apply refuses, what is left, and that nothing is to do then.

Cases of one table share a database, each in a schema of its own, so that hundreds cost as much as a handful.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
import yaml
from letting_go import let_go
from migration_cases import CASES, Case

import provisioner
from provisioner import ProvisionError
from provisioner.declare.values import VIOLATIONS, TableName
from provisioner.reconcile.values import Plan

FORBIDDEN = {str(kind) for kind in VIOLATIONS}
TOGETHER = {name: case for name, case in CASES.items() if not case.more and "references" not in case.after}
ALONE = {name: case for name, case in CASES.items() if name not in TOGETHER}


@dataclass
class Ending:
    """What became of one case. plan: with its tables alone. code: of the refusal, empty where there was none."""

    told: set[str] = field(default_factory=set)
    facts: list[str] = field(default_factory=list)
    hazards: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    code: str = ""
    kept: str = ""


def write(folder: Path, tables: dict[str, Any]) -> Path:
    manifest = {
        "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"],
        "tables": {name: {"tier": "one", **entry} for name, entry in tables.items()},
    }  # fmt: skip
    path = folder / "provision.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True))
    return path


def ask(folder: Path, schema: str, *statements: str) -> str:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"USE {schema}")
        for statement in statements:
            found = connection.execute(statement)
        return repr(found.fetchall())


def rows_of(case: Case) -> list[str]:
    if case.rows.endswith(";"):
        return case.rows.split(";")[:-1]
    return [f"INSERT INTO t VALUES {case.rows}"] if case.rows else []


def seen(plan: Plan, tables: set[TableName]) -> Ending:
    changing = [action for action in plan.actions if str(action.mend) in ("alter", "create")]
    found = [one for action in changing for one in action.reasons if one.table in tables]
    found += [one for one in plan.by_hand if one.table in tables]
    hazards = sorted({str(one.kind) for one in plan.hazards if one.table in tables})
    return Ending({str(one.reason) for one in found}, [one.fact for one in found], hazards)


def _schemas(cases: dict[str, Case]) -> dict[str, str]:
    return {name: f"c{number}" for number, name in enumerate(cases)}


@cache
def _endings(refused: bool) -> dict[str, Ending]:
    """Of the cases that go together: those whose plan can be carried out, or those whose plan cannot."""
    cases = {name: case for name, case in TOGETHER.items() if _is_refused(case) is refused}
    with TemporaryDirectory() as text:
        folder, schemas = Path(text), _schemas(cases)
        _apply(folder, cases, "before")
        for name, case in cases.items():
            ask(folder, schemas[name], *rows_of(case), "SELECT 1")
        path = write(folder, {f"{schemas[name]}.t": yaml.safe_load(case.after) for name, case in cases.items()})
        plan = provisioner.plan(path, cache=False)
        endings = {name: seen(plan, {TableName(schemas[name], "t")}) for name in cases}
        code = refusal(path, {hazard for case in cases.values() for hazard in case.hazards} - FORBIDDEN)
        again = provisioner.plan(path, cache=False)
        for name, case in cases.items():
            ending, left = endings[name], seen(again, {TableName(schemas[name], "t")})
            ending.left, ending.code = left.facts, code
            with suppress(duckdb.Error):
                ending.kept = ask(folder, schemas[name], case.query)
        let_go(folder / "shop.duckdb")
        return endings


def _apply(folder: Path, cases: dict[str, Case], which: str) -> None:
    schemas = _schemas(cases)
    tables = {f"{schemas[name]}.t": yaml.safe_load(getattr(case, which)) for name, case in cases.items()}
    provisioner.apply(write(folder, tables), cache=False)


def _is_refused(case: Case) -> bool:
    return case.by_hand or bool(set(case.hazards) & FORBIDDEN)


def refusal(path: Path, allow: set[str]) -> str:
    try:
        provisioner.apply(path, allow=sorted(allow), cache=False)
    except ProvisionError as error:
        return f"{error.code}: {error.message}" if error.code == "ddl_failed" else error.code
    return ""


def judge(case: Case, ending: Ending) -> None:
    assert ending.told == {*case.does, *case.also}, ending.facts
    assert ending.hazards == sorted(case.hazards)
    if not _is_refused(case):
        assert ending.code == "" and (ending.left == [] or "breaks_view" in case.hazards)
    if case.keeps is not None:
        assert ending.kept == case.keeps


@pytest.mark.parametrize("name", TOGETHER)
def test_a_change_is_told_made_or_refused_and_then_nothing_is_to_do(name: str) -> None:
    judge(TOGETHER[name], _endings(_is_refused(TOGETHER[name]))[name])


@pytest.mark.parametrize("case", [True, False])
def test_nothing_was_touched_where_one_change_was_refused(case: bool) -> None:
    """Of a plan that is refused nothing at all is done, of another one everything."""
    codes = {ending.code for ending in _endings(case).values()}
    assert codes == ({"by_hand", "rows_in_the_way"} & codes if case else {""})

"""A plan file is compared, never executed: whatever it says, apply does what the manifest says, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import warm

import provisioner
from provisioner.reconcile.facts import digest_of

MANIFEST = """version: 1
name: shop
database: shop.duckdb
tiers: [seed]
steps: {loud: {sql: loud.sql}}
tables:
  loud: {tier: seed, step: loud}
  notes: {tier: seed, columns: {id: BIGINT, body: VARCHAR}}
"""
EVIL = ["COPY (SELECT 1) TO 'stolen.csv'", "DROP TABLE precious"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "provision.yaml").write_text(MANIFEST)
    (folder / "loud.sql").write_text("select 1 as x")
    provisioner.plan(folder / "provision.yaml", out=folder / "plan.json")
    return folder


def forge(path: Path, change: Callable[[Any], object]) -> None:
    """Change a plan file, with a checksum to fit, as whoever knows the code can."""
    body = json.loads(path.read_text())
    change(body)
    body["facts_digest"] = _digest(body["facts"])
    body["checksum"] = _digest({key: value for key, value in body.items() if key not in ("format", "checksum")})
    path.write_text(json.dumps(body))


def _digest(part: object) -> str:
    return digest_of(json.dumps(part, sort_keys=True, separators=(",", ":")))


def declared(body: Any) -> Any:
    return next(action for action in body["actions"] if action["unit"] == "table:notes")


FORGED: dict[str, Callable[[Any], object]] = {
    "other statements": lambda body: declared(body)["statements"].extend(EVIL),
    "a statement alone": lambda body: declared(body).update(statements=EVIL),
    "a drop that nobody planned, and no creation": lambda body: declared(body).update(action="drop", unit=""),
    "less than is due": lambda body: body.update(actions=body["actions"][:1]),
    "no action at all": lambda body: body.update(actions=[]),
    "another fingerprint": lambda body: declared(body).update(fingerprint="0" * 40),
    "less that it rests on": lambda body: (
        declared(body).update(rests_on=[]),
        body["facts"]["notes"].update(relation="table (id BIGINT)"),
    ),
    "facts that never were": lambda body: body["facts"]["notes"].update(relation="table (id BIGINT)"),
    "no facts": lambda body: body.update(facts={}),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_plan_is_refused_and_executes_nothing(shop: Path, name: str) -> None:
    forge(shop / "plan.json", FORGED[name])
    before = {path.name for path in shop.iterdir()}
    with pytest.raises(provisioner.PlanError) as refused:
        provisioner.apply(shop / "provision.yaml", plan=shop / "plan.json")
    assert refused.value.code == ("plan_unreadable" if name == "no facts" else "plan_outdated")
    assert "stolen.csv" not in {path.name for path in shop.iterdir()}
    assert {path.name for path in shop.iterdir()} - before <= {
        "shop.duckdb.lock", "shop.duckdb.lock.guard", "shop.duckdb.lock.holder", "shop.duckdb.lock.json",
        "shop.duckdb.guard", "shop.duckdb.holder",
    }  # fmt: skip


# What is not compared may lie, and changes nothing: more actions and hazards than are due, and every word for people.
LIES: dict[str, Callable[[Any], object]] = {
    "an action more": lambda body: body["actions"].append(
        declared(body) | {"action": "drop", "unit": "", "tables": ["precious"], "statements": EVIL}
    ),
    "an action of a unit that is not there": lambda body: body["actions"].append(declared(body) | {"unit": "x; y"}),
    "names of other files": lambda body: body["manifest"].update(path="/etc/passwd", name="$(touch owned)"),
    "hazards": lambda body: declared(body)["hazards"].append({"kind": "drops_table", "table": "notes", "fact": "-"}),
}


@pytest.mark.parametrize("name", LIES)
def test_what_a_forged_plan_adds_is_not_done(shop: Path, name: str) -> None:
    forge(shop / "plan.json", LIES[name])
    run = provisioner.apply(shop / "provision.yaml", plan=shop / "plan.json")
    assert {str(table) for table in run.made} == {"loud", "notes"}
    assert not (shop / "stolen.csv").exists() and not (shop / "owned").exists()


def test_a_plan_cannot_move_a_terminal_s_cursor(shop: Path) -> None:
    forge(shop / "plan.json", lambda body: body["manifest"].update(name="\x1b[2J", digest="\x1b]0;x\x07\u202e"))
    told = warm.run("-m", "provisioner", "apply", "plan.json", cwd=shop, timeout=60)
    assert told.returncode == 1 and "plan" in told.stderr
    assert not {"\x1b", "\x07", "\u202e"} & set(told.stderr + told.stdout)


def test_a_plan_does_not_choose_the_manifest(shop: Path) -> None:
    """Also where it names another one: the manifest is found as always."""
    elsewhere = shop.parent / "evil"
    elsewhere.mkdir()
    (elsewhere / "provision.yaml").write_text(MANIFEST.replace("loud.sql", "evil.sql"))
    (elsewhere / "evil.sql").write_text("COPY (SELECT 1) TO 'stolen.csv'; CREATE TABLE loud AS SELECT 1 AS x")
    provisioner.plan(elsewhere / "provision.yaml", out=elsewhere / "plan.json")
    with pytest.raises(provisioner.PlanError) as refused:
        provisioner.apply(shop / "provision.yaml", plan=elsewhere / "plan.json")
    assert refused.value.code == "plan_of_other_manifest"

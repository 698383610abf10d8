"""Messages that are cut in the middle of a secret: on the screen, in JSON, in the journal, in a plan.

The secret is so long, and stands so far behind, that each of these cuts goes through it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import warm

import provisioner
from provisioner import Event, ProvisionError
from provisioner.execute.child import _TAIL_LENGTH

LONG = "ghp_" + "".join(f"{number:02d}xq" for number in range(21))
PIECES = frozenset(LONG[at : at + 4] for at in range(len(LONG) - 3))
FILLER = "https://registry.example.org/very/long/path/to/files?access_token="
ATTACHED = "host=db.example.org user=me password="
CODE = f"""import os, pathlib, sys
TOKEN = os.environ.get("API_TOKEN", "")
def drawn(connection, context):
    connection.execute("SELECT '" + TOKEN + "', nope, '" + TOKEN + "' FROM (SELECT 1 AS b)")
def raised(connection, context):
    raise ValueError("x" * 460 + TOKEN + " " + TOKEN)
def died(connection, context):
    print(TOKEN * 300, "y" * {_TAIL_LENGTH - 50}, end="", flush=True)
    os._exit(3)
def held(connection, context):
    (name,) = pathlib.Path().glob("*.holder")
    pathlib.Path("seen.txt").write_text(name.read_text())
    connection.execute("CREATE TABLE out AS SELECT 1 AS a")
"""
STEPS: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "a wrong value": ({"load": "x.csv", "format": f"{FILLER}${{API_TOKEN}}"}, "", "manifest"),
    "a wrong name": ({"sql": "out.sql", "reads": [f"{'a' * 40}.${{API_TOKEN}}.x"]}, "SELECT 1 AS a", "manifest"),
    "a path": ({"load": f"{'../' * 30}${{API_TOKEN}}.csv"}, "", "manifest"),
    "a refused statement": ({"sql": "out.sql"}, f"ATTACH '{ATTACHED}{LONG}'", "sql_refused"),
    "a refused statement of many lines": ({"sql": "out.sql"}, f"ATTACH -- why\n '{ATTACHED}{LONG}'", "sql_refused"),
    "a statement out of the sandbox": (
        {"sql": "out.sql"}, f"CREATE SECRET s (TYPE http, BEARER_TOKEN '{LONG}')", "sandbox",
    ),
    "what DuckDB draws": ({"python": "code:drawn"}, "", "python_failed"),
    "an error that is long": ({"python": "code:raised"}, "", "python_failed"),
    "last words": ({"python": "code:died"}, "", "worker_died"),
}  # fmt: skip


def shop(folder: Path, step: Mapping[str, Any], sql: str = "", **more: Any) -> Path:
    manifest = {
        "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"], "steps": {"out": step},
        "tables": {"out": {"tier": "one", "step": "out"}}, **more,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "provision.yaml").write_text(json.dumps(manifest))
    (folder / "out.sql").write_text(sql)
    (folder / "code.py").write_text(CODE)
    return folder / "provision.yaml"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("cache", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("API_TOKEN", LONG)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return warm.run("-m", "provisioner", *words, cwd=folder, env=dict(os.environ), timeout=60)


def pieces(text: str) -> list[str]:
    return sorted(piece for piece in PIECES if piece in text)


def left_in_files(folder: Path, *given: str) -> list[str]:
    """The files that tell a piece, but for those that are given."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("code.py", *given)]
    assert files
    return [path.name for path in files if pieces(path.read_bytes().decode(errors="replace"))]


@pytest.mark.parametrize("way", STEPS)
def test_no_cut_goes_through_a_secret_and_leaves_a_piece(way: str, places: Path) -> None:
    step, sql, code = STEPS[way]
    more = {"policy": {"sandbox_sql": True}} if code == "sandbox" else {}
    path = shop(places / "shop", step, sql, **more)
    seen: list[Event] = []
    with pytest.raises(ProvisionError) as caught:
        provisioner.apply(path, on_event=seen.append)
    assert caught.value.code == code
    assert not pieces(f"{caught.value}{caught.value.__cause__}{seen!r}")
    assert "***" in str(caught.value)
    for words in ("check", "apply", "apply --format json --log-format json", "history --format json"):
        process = run(path.parent, *words.split())
        assert not pieces(process.stdout + process.stderr), (words, process.stdout, process.stderr)
        assert "***" in process.stdout + process.stderr or words.startswith(("check", "history"))
    assert left_in_files(places, *(["out.sql"] if sql else [])) == []


def with_rows(places: Path, value: str, wanted: Mapping[str, Any]) -> Path:
    """A shop whose table of rows holds the value, and is declared in another way than it is."""
    path = shop(places / "shop", {"sql": "out.sql"}, "SELECT 1 AS a")
    add_table(path, "rows", {"columns": {"a": "varchar"}})
    assert run(path.parent, "apply").returncode == 0
    with duckdb.connect(str(path.with_name("shop.duckdb"))) as connection:
        connection.execute("INSERT INTO rows VALUES (?)", [value])
    add_table(path, "rows", wanted)
    return path


def add_table(path: Path, name: str, entry: Mapping[str, Any]) -> None:
    manifest = json.loads(path.read_text())
    manifest["tables"][name] = {"tier": "one", **entry}
    path.write_text(json.dumps(manifest))


def test_a_sample_of_rows_is_cut_and_tells_no_piece(places: Path) -> None:
    value = f"password for the shop at host db.example.org is {LONG}"
    path = with_rows(places, value, {"columns": {"a": "integer"}})
    for words in ("plan", "plan --format json", "plan --rehearse", "plan --out plan.json", "apply", "apply plan.json"):
        process = run(path.parent, *words.split())
        assert not pieces(process.stdout + process.stderr), (words, process.stdout, process.stderr)
        assert "host db.example.org is ***" in process.stdout + process.stderr
    assert "***…" in (path.parent / "plan.json").read_text()
    assert left_in_files(places, "shop.duckdb") == []


def test_a_long_fact_of_a_saved_plan_tells_no_piece(places: Path) -> None:
    value = "x" * 340 + LONG
    path = with_rows(places, value, {"columns": {"a": "varchar"}, "check": [f"a <> '{value}'"]})
    for words in ("plan --out plan.json", "plan -v", "apply plan.json"):
        process = run(path.parent, *words.split())
        assert not pieces(process.stdout + process.stderr), (words, process.stdout, process.stderr)
    kept = (path.parent / "plan.json").read_text()
    assert "***… (" in kept
    assert not pieces(kept)


@pytest.mark.parametrize("secret", ["ab\\cd\tefghij", "ab\\c\tefgh \x01 i", '"ab"\\\u2028efgh'])
def test_what_a_plan_writes_out_is_hidden_all_the_same(
    secret: str, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", secret)
    path = shop(places / "shop", {"sql": "out.sql"}, "SELECT 1 AS a")
    add_table(path, "v", {"sql": "SELECT '${API_TOKEN}' AS a"})
    for words in ("plan -v", "plan -v --format json"):
        process = run(path.parent, *words.split())
        assert "SELECT '***' AS a" in process.stdout + process.stderr
        assert "efgh" not in process.stdout + process.stderr


def test_neither_the_journal_nor_the_holder_names_a_secret(places: Path) -> None:
    path = shop(places / "shop", {"python": "code:held"}, name="shop of ${API_TOKEN}")
    named = path.rename(path.with_name(f"{LONG}.yaml"))
    assert run(path.parent, "apply", "-m", named.name).returncode == 0
    assert json.loads((path.parent / "seen.txt").read_text())["command"] == "provision apply -m ***.yaml"
    (journal,) = path.parent.glob("*.journal")
    assert '"manifest":"shop of ***"' in journal.read_text()
    process = run(path.parent, "history", "--format", "json", "-m", named.name)
    (told,) = json.loads(process.stdout)["runs"]
    assert (told["manifest"], told["command"]) == ("shop of ***", "provision apply -m ***.yaml")
    assert not pieces(process.stdout + process.stderr + journal.read_text())


@pytest.mark.parametrize("words", [["apply", "--allow", LONG], ["plan", "--format", LONG], ["plan", LONG], [LONG]])
def test_wrong_usage_is_told_without_the_secret_that_was_typed(words: list[str], places: Path) -> None:
    process = run(places, *words)
    assert process.returncode == 64
    assert "***" in process.stderr
    assert not pieces(process.stdout + process.stderr)

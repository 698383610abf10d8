"""A database that somebody else prepared: no traceback, nothing of the users' lost, nothing swept that is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

import provisioner
from provisioner import ProvisionError

# What was done to the database before, and the code with which an apply ends; "" for well.
RECORDS = {
    "stamps are a view": (["CREATE VIEW _provisioner.stamps AS FROM read_text('/etc/hostname')"], "records_foreign"),
    "the format is a view": (["CREATE VIEW _provisioner.format AS SELECT error('no') AS version"], "records_foreign"),
    "stamps are a macro": (["CREATE MACRO _provisioner.stamps() AS TABLE SELECT 1"], ""),
    "marks have other columns": (["CREATE TABLE _provisioner.marks AS SELECT 1 AS x"], ""),
    "stamps have other types": (
        ["CREATE TABLE _provisioner.stamps (schema_name INT[], table_name STRUCT(a INT), unit BLOB)"], "database"
    ),
    "stamps have a constraint": (
        ["CREATE TABLE _provisioner.stamps (schema_name VARCHAR, more INT NOT NULL)"], "database"
    ),
    "the format is absurd": (
        ["CREATE TABLE _provisioner.format AS SELECT unnest(['many', '9' || repeat('9', 400)]) AS version"],
        "records_newer",
    ),
    "there are very many stamps": (
        ["CREATE TABLE _provisioner.stamps AS SELECT 'main' AS schema_name, 't' || range AS table_name, 'u' AS unit,"
         " 'f' AS fingerprint, 'b' AS base, '{}' AS parts, 'r' AS run, 'a' AS \"at\", false AS protect"
         " FROM range(5000)"], ""
    ),
    "stamps hold nested text": (
        ["CREATE TABLE _provisioner.stamps AS SELECT 'main' AS schema_name, 'sales' AS table_name, 'sales' AS unit,"
         " 'f' AS fingerprint, 'b' AS base, repeat('[', 100000) AS parts, 'r' AS run, 'a' AS \"at\", false AS protect"],
        "",
    ),
}  # fmt: skip
RELATIONS = {
    "a view that no longer binds": ["CREATE TABLE z AS SELECT 1 AS a", "CREATE VIEW v AS FROM z", "DROP TABLE z"],
    "a view in the place of a table": ["CREATE VIEW sales AS FROM read_text('/etc/hostname')"],
    "a macro in the place of a table": ["CREATE MACRO sales() AS TABLE SELECT 1"],
    "a sequence in the place of a table": ["CREATE SEQUENCE sales"],
}
LEFTOVERS = ("sales__kept_20260101", "sales__dbt_tmp", "sales__dbt_backup", "other__dbt_tmp", "__kept_")


def _project(folder: Path, *prepared: str, **policy: Any) -> Path:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE users AS SELECT range AS i FROM range(5)")
        for statement in prepared:
            connection.execute(statement)
    (folder / "sales.csv").write_text("id\n1\n")
    (folder / "hidden.txt").write_text("quarzwal")
    table = {"tier": "one", "step": "sales", "expect": {"min_rows": 1, "not_null": ["id"]}}
    manifest = {
        "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"], "policy": policy,
        "steps": {"sales": {"load": "sales.csv"}}, "tables": {"sales": table},
    }  # fmt: skip
    (folder / "provision.yaml").write_text(json.dumps(manifest))
    return folder / "provision.yaml"


def _ending(path: Path) -> str:
    try:
        provisioner.plan(path, cache=False)
        provisioner.apply(path)
    except ProvisionError as error:
        return error.code
    assert not provisioner.plan(path, cache=False).actions
    return ""


def _tables(path: Path) -> dict[str, int]:
    with duckdb.connect(str(path.with_name("shop.duckdb"))) as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
        return {name: len(connection.execute(f'FROM "{name}"').fetchall()) for (name,) in names}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("case", RECORDS)
def test_records_that_somebody_else_made_cost_an_error_at_most(case: str, tmp_path: Path) -> None:
    statements, code = RECORDS[case]
    path = _project(tmp_path, "CREATE SCHEMA _provisioner", *statements)
    assert _ending(path) == code
    assert _tables(path) == {"users": 5} | ({} if code else {"sales": 1})


@pytest.mark.parametrize("case", RELATIONS)
def test_relations_in_the_way_cost_an_error_at_most(case: str, tmp_path: Path) -> None:
    path = _project(tmp_path, *RELATIONS[case])
    assert _ending(path) == ""
    assert _tables(path)["users"] == 5


def test_what_is_called_like_our_leftovers_is_never_swept(tmp_path: Path) -> None:
    path = _project(tmp_path, *(f'CREATE TABLE "{name}" AS SELECT 1 AS a' for name in LEFTOVERS))
    assert _ending(path) == ""
    provisioner.apply(path, prune=True)
    assert _tables(path) == {"users": 5, "sales": 1} | dict.fromkeys(LEFTOVERS, 1)


@pytest.mark.parametrize("policy", [{}, {"sandbox_sql": True}])
def test_a_macro_of_the_database_is_not_called_in_our_queries(tmp_path: Path, policy: dict[str, bool]) -> None:
    """Macros of the database go before DuckDB's own functions: who writes the database, would write our queries."""
    hidden = f"(SELECT error(content) FROM read_text('{tmp_path}/hidden.txt'))"
    macros = [f"CREATE MACRO count_star() AS {hidden}", f"CREATE MACRO count(x) AS {hidden}"]
    path = _project(tmp_path, "CREATE TABLE sales AS SELECT 1 AS id", *macros, **policy)
    (action,) = provisioner.plan(path, cache=False).actions
    assert [one.reason for one in action.reasons] == ["unstamped"]


CALLED = (
    *("lower(x)", "translate(a, b, c)", "replace(a, b, c)", "contains(a, b)", "current_database()", "typeof(x)"),
    *("any_value(x)", "bool_or(x)", "list(x)", "max(x)", "concat(a, b)", "json_serialize_plan(x)", "hash(x)"),
)
LISTED = (
    "tables",
    "views",
    "columns",
    "constraints",
    "indexes",
    "schemas",
    "types",
    "sequences",
    "functions",
    "databases",
)


def test_no_macro_of_a_database_is_called_by_our_own_queries(tmp_path: Path) -> None:
    """Whoever writes the database would otherwise write our queries: with a load, where there is no sandbox."""
    macros = [f"CREATE MACRO {name} AS error('called')" for name in CALLED]
    macros += [f"CREATE MACRO duckdb_{name}() AS TABLE SELECT error('called')" for name in LISTED]
    path = _project(tmp_path, *macros, sandbox_sql=True)
    assert {unit.outcome for unit in provisioner.apply(path).units} == {"done"}
    assert not provisioner.plan(path, cache=False).actions
    provisioner.apply(path, rebuild=["sales"])


@pytest.mark.parametrize("name", ["count_star()", "count(x)", "txid_current()"])
def test_a_macro_named_like_a_function_that_we_call_changes_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "sales.sql").write_text(f"CREATE TEMP MACRO {name} AS 7; CREATE TABLE sales AS SELECT 1 AS id")
    table = {"tier": "one", "step": "sales", "expect": {"min_rows": 1, "not_null": ["id"], "unique": ["id"]}}
    manifest = {
        "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"],
        "steps": {"sales": {"sql": "sales.sql"}}, "tables": {"sales": table},
    }  # fmt: skip
    (tmp_path / "provision.yaml").write_text(json.dumps(manifest))
    (unit,) = provisioner.apply(tmp_path / "provision.yaml").units
    assert (unit.outcome, unit.rows) == ("done", 1)

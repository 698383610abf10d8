"""Random tables that refer to each other become other ones: rows, references, readers and numbers go along."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml
from examples import examples
from hypothesis import HealthCheck, given, note
from hypothesis import strategies as st
from letting_go import let_go
from random_families import Entry, Family, families
from random_tables import quote
from test_random_migrations import (
    BYSTANDERS,
    FORBIDDEN,
    WITHOUT_SHRINKING,
    connected,
    everything,
    in_the_way,
    refused,
    theirs,
)

import provisioner

Facts = dict[str, Any]


def declare(folder: Path, members: list[dict[str, Entry]]) -> Path:
    """Each family in a schema of its own, with a sequence of its own."""
    manifest = {
        "version": 1, "name": "shop", "database": "build/shop.duckdb", "tiers": ["one", "two"],
        "sequences": {f"s{number}.numbers": {"start": 5} for number, _ in enumerate(members)},
        "tables": {
            f"s{number}.{name}": _placed(entry, f"s{number}")
            for number, tables in enumerate(members) for name, entry in tables.items()
        },
    }  # fmt: skip
    path = folder / "provision.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False))
    return path


def _placed(entry: Entry, schema: str) -> Entry:
    """The entry with the names that it mentions in that schema."""
    found: Entry = yaml.safe_load(yaml.safe_dump(entry).replace("{schema}", schema))
    if "renamed_from" in found:
        found["renamed_from"] = f"{schema}.{found['renamed_from']}"
    for key in found.get("foreign_keys", ()):
        key["references"]["table"] = f"{schema}.{key['references']['table']}"
    return found


def fill(folder: Path, found: list[Family]) -> None:
    with connected(folder) as connection:
        connection.execute(BYSTANDERS)
        for number, family in enumerate(found):
            for name, rows in family.rows.items():
                for row in rows:
                    _try(connection, f"INSERT INTO s{number}.{name} {row}")
            connection.execute(f"CREATE VIEW theirs.over{number} AS SELECT rid FROM s{number}.child")


def _try(connection: duckdb.DuckDBPyConnection, statement: str) -> bool:
    try:
        connection.execute(statement)
    except duckdb.ConstraintException:
        return False
    return True


def held(folder: Path, found: list[Family], *, later: bool) -> Facts:
    """What each column holds that is there before and after, by its later name; and what else the family keeps."""
    facts: Facts = {}
    with connected(folder) as connection:
        for number, family in enumerate(found):
            for table, (was, columns) in family.was.items():
                source = f"s{number}.{table if later else was}"
                for new, old in columns.items():
                    kind = family.after[table]["columns"][new]["type"]
                    name = quote(new if later else old)
                    query = f"SELECT rid::VARCHAR, CAST(CAST({name} AS {kind}) AS VARCHAR) FROM {source} ORDER BY ALL"
                    facts[f"{number}/{table}/{new}"] = connection.execute(query).fetchall()
            facts[f"{number}/shown"] = connection.execute(
                f"SELECT rid::VARCHAR, n FROM s{number}.shown ORDER BY ALL"
            ).fetchall()
        numbers = "SELECT schema_name, last_value FROM duckdb_sequences() ORDER BY ALL"
        facts["numbers"] = connection.execute(numbers).fetchall()
    return facts


def left(folder: Path, found: list[Family]) -> list[Any]:
    """Tables that are not declared any more: provision made them, and lets them lie."""
    facts: list[Any] = []
    with connected(folder) as connection:
        for number, family in enumerate(found):
            stay = {was for was, _ in family.was.values()}
            facts += [
                (number, name, connection.execute(f"FROM s{number}.{name} ORDER BY ALL").fetchall())
                for name in family.rows if name not in stay
            ]  # fmt: skip
    return facts


def referring(folder: Path, found: list[Family]) -> None:
    """A row that refers to nothing is refused where it must be, and one that refers to a row is let in."""
    with connected(folder) as connection:
        for number, family in enumerate(found):
            for table, entry in family.after.items():
                if "up" in entry.get("columns", ()):
                    row = f"INSERT INTO s{number}.{table} (rid, up) VALUES ('50', '77')"
                    connection.execute("BEGIN")
                    assert _try(connection, row) is ("foreign_keys" not in entry), (table, entry)
                    connection.execute("ROLLBACK")


@examples(3, phases=WITHOUT_SHRINKING, suppress_health_check=list(HealthCheck))
@given(st.lists(families(), min_size=1, max_size=4))
def test_tables_that_refer_to_each_other_change_with_all_that_hangs_on_them(found: list[Family]) -> None:
    change(found)


def change(found: list[Family]) -> None:
    """The whole way from one to the other, with all that must hold on it."""
    with TemporaryDirectory() as text:
        folder = Path(text)
        provisioner.apply(declare(folder, [family.before for family in found]), cache=False)
        fill(folder, found)
        path = declare(folder, [family.after for family in found])
        plan, before = provisioner.plan(path, cache=False), everything(folder)
        note(f"hazards: {plan.hazards} by hand: {plan.by_hand}")
        if in_the_way(plan):
            allowed = sorted({str(hazard.kind) for hazard in plan.hazards} - FORBIDDEN)
            code = refused(path, allow=allowed)
            assert code in ("rows_in_the_way", "by_hand"), code
            assert code == "rows_in_the_way" or any(_has_orphan(family) for family in found), plan.by_hand
            assert code == "by_hand" or everything(folder) == before
            return
        if plan.hazards:
            assert refused(path) == "hazard" and everything(folder) == before
        wanted, aside, orphans = held(folder, found, later=False), theirs(folder), left(folder, found)
        broken = {hazard.fact for hazard in plan.hazards if str(hazard.kind) == "breaks_view"}
        allow = sorted({f"{hazard.kind}:{hazard.table}" for hazard in plan.hazards})
        provisioner.apply(path, allow=allow, cache=False)
        assert held(folder, found, later=True) == wanted
        assert left(folder, found) == orphans
        assert theirs(folder) == aside
        referring(folder, found)
        let_go(folder / "build" / "shop.duckdb")
        _user_views(folder, found, broken)
        assert provisioner.plan(path, cache=False).converged


def _has_orphan(family: Family) -> bool:
    """Whether a table is declared no more: what it refers to can then not have another key."""
    return len(family.was) < len(family.rows)


def _user_views(folder: Path, found: list[Family], broken: set[str]) -> None:
    """Each can be read as before, unless the plan said that it could not."""
    with connected(folder) as connection:
        for number, _family in enumerate(found):
            if not any(f"over{number}" in fact for fact in broken):
                connection.execute(f"FROM theirs.over{number}")

"""Damage is found wherever it lies, whatever the database calls its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from provisioner.execute.interrupt import Stop
from provisioner.observe.examine import find_damage

HEADERS, BLOCK = 12_288, 262_144
NAMED = {
    "nothing of the kind": "",
    "a column called as a row might be": "ALTER TABLE t RENAME a TO r",
    "macros called as what reads the rows": "CREATE MACRO hash(x) AS 'text'; CREATE MACRO bit_xor(x) AS 1",
    "macros called as what lists the tables": "CREATE MACRO current_database() AS 'nope';"
    "CREATE MACRO duckdb_tables() AS TABLE FROM range(0)",
}


@pytest.mark.parametrize("sql", NAMED.values(), ids=NAMED)
def test_damage_is_found_whatever_the_database_calls_its_own(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a, hash(range)::VARCHAR AS b FROM range(100000)")
        connection.execute(sql)
    assert find_damage(path, Stop().watch) is None
    broken = [one for one in _each_block_broken(path) if _opens(one)]
    codes = {found.code if (found := find_damage(one, Stop().watch)) else None for one in broken}
    assert broken and codes == {"database_damaged"}


def _each_block_broken(path: Path) -> list[Path]:
    """Copies, each with a byte of one block flipped."""
    copies = []
    for at in range(HEADERS + BLOCK // 2, path.stat().st_size, BLOCK):
        copies.append(Path(shutil.copy(path, path.with_name(f"{at}.duckdb"))))
        with copies[-1].open("r+b") as file:
            file.seek(at)
            (byte,) = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ 1]))
    return copies


def _opens(path: Path) -> bool:
    """Whether DuckDB can tell of the table; what is damaged is then its rows, or nothing that is used."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("FROM system.main.duckdb_columns()").fetchall()
    except duckdb.Error:
        return False
    return True

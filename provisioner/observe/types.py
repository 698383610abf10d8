"""The canonical text of column types, the one that the catalog reports for a table made with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def resolve_types(texts: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each type text with its canonical text, and the sorted texts that are no type to DuckDB.

    DuckDB parses the texts and runs none of them. Types that exist only inside one database (CREATE TYPE) are unknown.
    """
    import duckdb

    resolved, unknown = {}, []
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        for text in sorted(set(texts)):
            try:
                resolved[text] = _canonical(connection, text)
            except (duckdb.Error, RuntimeError):
                unknown.append(text)
    return resolved, tuple(unknown)


def _canonical(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """Parsing alone is asked first: `sqltype` also takes what may follow a type in a table, as in `INT NOT NULL`."""
    connection.extract_statements(f"SELECT CAST(NULL AS {text}\n)")
    return str(connection.sqltype(text))

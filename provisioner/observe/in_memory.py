"""An empty database in memory that keeps to itself: it reaches no file and no network, and loads no extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def open_in_memory() -> duckdb.DuckDBPyConnection:
    """For text to be parsed, spelt or tried on."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})
    for setting in ("autoload_known_extensions", "enable_external_access"):
        connection.execute(f"SET {setting} = false")
    return connection

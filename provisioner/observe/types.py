"""The canonical text of column types, the one that the catalog reports for a table made with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from provisioner.errors import MOST_PROBLEMS

if TYPE_CHECKING:
    import duckdb


# What DuckDB makes of the types that most columns have; it need not be asked again. A test asks it for every one.
PLAIN: Mapping[str, str] = {
    **{name: name for name in ("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE")},
    **{name: name for name in ("VARCHAR", "BLOB", "DATE", "TIME", "TIMESTAMP", "INTERVAL", "UUID", "JSON")},
    **{"BOOL": "BOOLEAN", "INT": "INTEGER", "TEXT": "VARCHAR", "STRING": "VARCHAR", "REAL": "FLOAT"},
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), "TIMESTAMP WITH TIME ZONE"),
    **{
        f"DECIMAL({width},{scale})": f"DECIMAL({width},{scale})" for width in range(1, 39) for scale in range(width + 1)
    },
}


def resolve_types(texts: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each type text with its canonical text, and the sorted texts that are no type to DuckDB, the first of them.

    DuckDB parses the texts and runs none of them. Types that exist only inside one database (CREATE TYPE) are unknown.
    """
    wanted = set(texts)
    plain = ((text, PLAIN.get(text.upper())) for text in wanted if text.isascii())
    resolved, unknown = {text: canonical for text, canonical in plain if canonical}, []
    asked = sorted(wanted - resolved.keys())
    if not asked:
        return resolved, ()
    import duckdb

    # It may load an extension that is installed: a type such as INET is one of those.
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        for text in asked:
            try:
                resolved[text] = _canonical(connection, text)
            except (duckdb.Error, RuntimeError):
                unknown.append(text)
                if len(unknown) == MOST_PROBLEMS:
                    break
    return resolved, tuple(unknown)


def _canonical(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """Parsing alone is asked first: `sqltype` also takes what may follow a type in a table, as in `INT NOT NULL`."""
    connection.extract_statements(f"SELECT CAST(NULL AS {text}\n)")
    return str(connection.sqltype(text))

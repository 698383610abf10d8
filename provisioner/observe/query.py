"""The query of a view, as DuckDB prints what it has read of it; nothing is bound, so what it reads may be missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from provisioner.observe.spelling import plain

if TYPE_CHECKING:
    import duckdb

_TREE = "SELECT system.main.json_serialize_sql(?::VARCHAR)::VARCHAR"
_TEXT = "SELECT system.main.json_deserialize_sql(?::JSON)"


def canonical_query(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """In one spelling; the text itself for what DuckDB can read and not take apart, as PIVOT."""
    import duckdb

    query = query.strip().rstrip(";").strip()
    try:
        for _ in range(2):
            ((tree,),) = connection.execute(_TREE, [query]).fetchall()
            if json.loads(tree)["error"]:
                break
            ((query,),) = connection.execute(_TEXT, [tree]).fetchall()
    except (duckdb.Error, LookupError, ValueError):
        pass
    return plain(query)

"""The query of a view, as DuckDB prints what it has read of it; nothing is bound, so what it reads may be missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from provisioner.observe.brackets import find_closing
from provisioner.observe.spelling import plain, tokens_of, written

if TYPE_CHECKING:
    import duckdb

_TREE = "SELECT system.main.json_serialize_sql(?::VARCHAR)::VARCHAR"
_WRAPPED = ("SELECT", "*", "FROM")
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
    return _without_wrappings(plain(query))


def _without_wrappings(query: str) -> str:
    """`(SELECT * FROM (…) AS valueslist)` is `(…)`: DuckDB puts another one around VALUES each time that it is read."""
    tokens = tokens_of(query)
    for at in range(len(tokens)):
        if [token.text for token in tokens[at : at + 5]] != ["(", *_WRAPPED, "("]:
            continue
        end = find_closing(tokens, at + 4)
        if [token.text for token in tokens[end + 1 : end + 4]] == ["AS", "valueslist", ")"]:
            inner = written(query, tokens[at + 4 : end + 1])
            return _without_wrappings(query[: tokens[at].start] + inner + query[tokens[end + 3].start + 1 :])
    return query

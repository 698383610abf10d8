"""What the catalog will tell of tables once they are made, from an empty database in memory that made them too.

DuckDB lists a catalog whole, whatever is asked of it: among thousands of tables, a look at each one that was just made
takes longer than all the making. So they are looked at here, all at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from provisioner.declare.values import TableName
from provisioner.observe.change_values import Shape, Structure
from provisioner.observe.in_memory import open_in_memory
from provisioner.observe.prove import words_of
from provisioner.observe.shape import read_shapes


def foretell(made: Mapping[TableName, Structure]) -> dict[TableName, Shape]:
    """The shape of each table that its statements make, in the catalog's own spelling. made: in an order that works.

    Those are absent that rest on what only their own database has. Raises duckdb.Error where memory is at fault.
    """
    with open_in_memory() as twin:
        try:
            return read_shapes(twin, [table for table, statements in made.items() if _are_taken(twin, statements)])
        except duckdb.BinderException:
            # Of a check over a field of a struct, DuckDB 2.0 cannot tell.
            return {}


def _are_taken(twin: duckdb.DuckDBPyConnection, statements: Structure) -> bool:
    try:
        for statement in statements:
            twin.execute(statement)
    except duckdb.Error as error:
        words_of(error)
        return False
    return True

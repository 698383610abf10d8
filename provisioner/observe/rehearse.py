"""A migration carried out on an empty copy: what DuckDB says to it, what it leaves, and which views it breaks.

The copy is a database in memory under the live one's own name, so that views that name it can be read there. It holds
no rows, reaches no file and no network, and is gone afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb

from provisioner.declare.values import TableKind, TableName, quote
from provisioner.observe.carbon import Copied, read_parts
from provisioner.observe.change_values import Rehearsal, Shape, Structure
from provisioner.observe.in_memory import open_in_memory
from provisioner.observe.prove import words_of
from provisioner.observe.scratch import Scratch
from provisioner.observe.shape import read_shapes
from provisioner.observe.verbatim import as_sentence

_PLANNED = "SELECT system.main.json_serialize_plan(?::VARCHAR)::VARCHAR"


class Stage:
    """One copy, on which one migration after the other is tried and undone."""

    def __init__(self, copy: duckdb.DuckDBPyConnection, views: Iterable[TableName], scratch: Scratch) -> None:
        self._copy, self._scratch = copy, scratch
        self._readable = [view for view in views if not _fault(copy, view)]

    def rehearse(self, want: Shape, statements: Structure, before: Structure = ()) -> Rehearsal:
        """What the statements make of it. before: statements that are carried out before them, on what it rests on.

        Raises duckdb.Error when interrupted or where memory is at fault.
        """
        self._copy.execute("BEGIN")
        try:
            return self._tried(want, statements, before)
        finally:
            _roll_back(self._copy)

    def _tried(self, want: Shape, statements: Structure, before: Structure) -> Rehearsal:
        try:
            self._carry_out(before)
            readable = [view for view in self._readable if not before or not _fault(self._copy, view)]
            self._carry_out(statements)
            # DuckDB 1.5 can list no constraint any more of a renamed table whose check names the table.
            shape = read_shapes(self._copy, [want.table]).get(want.table)
        except duckdb.Error as error:
            return Rehearsal(words_of(error))
        broken = tuple((view, words) for view in readable if (words := _fault(self._copy, view)))
        left = self._scratch.respell(shape) if shape is not None and shape != want else shape
        return Rehearsal(left=left, broken=broken)

    def drop(self, relations: Mapping[TableName, TableKind]) -> dict[TableName, Rehearsal]:
        """What goes when these are dropped, in an order in which they can be; the ones that cannot come last.

        It is not undone: nothing can be rehearsed after it.
        """
        found, left = dict[TableName, Rehearsal](), sorted(relations)
        readable = [view for view in self._readable if view not in relations]
        while left:
            refused = dict[TableName, Rehearsal]()
            for table in left:
                if words := _refusal(self._copy, f"DROP {relations[table].upper()} {table.sql}"):
                    refused[table] = Rehearsal(words)
                    continue
                broken = tuple((view, words) for view in readable if (words := _fault(self._copy, view)))
                readable = [view for view in readable if view not in dict(broken)]
                found[table] = Rehearsal(broken=broken)
            if len(refused) == len(left):
                return found | refused
            left = list(refused)
        return found

    def _carry_out(self, statements: Structure) -> None:
        for statement in statements:
            self._copy.execute(statement)


@contextmanager
def staged(connection: duckdb.DuckDBPyConnection, tables: Iterable[TableName]) -> Iterator[Stage]:
    """A copy without rows of all that changes of these tables may touch."""
    parts = read_parts(connection, set(tables))
    with _copy(parts) as copy, Scratch() as scratch:
        yield Stage(copy, parts.views, scratch)


@contextmanager
def _copy(parts: Copied) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_in_memory() as copy:
        # `memory` is what the scratch itself is called.
        if parts.database != "memory":
            copy.execute(f"ATTACH ':memory:' AS {quote(parts.database)}")
            copy.execute(f"USE {quote(parts.database)}")
        left = list(parts.statements)
        # In an order that works: what needs something that is not yet there is tried again.
        while left:
            refused = [statement for statement in left if _refusal(copy, statement)]
            if len(refused) == len(left):
                break
            left = refused
        yield copy


def _refusal(copy: duckdb.DuckDBPyConnection, statement: str) -> str:
    """Carry it out. DuckDB's words where it refuses, else nothing."""
    try:
        copy.execute(statement)
    except duckdb.Error as error:
        return words_of(error)
    return ""


def _roll_back(copy: duckdb.DuckDBPyConnection) -> None:
    try:
        copy.execute("ROLLBACK")
    except duckdb.TransactionException:
        # What was refused has ended it.
        return


def _fault(copy: duckdb.DuckDBPyConnection, view: TableName) -> str:
    """Why a view cannot be read, by binding it in a way that leaves the open transaction whole; empty where it can."""
    ((plan,),) = copy.execute(_PLANNED, [f"SELECT * FROM {view.sql}"]).fetchall()
    found = json.loads(plan)
    return as_sentence(found["error_message"]) if found["error"] else ""

"""An empty database in memory, in which declared tables and live ones are made so that one engine spells both.

Two shapes from here are equal where they mean the same: types, defaults, checks and what columns are generated from are
as DuckDB prints them once it has read them, constants by their value. Nothing in it reaches a file or the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import TracebackType

import duckdb

from provisioner.declare.values import DEFAULT_SCHEMA, Table, TableName, fold, quote
from provisioner.declare.values import Sequence as NumberSequence
from provisioner.observe.change_values import Shape
from provisioner.observe.constant import shorten_constant
from provisioner.observe.ddl_text import create_indexes, create_sequence, create_table
from provisioner.observe.declaration import find_faults, raise_problems, refused, shape_of
from provisioner.observe.in_memory import open_in_memory
from provisioner.observe.lexer import TokenKind
from provisioner.observe.query import canonical_query
from provisioner.observe.shape import in_order, read_shapes
from provisioner.observe.spelling import name_of, tokens_of, without_table

# Printing what was read settles at once or in the second round, in all that we met.
_ROUNDS = 3


class Scratch:
    """The engine's own spelling of shapes. Used in `with`; each call leaves it as it was."""

    def __enter__(self) -> Scratch:
        self._connection = open_in_memory()
        self._constants: dict[tuple[str, str], str] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def spell_declared(self, tables: Sequence[Table], sequences: Iterable[NumberSequence]) -> dict[TableName, Shape]:
        """The shape that each of these declared relations is to have.

        Raises ManifestError (ddl_refused) with a problem for each expression, or else table, that DuckDB refuses.
        """
        raise_problems(problem for table in tables for problem in find_faults(table))
        shapes = {table.name: shape_of(table, tables) for table in tables}
        by_name = {table.name: table for table in tables}
        with self._sequences(sequences):
            found, errors = self._settle(shapes.values())
            raise_problems(
                problem
                for name, error in errors.items()
                for problem in refused(by_name[name], shapes[name], error, self._try)
            )
            errors = self._join(found)
            raise_problems(
                problem for name, error in errors.items() for problem in refused(by_name[name], Shape(name), error)
            )
        return found

    def respell(self, shape: Shape) -> Shape:
        """The live shape in the spelling of the others; itself where it needs what only its own database has."""
        return self.respell_all([shape])[shape.table]

    def respell_all(self, shapes: Iterable[Shape]) -> dict[TableName, Shape]:
        """The same of several, which costs little more than one."""
        live = {shape.table: shape for shape in shapes}
        with self._sequences(NumberSequence(name) for shape in live.values() for name in _sequences_of(shape)):
            found, _ = self._settle(live.values())
        return live | found

    @contextmanager
    def _sequences(self, sequences: Iterable[NumberSequence]) -> Iterator[None]:
        made = list(sequences)
        try:
            for one in made:
                self._ensure_schema(one.name)
                self._connection.execute(create_sequence(one))
            yield
        finally:
            for one in made:
                self._connection.execute(f"DROP SEQUENCE IF EXISTS {one.name.sql}")

    def _settle(self, shapes: Iterable[Shape]) -> tuple[dict[TableName, Shape], dict[TableName, duckdb.Error]]:
        """Make, read, and make again from what was read until that changes nothing."""
        settled: dict[TableName, Shape] = {}
        errors: dict[TableName, duckdb.Error] = {}
        waiting = {shape.table: _unqualified(shape) for shape in shapes}
        for table, shape in list(waiting.items()):
            if shape.view is not None:
                settled[table] = replace(waiting.pop(table), view=canonical_query(self._connection, shape.view))
        for _ in range(_ROUNDS):
            read = self._make_and_read(waiting, errors)
            settled |= read
            waiting = {table: shape for table, shape in read.items() if _worded(shape) != _worded(waiting[table])}
        return settled, errors

    def _make_and_read(
        self, shapes: Mapping[TableName, Shape], errors: dict[TableName, duckdb.Error]
    ) -> dict[TableName, Shape]:
        """As the engine tells of them, with what it is not asked for taken over. What it refuses goes to errors."""
        made = [table for table, shape in shapes.items() if self._is_made(shape, errors)]
        try:
            read = read_shapes(self._connection, made)
        except duckdb.BinderException as error:
            # DuckDB 2.0 takes a check over a field of a struct, and can list no constraint as long as it is there.
            read = {}
            if len(made) == 1:
                errors[made[0]] = error
        finally:
            for table in made:
                self._connection.execute(f"DROP TABLE {table.sql}")
        if not read and len(made) > 1:
            each = [self._make_and_read({table: shapes[table]}, errors) for table in made]
            return {table: shape for one in each for table, shape in one.items()}
        return {table: self._completed(shapes[table], shape) for table, shape in read.items()}

    def _is_made(self, shape: Shape, errors: dict[TableName, duckdb.Error]) -> bool:
        """Without its references, which are values: what they refer to need not be here."""
        alone = replace(shape, foreign_keys=())
        try:
            self._ensure_schema(shape.table)
            for statement in (create_table(alone), *create_indexes(alone)):
                self._connection.execute(statement)
        except duckdb.Error as error:
            if isinstance(error, duckdb.FatalException | duckdb.InterruptException):
                raise
            errors[shape.table] = error
            self._connection.execute(f"DROP TABLE IF EXISTS {shape.table.sql}")
            return False
        return True

    def _completed(self, shape: Shape, read: Shape) -> Shape:
        keys = tuple(sorted(shape.foreign_keys, key=lambda key: (key.columns, key.table, key.references)))
        comments = {fold(column.name): column.comment or None for column in shape.columns}
        columns = tuple(
            replace(column, default=self._constant(column.default, column.type), comment=comments[fold(column.name)])
            for column in read.columns
        )
        return replace(read, columns=columns, foreign_keys=keys, comment=shape.comment or None)

    def _constant(self, default: str | None, type_text: str) -> str | None:
        if default is None:
            return None
        if (default, type_text) not in self._constants:
            self._constants[default, type_text] = shorten_constant(self._connection, default, type_text)
        short = self._constants[default, type_text]
        return None if short == "NULL" else short

    def _try(self, shape: Shape) -> duckdb.Error | None:
        """Why a shape cannot be made; None where it can."""
        errors: dict[TableName, duckdb.Error] = {}
        self._make_and_read({shape.table: shape}, errors)
        return errors.get(shape.table)

    def _join(self, shapes: Mapping[TableName, Shape]) -> dict[TableName, duckdb.Error]:
        """Make those that foreign keys join all together, parents first, to see whether each key finds its own."""
        parents = {table: {key.table for key in shape.foreign_keys} for table, shape in shapes.items()}
        joined = {name for table, names in parents.items() if names for name in (table, *names)}
        errors: dict[TableName, duckdb.Error] = {}
        self._connection.execute("BEGIN")
        try:
            for table in in_order(joined & shapes.keys(), parents):
                shape = shapes[table]
                here = tuple(key for key in shape.foreign_keys if key.table in shapes and key.table not in errors)
                self._connection.execute(create_table(replace(shape, foreign_keys=here)))
        except duckdb.Error as error:
            errors[table] = error
        finally:
            self._connection.execute("ROLLBACK")
        return errors

    def _ensure_schema(self, table: TableName) -> None:
        if fold(table.schema) != DEFAULT_SCHEMA:
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")


def _unqualified(shape: Shape) -> Shape:
    """Under another name, also for a moment, a check that names its table is one that nothing can be written past."""
    if any(fold(column.name) == fold(shape.table.name) for column in shape.columns):
        return shape  # it may be the column, and what follows a field of it
    return replace(shape, checks=tuple(without_table(check, shape.table.name) for check in shape.checks))


def _worded(shape: Shape) -> tuple[object, ...]:
    """All of it that the engine may put in other words."""
    columns = ((column.type, column.default, column.generated, column.collation) for column in shape.columns)
    return (*columns, frozenset(shape.checks), tuple(index.on for index in shape.indexes))


def _sequences_of(shape: Shape) -> Iterator[TableName]:
    """Those that its defaults take their numbers from."""
    for column in shape.columns:
        tokens = tokens_of(column.default or "")
        for call, bracket, name in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if fold(name_of(call)) == "nextval" and bracket.text == "(" and name.kind is TokenKind.STRING:
                # A name that is none of a sequence here is one for the engine to refuse.
                with suppress(ValueError):
                    yield TableName.parse(name.text[1:-1].replace("''", "'"))

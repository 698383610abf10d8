"""What a change of a declared relation is made from: its shapes, and what the rows and an empty copy say to it."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.declare.values import ForeignKey, TableName


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """All that the catalog tells of a column. default, generated: SQL. collation: empty for none."""

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    generated: str | None = None
    collation: str = ""
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class IndexShape:
    """on: names of columns quoted as SQL, or expressions in parentheses."""

    name: str
    on: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """The whole structure of a table, or of a view, in one engine's spelling: two alike are equal.

    columns: in order. key: primary. unique, checks, foreign_keys, indexes: sorted. view: the query; None of a table.
    """

    table: TableName
    columns: tuple[ColumnShape, ...] = ()
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[IndexShape, ...] = ()
    comment: str | None = None
    view: str | None = None


# The statements that make a table anew, empty: itself first, then its indexes and comments.
Structure = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A table whose foreign keys refer to one that changes. have: in the catalog's own spelling.

    want: as declared; None where it is not, or is known to be as it was when it was stamped.
    """

    have: Shape
    want: Shape | None = None


@dataclass(frozen=True, slots=True)
class Shapes:
    """A declared relation that may have to change: as declared and as it is, spelt by the same engine.

    have: None when it is not there, under this name or an earlier one. old: the earlier name, where it still has that.
    both: an earlier name that is there beside the new one.
    children: tables whose foreign keys refer to it, those whose keys refer to them, and so on, each after what it
    refers to.
    """

    want: Shape
    have: Shape | None = None
    old: TableName | None = None
    both: TableName | None = None
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be counted before a change may be called safe. source: SQL, what stands behind FROM.

    condition: SQL, of the rows that stand in its way. shown: SQL, what of such a row a person is shown.
    """

    table: TableName
    source: str
    condition: str
    shown: str = "NULL"


@dataclass(frozen=True, slots=True)
class Answer:
    """count: rows. samples: at most three, as text. error: why it could not be counted; then count is 0."""

    count: int = 0
    samples: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What statements did to an empty copy. refused: DuckDB's words, empty when it took them all.

    left: what is still not as declared. broken: views that could be read before and cannot afterwards, with the words.
    """

    refused: str = ""
    left: Shape | None = None
    broken: tuple[tuple[TableName, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A column's name in the code of what reads its table. source: the file."""

    source: str
    column: str

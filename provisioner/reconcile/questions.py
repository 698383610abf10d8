"""Changes of a declared table -> what to count in its rows before they may be called safe, and the hazards that follow.

Pure: a question is SQL text; who runs it hands the answers back in the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from provisioner.declare.values import ForeignKey, HazardKind, Table, TableName, fold, quote
from provisioner.observe.change_values import Answer, ColumnShape, Question, Shape, Shapes
from provisioner.reconcile.change import Change, ChangeKind
from provisioner.reconcile.pairing import rename_in
from provisioner.reconcile.rebuild import refers, values_of
from provisioner.reconcile.values import Hazard
from provisioner.reconcile.wording import many

# What is written anew and is smaller than this is no danger to anybody's evening. Bytes.
REWRITE_BYTES = 256 * 1024 * 1024
# What DuckDB writes of a table in a second on an old laptop. Bytes.
_BYTES_A_SECOND = 40 * 1024 * 1024
_WIDTHS = {"VARCHAR": 24, "BLOB": 64, "BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INTEGER": 4, "DATE": 4, "FLOAT": 4}
_WIDTH = 8
# What may give a column other values.
_VALUES = frozenset({ChangeKind.TYPE, ChangeKind.NOT_NULL, ChangeKind.GENERATED})


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a question is about. fact: what is wrong with the rows counted, `{rows}` and `{samples}` filled in.

    refused: what it means that DuckDB cannot count them, its words follow; empty where that means nothing.
    """

    kind: HazardKind
    question: Question
    fact: str
    refused: str = ""


def count_rows(shapes: Shapes) -> Question:
    """How many rows there are."""
    assert shapes.have is not None
    return Question(shapes.want.table, shapes.have.table.sql, "true")


def find_doubts(
    declared: Table,
    shapes: Shapes,
    changes: tuple[Change, ...],
    parents: Mapping[TableName, tuple[Table, Shapes]],
) -> tuple[Doubt, ...]:
    """Everything that the rows may be against. parents: those that its foreign keys refer to and that may change."""
    have = shapes.have
    if have is None or have.view is not None or shapes.want.view is not None:
        return ()
    rows = _Rows(declared, shapes)
    of_columns = (doubt for change in changes for doubt in rows.doubts(change))
    found = (*of_columns, *rows.of_checks(changes), *rows.of_keys(changes), *rows.of_references(changes, parents))
    return tuple(dict.fromkeys(found))


class _Rows:
    """The rows of a table as they are, and as they will be."""

    def __init__(self, declared: Table, shapes: Shapes) -> None:
        assert shapes.have is not None
        self._declared, self._shapes, self._have = declared, shapes, shapes.have
        self._table, self._old = shapes.want.table, shapes.have.table.sql
        self._values = {fold(name): value for name, value in values_of(declared, shapes).items()}

    def doubts(self, change: Change) -> Iterator[Doubt]:
        if change.kind is ChangeKind.DROP_COLUMN and change.had and change.had.generated is None:
            column = quote(change.had.name)
            yield self._doubt(
                HazardKind.DROPS_COLUMN, self._old, f"{column} IS NOT NULL", column,
                f"{change.had.name} holds a value in {{rows}}{{samples}}",
            )  # fmt: skip
        elif change.kind is ChangeKind.TYPE and change.had and change.has and change.had.generated is None:
            yield self._lossy(change.had, change.has)
        elif change.kind is ChangeKind.GENERATED and change.had and change.has and change.had.generated is None:
            column = quote(change.had.name)
            condition = f"{column} IS DISTINCT FROM CAST(({change.has.generated}) AS {change.has.type})"
            fact = f"{change.had.name} holds something else than what it is to be generated from in {{rows}}{{samples}}"
            yield self._doubt(HazardKind.DROPS_COLUMN, self._old, condition, column, fact)
        yield from self._nulls(change)

    def _lossy(self, had: ColumnShape, has: ColumnShape) -> Doubt:
        column = quote(had.name)
        back = f"TRY_CAST(TRY_CAST({column} AS {has.type}) AS {had.type})"
        fact = f"{had.name} holds a value that {has.type} cannot in {{rows}}{{samples}}"
        return self._doubt(HazardKind.LOSSY_TYPE, self._old, f"{back} IS DISTINCT FROM {column}", column, fact)

    def _nulls(self, change: Change) -> Iterator[Doubt]:
        """What must not be NULL from now on, and whether it was made to be by another type."""
        has = change.has
        kinds = (ChangeKind.ADD_COLUMN, ChangeKind.NOT_NULL, ChangeKind.TYPE)
        if has is None or has.nullable or change.kind not in kinds:
            return
        value, word = self._value(has), "`backfill`" if change.had else "`default` or `backfill`"
        doubt = self._doubt(
            HazardKind.NULL_VIOLATION, self._old, f"({value}) IS NULL", "NULL",
            f"{has.name} would be NULL in {{rows}}; add {word} to it",
        )  # fmt: skip
        yield replace(doubt, refused=f"{has.name} cannot be filled")

    def _value(self, column: ColumnShape) -> str:
        return self._values.get(fold(column.name)) or column.default or "NULL"

    def as_they_will_be(self) -> str:
        """The rows under the declared names, with what is generated."""
        plain = [one for one in self._shapes.want.columns if one.generated is None]
        made = [one for one in self._shapes.want.columns if one.generated is not None]
        selected = ", ".join(f"CAST({self._value(one)} AS {one.type}) AS {quote(one.name)}" for one in plain)
        rows = f"(SELECT {selected} FROM {self._old})"
        if not made:
            return rows
        return f"(SELECT *, {', '.join(f'{one.generated} AS {quote(one.name)}' for one in made)} FROM {rows})"

    def of_checks(self, changes: tuple[Change, ...]) -> Iterator[Doubt]:
        """Checks that are new, or of columns whose values change."""
        new = {change.missing for change in changes if change.kind is ChangeKind.CHECK}
        touched = {fold(one.column): "" for one in changes if one.kind in _VALUES}
        for check in self._shapes.want.checks:
            if check in new or rename_in(check, touched) != check:
                fact = f"the check {check} does not hold in {{rows}}"
                yield self._doubt(HazardKind.CHECK_VIOLATION, self.as_they_will_be(), f"NOT ({check})", "NULL", fact)

    def of_references(
        self, changes: tuple[Change, ...], parents: Mapping[TableName, tuple[Table, Shapes]]
    ) -> Iterator[Doubt]:
        """Foreign keys that are new, or whose values change."""
        new = {change.missing for change in changes if isinstance(change.missing, ForeignKey)}
        touched = {fold(one.column) for one in changes if one.kind in _VALUES}
        for key in self._shapes.want.foreign_keys:
            if key in new or touched & set(map(fold, key.columns)):
                yield self._stray(key, parents.get(key.table))

    def _stray(self, key: ForeignKey, changing: tuple[Table, Shapes] | None) -> Doubt:
        whole = " AND ".join(f"child.{quote(name)} IS NOT NULL" for name in key.columns)
        rows, own = self.as_they_will_be(), key.table == self._table
        parents = rows if own else _rows_of(key.table, changing)
        condition = f"{whole} AND NOT EXISTS (SELECT 1 FROM {parents} AS parent WHERE {refers(key)})"
        fact = f"{_named(key.columns)} refers to what {key.table} does not hold in {{rows}}{{samples}}"
        if own:  # DuckDB takes no row that refers to itself
            same = " AND ".join(
                f"child.{quote(a)} = child.{quote(b)}" for a, b in zip(key.references, key.columns, strict=True)
            )
            condition = f"({condition}) OR ({same})"
            fact = fact.replace("does not hold", "does not hold, or to its own row,")
        return self._doubt(
            HazardKind.CHECK_VIOLATION, f"{rows} AS child", condition, f"child.{quote(key.columns[0])}", fact
        )

    def of_keys(self, changes: tuple[Change, ...]) -> Iterator[Doubt]:
        """Keys that are new, or whose values change."""
        touched = {fold(one.column) for one in changes if one.kind in _VALUES}
        known = {tuple(map(fold, key)) for key in (self._have.key, *self._have.unique)}
        want = self._shapes.want
        unique = [index for index in want.indexes if index.unique and index not in self._have.indexes]
        plain = [tuple(one[1:-1].replace('""', '"') if one.startswith('"') else one for one in index.on)
                 for index in unique if not any(one.startswith("(") for one in index.on)]  # fmt: skip
        for key in (want.key, *want.unique, *plain):
            names = set(map(fold, key))
            if key and (tuple(map(fold, key)) not in known or names & touched):
                yield self._twice(key)

    def _twice(self, key: tuple[str, ...]) -> Doubt:
        columns = ", ".join(map(quote, key))
        whole = " AND ".join(f"{quote(name)} IS NOT NULL" for name in key)
        source = (
            f"(SELECT {columns}, system.main.count_star() AS times FROM {self.as_they_will_be()} WHERE {whole} "
            f"GROUP BY {columns} HAVING system.main.count_star() > 1)"
        )
        shown = f"concat_ws(', ', {columns})"
        fact = f"{_named(key)} has {{values}} that more than one row holds{{samples}}"
        return self._doubt(HazardKind.DUPLICATE_KEY, source, "true", shown, fact)

    def _doubt(self, kind: HazardKind, source: str, condition: str, shown: str, fact: str) -> Doubt:
        return Doubt(kind, Question(self._table, source, condition, shown), fact)


def _rows_of(table: TableName, changing: tuple[Table, Shapes] | None) -> str:
    """What stands behind FROM for the rows that the table will hold."""
    if changing is None:
        return table.sql
    declared, shapes = changing
    if shapes.have is None:
        return f"(SELECT {', '.join(f'NULL AS {quote(one.name)}' for one in shapes.want.columns)} WHERE false)"
    return _Rows(declared, shapes).as_they_will_be()


def _named(columns: tuple[str, ...]) -> str:
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def hazards_of(doubts: tuple[Doubt, ...], answers: Mapping[Question, Answer]) -> Iterator[Hazard]:
    """The doubts that the rows confirmed."""
    for doubt in doubts:
        answer = answers.get(doubt.question, Answer())
        if answer.count:
            yield Hazard(doubt.kind, doubt.question.table, _filled(doubt.fact, answer))
        elif answer.error and doubt.refused:
            yield Hazard(doubt.kind, doubt.question.table, f"{doubt.refused}: {answer.error}")


def _filled(fact: str, answer: Answer) -> str:
    """Not `str.format`: a check may hold braces."""
    fact = fact.replace("{rows}", many(answer.count, "row")).replace("{values}", many(answer.count, "value"))
    return fact.replace("{samples}", _samples(answer))


def is_lossy(doubts: tuple[Doubt, ...], answers: Mapping[Question, Answer]) -> bool:
    """Whether a value does not fit its new type."""
    kinds = [doubt.kind for doubt in doubts if answers.get(doubt.question, Answer()).count]
    return HazardKind.LOSSY_TYPE in kinds


def _samples(answer: Answer) -> str:
    return f", such as {', '.join(answer.samples)}" if answer.samples else ""


def find_rewrite(want: Shape, rows: int) -> Hazard | None:
    """The danger of writing a large table anew: it takes its time, and room beside the old one."""
    size = rows * sum(_WIDTHS.get(column.type, _WIDTH) for column in want.columns)
    if size < REWRITE_BYTES:
        return None
    took = max(round(size / _BYTES_A_SECOND), 1)
    fact = f"{many(rows, 'row')} are written anew, about {size / 2**20:,.0f} MiB, perhaps {took:,} s"
    return Hazard(HazardKind.REWRITES_TABLE, want.table, fact)

"""Does one relation meet what is wanted of it? Pure; finds drift and, after a unit ran, verifies what it made."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.declare.values import TableKind, fold
from provisioner.observe.values import Measure, Relation, Want
from provisioner.reconcile.values import Reason
from provisioner.reconcile.wording import in_brackets, many

Fault = tuple[Reason, str]


def find_faults(want: Want, relation: Relation, measure: Measure | None) -> tuple[Fault, ...]:
    """Every way in which the relation is not what is wanted, each with the fact in words; empty when it is."""
    if relation.kind is not want.kind:
        return ((Reason.WRONG_KIND, f"is a {relation.kind}, wanted is a {want.kind}"),)
    # The structure of a declared relation is compared whole: see changes.py.
    structure = () if want.declared else tuple(_columns(want, relation))
    return (*structure, *_unknown_columns(want, relation), *_expectations(want, measure or Measure()))


def _columns(want: Want, relation: Relation) -> Iterator[Fault]:
    have = {fold(column.name): column for column in relation.columns}
    for column in want.columns:
        found = have.get(fold(column.name))
        if found is None:
            yield Reason.COLUMN_MISSING, f"has no column {column.name}"
        elif found.type != column.type:
            yield Reason.COLUMN_TYPE, f"{column.name} is {found.type}, wanted is {column.type}"


def _unknown_columns(want: Want, relation: Relation) -> Iterator[Fault]:
    """An expectation about a column that is not there is not met; nobody could have measured it."""
    have = {fold(column.name) for column in relation.columns} | {fold(column.name) for column in want.columns}
    for column in dict.fromkeys((*want.expect.not_null, *(name for key in want.expect.unique for name in key))):
        if fold(column) not in have:
            yield Reason.EXPECTATION_FAILED, f"has no column {column}, which its expectations name"


def _expectations(want: Want, measure: Measure) -> Iterator[Fault]:
    expect = want.expect
    if measure.error:
        yield Reason.EXPECTATION_FAILED, f"cannot be read: {measure.error}"
        return
    if measure.rows is not None:
        yield from _row_counts(want, measure.rows)
    for column in expect.not_null:
        if nulls := measure.nulls.get(column):
            yield Reason.EXPECTATION_FAILED, f"{many(nulls, 'row')} without {column}, expected is not_null"
    for key in expect.unique:
        if surplus := measure.duplicates.get(key):
            yield Reason.EXPECTATION_FAILED, f"{many(surplus, 'row')} too many for a unique {in_brackets(key)}"


def _row_counts(want: Want, rows: int) -> Iterator[Fault]:
    expect = want.expect
    if expect.rows is not None and rows != expect.rows:
        yield Reason.EXPECTATION_FAILED, f"{many(rows, 'row')}, expected are exactly {expect.rows:,}"
    if expect.min_rows is not None and rows < expect.min_rows:
        yield Reason.EXPECTATION_FAILED, f"{many(rows, 'row')}, expected are at least {expect.min_rows:,}"
    if expect.max_rows is not None and rows > expect.max_rows:
        yield Reason.EXPECTATION_FAILED, f"{many(rows, 'row')}, expected are at most {expect.max_rows:,}"


def replaceable(relation: Relation) -> bool:
    """Whether nothing is lost when the relation goes: a view, or a table proved empty."""
    return relation.kind is TableKind.VIEW or relation.rows == 0

"""One transaction that holds a unit's effect, its verification and its stamp: all of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace

import duckdb

from provisioner.errors import StepError
from provisioner.execute.stamps import are_on_record, create_records, grant, withdraw
from provisioner.execute.verify import verify
from provisioner.observe.change_values import Shape
from provisioner.observe.records import read_records
from provisioner.observe.shape import digest_of_shape, read_shapes
from provisioner.observe.values import Mark, Parts, Stamp, Unit, UnitKind

Connection = duckdb.DuckDBPyConnection
# Where a fingerprint should be, and no hash.
_OF_NOTHING = "-"


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Commit at the end, roll back on any error."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def make(
    connection: Connection,
    unit: Unit,
    stamps: tuple[Stamp, ...],
    effect: Callable[[], Shape | None],
    bounded: AbstractContextManager[object],
) -> int | None:
    """Withdraw, act, verify, grant. Returns the rows made, None for views.

    effect: gives the shape of what it made, where it knows it.
    bounded: entered around all that may be interrupted; a COMMIT or ROLLBACK never is.

    The mark is written first: should the effect commit by itself and die, what it left is `interrupted`, never trusted.
    Raises what the effect raises, and StepError when it ended the transaction or the verification fails.
    """
    with transaction(connection), bounded:
        create_records(connection)
        withdraw(connection, marks_of(connection, unit, stamps))
        begun = _transaction_id(connection)
        shape = effect()
        if _transaction_id(connection) != begun:
            raise StepError(
                f"{unit.id} ended the transaction that it was given.",
                code="transaction_ended",
                cure=f"Take commit, rollback and begin out of {unit.source}: provision commits what was verified.",
            )
        rows = verify(connection, unit)
        grant(connection, with_shapes(connection, unit, stamps, shape))
    read_back(connection, unit, stamps)
    return rows


def marks_of(connection: Connection, unit: Unit, stamps: tuple[Stamp, ...]) -> list[Mark]:
    """Should the effect commit by itself, what it left is not trusted; but what was protected stays so.

    For that a mark keeps a stamp with a fingerprint that nothing has.
    """
    trusted, marked = read_records(connection, [stamp.table.key[1] for stamp in stamps])
    before = {**{table: mark.stamp for table, mark in marked.items()}, **trusted}
    protected = {
        table: Stamp(table, unit.id, _OF_NOTHING, _OF_NOTHING, Parts(), stamp.run, stamp.at, protect=True)
        for table, stamp in before.items()
        if stamp is not None and stamp.protect
    }
    return [Mark(one.table, unit.id, one.run, existed=True, stamp=protected.get(one.table)) for one in stamps]


def with_shapes(
    connection: Connection, unit: Unit, stamps: tuple[Stamp, ...], shape: Shape | None = None
) -> tuple[Stamp, ...]:
    """Of a declared relation the stamp remembers in what words the catalog tells of it. shape: that, where known."""
    if unit.kind is not UnitKind.DECLARED:
        return stamps
    shapes = {shape.table: shape} if shape else read_shapes(connection, unit.tables)
    return tuple(replace(stamp, shape=digest_of_shape(shapes[stamp.table])) for stamp in stamps)


def _transaction_id(connection: Connection) -> int:
    # By its full name: a macro of the step may be called like it.
    row = connection.execute("SELECT system.main.txid_current()").fetchone()
    assert row is not None
    return int(row[0])


def read_back(connection: Connection, unit: Unit, stamps: tuple[Stamp, ...]) -> None:
    """Raises StepError when the commit did not hold."""
    if not are_on_record(connection, stamps):
        raise StepError(
            f"{unit.id}: the database did not keep what was committed.", code="commit_lost", cure="Run it again."
        )


def adopt(
    connection: Connection, unit: Unit, stamps: tuple[Stamp, ...], bounded: AbstractContextManager[object]
) -> int | None:
    """Trust what is there: verify and grant. Returns its rows. bounded: as for `make`."""
    with transaction(connection), bounded:
        create_records(connection)
        rows = verify(connection, unit)
        grant(connection, with_shapes(connection, unit, stamps))
    read_back(connection, unit, stamps)
    return rows

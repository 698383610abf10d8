"""One action that is not dbt's: it runs in this process, or (python) in a child of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import duckdb

from provisioner.declare.values import Step
from provisioner.errors import StepError
from provisioner.execute.bounds import Bounds
from provisioner.execute.live import bypass_wal
from provisioner.execute.python_client import run_python
from provisioner.execute.runners.ddl import drop_relation
from provisioner.execute.runners.load import load
from provisioner.execute.runners.migrate import migrate, verify_shape
from provisioner.execute.runners.sql import run_sql
from provisioner.execute.setting import Setting
from provisioner.execute.stamps import create_records, forget
from provisioner.execute.transaction import adopt, make, transaction
from provisioner.observe.change_values import Shape
from provisioner.observe.database import translate
from provisioner.observe.fence import Fence, fence_of_step
from provisioner.observe.files import read_text, resolve_input
from provisioner.observe.values import Unit, UnitKind
from provisioner.observe.watch import refuse_changes
from provisioner.reconcile.values import Action, Mend

_SETS = re.compile(r"\b(?:set|reset|pragma)\b", re.IGNORECASE)
_ALTERS = re.compile(r"\balter\b", re.IGNORECASE)
Effect = Callable[[duckdb.DuckDBPyConnection, Unit, Setting, Bounds], None]


def run_single(action: Action, setting: Setting) -> int | None:
    """Carry out the action. Returns the rows of its tables, None when nobody counted. Raises ProvisionError."""
    unit = setting.graph.units.get(action.unit)
    try:
        if unit is None or action.mend is Mend.SWEEP:
            _drop(setting.live.connection, action)
            return None
        if action.mend is Mend.ADOPT:
            connection = setting.live.connection
            return adopt(connection, unit, setting.stamps(unit), Bounds(connection, unit, setting.stop))
        if unit.kind is UnitKind.PYTHON:
            setting.live.release()
            return run_python(unit, setting)
        with _opened(unit, setting) as connection:
            return _migrate(connection, unit, action, setting) if action.migration else _make(connection, unit, setting)
    except duckdb.Error as error:
        translated = translate(error, setting.live.path)
        if isinstance(error, duckdb.FatalException):
            # DuckDB does nothing more in this connection; the next unit opens the database anew.
            setting.live.release()
        raise StepError(
            f"{action.unit or action.tables[0]} failed: {translated.message}",
            code=translated.code,
            cure=translated.cure,
        ) from error
    except OSError as error:
        raise translate(error, setting.live.path) from error


def _opened(unit: Unit, setting: Setting) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if not setting.manifest.policy.sandbox_sql or unit.kind is UnitKind.DECLARED:
        return setting.live.fresh()
    return setting.live.apart(_fence(unit, setting))


def _fence(unit: Unit, setting: Setting) -> Fence | None:
    """Of a sql step alone: what a load may read is in the manifest."""
    if not setting.manifest.policy.sandbox_sql or unit.kind is not UnitKind.SQL:
        return None
    return fence_of_step(_step(unit, setting), setting.manifest.folder)


def _step(unit: Unit, setting: Setting) -> Step:
    assert unit.step is not None
    return setting.manifest.step(unit.step)


def _drop(connection: duckdb.DuckDBPyConnection, action: Action) -> None:
    """An orphan goes with what is on record about it, or that alone; of a unit only what dbt left beside its tables."""
    with transaction(connection):
        create_records(connection)
        for table in action.leftovers or action.tables:
            if action.mend is not Mend.FORGET:
                drop_relation(connection, table)
            forget(connection, table)


def _make(connection: duckdb.DuckDBPyConnection, unit: Unit, setting: Setting) -> int | None:
    watch, bounds = setting.watch(unit), Bounds(connection, unit, setting.stop)

    def effect() -> None:
        EFFECTS[unit.kind](connection, unit, setting, bounds)
        refuse_changes(watch.changed(), f"while {unit.id} was made")

    return make(connection, unit, setting.stamps(unit), effect, bounds)


def _migrate(connection: duckdb.DuckDBPyConnection, unit: Unit, action: Action, setting: Setting) -> int | None:
    """What alters a table does not pass through the WAL: DuckDB cannot replay all of it."""
    migration = action.migration
    assert migration is not None
    if action.mend is Mend.ALTER:
        setting.live.renew()
        bypass_wal(connection)

    def effect() -> Shape | None:
        migrate(connection, unit, migration)
        made = action.mend is Mend.CREATE
        return verify_shape(connection, unit, migration.want, setting.foretold.get(unit.tables[0]) if made else None)

    return make(connection, unit, setting.stamps(unit), effect, Bounds(connection, unit, setting.stop))


def _sql(connection: duckdb.DuckDBPyConnection, unit: Unit, setting: Setting, _: Bounds) -> None:
    text, fence = read_text(setting.manifest.folder / unit.source), _fence(unit, setting)
    if fence is None and _SETS.search(text):
        setting.live.renew()
    if fence is None and _ALTERS.search(text):
        setting.live.renew()
        bypass_wal(connection)
    run_sql(connection, unit, text, unit.source, fence, database=setting.live.path)


def _load(connection: duckdb.DuckDBPyConnection, unit: Unit, setting: Setting, bounds: Bounds) -> None:
    step = _step(unit, setting)
    paths = resolve_input(step.source, setting.manifest.folder)
    load(
        connection, unit.wants[0], paths, format=step.format, options=step.options, database=setting.live.path,
        is_over=bounds.over,
    )  # fmt: skip


EFFECTS: dict[UnitKind, Effect] = {UnitKind.SQL: _sql, UnitKind.LOAD: _load}

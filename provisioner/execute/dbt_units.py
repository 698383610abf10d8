"""dbt units: one invocation in the worker for a whole batch, then each node is verified and trusted by itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import duckdb

from provisioner.errors import ProvisionError
from provisioner.execute.aside import put_aside, put_back
from provisioner.execute.bounds import Bounds
from provisioner.execute.dbt_settle import Record, Results, let_go_of, settle
from provisioner.execute.setting import Setting
from provisioner.observe.watch import refuse_changes
from provisioner.reconcile.values import Action


def run_dbt(actions: Sequence[Action], setting: Setting, record: Record) -> None:
    """Run the batch, and again what is worth a retry; every action ends in exactly one call of `record.finished`."""
    rest, attempt = tuple(actions), 1
    while rest:
        try:
            results = _invoke(rest, setting, record, attempt)
            rest = settle(rest, results, setting, record, attempt)
        except BaseException:
            _give_up(rest, setting)
            raise
        attempt += 1


def _give_up(actions: Sequence[Action], setting: Setting) -> None:
    """Whatever ended us, the tables that were put aside come back now, not at the next apply."""
    assert setting.worker is not None
    setting.worker.end()
    with suppress(duckdb.Error, ProvisionError):
        for action in actions:
            put_back(setting.live.connection, setting.graph.units[action.unit])


def _invoke(actions: Sequence[Action], setting: Setting, record: Record, attempt: int) -> Results:
    """Withdraw, then act. The worker has the database to itself. An error instead of a result: dbt never began."""
    units = [setting.graph.units[action.unit] for action in actions]
    by_id = {action.unit: action for action in actions}
    nodes = [unit.dbt for unit in units if unit.dbt is not None]
    assert setting.worker is not None

    def on_event(event: dict[str, object]) -> None:
        action = by_id.get(str(event.get("node")))
        if action is None:
            if event["event"] == "node_finished" and event["status"] == "error":
                record.failed_beside(str(event["message"]))  # a hook of the project, on-run-start or on-run-end
            return
        if event["event"] == "node_started":
            record.started(action, attempt)
        elif event["event"] == "node_finished":
            record.made(action, str(event["status"]), _seconds(event))

    try:
        connection = setting.live.connection
        # All are of one step, and have its timeout.
        in_place = put_aside(connection, units, setting.run, Bounds(connection, units[0], setting.stop))
        setting.live.release()
        results = setting.worker.run(
            nodes[0].command,
            nodes,
            # Into a seed's table that is there dbt copies by position: moved columns would swap their values.
            full_refresh=actions[0].full_refresh or (nodes[0].command == "seed" and bool(in_place)),
            fail_fast=setting.fail_fast,
            on_event=on_event,
            timeout=units[0].timeout,
            patience=setting.live.patience,
            should_stop=lambda: setting.stop.requested,
        )
        refuse_changes(setting.changed_since(nodes[0].command), "while dbt ran")
        return dict(results)
    except ProvisionError as error:
        return {unit.id: error for unit in units}
    except duckdb.Error as error:
        failed = let_go_of(setting, error)
        return {unit.id: failed for unit in units}


def _seconds(event: dict[str, object]) -> float:
    seconds = event.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0

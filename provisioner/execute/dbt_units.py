"""dbt units: one invocation in the worker for a whole batch, then each node is verified and trusted by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provisioner.errors import DbtError, ProvisionError, StepError
from provisioner.execute.aside import accept, put_aside, put_back
from provisioner.execute.dbt_client import NodeResult
from provisioner.execute.endings import skipped, stopped, timed_out
from provisioner.execute.events import NodeFinished, Outcome
from provisioner.execute.setting import Setting
from provisioner.observe.values import DbtNode, Unit
from provisioner.reconcile.values import Action

Started = Callable[[Action, int], None]
Finished = Callable[[Action, Outcome, float, int | None, ProvisionError | None], None]
BlockedBy = Callable[[str], str | None]


def run_dbt(
    actions: Sequence[Action], setting: Setting, started: Started, finished: Finished, blocked_by: BlockedBy
) -> None:
    """Run the batch, and again what is worth a retry; every action ends in exactly one call of `finished`."""
    rest, attempt = tuple(actions), 1
    while rest:
        results = _invoke(rest, setting, started, attempt)
        rest = tuple(
            action
            for action in rest
            if not _settle(action, results[action.unit], setting, finished, blocked_by, attempt)
        )
        attempt += 1


def _invoke(actions: Sequence[Action], setting: Setting, started: Started, attempt: int) -> dict[str, NodeResult]:
    """Withdraw, then act. The database is closed while the worker has it."""
    units = [setting.graph.units[action.unit] for action in actions]
    by_id = {action.unit: action for action in actions}
    nodes = [unit.dbt for unit in units if unit.dbt is not None]
    assert setting.worker is not None
    put_aside(setting.live.connection, units, setting.run)
    setting.live.release()

    def on_event(event: dict[str, object]) -> None:
        action = by_id.get(str(event.get("node")))
        if action is None:
            return
        if event["event"] == "node_started":
            started(action, attempt)
        elif event["event"] == "node_finished":
            setting.tell(NodeFinished(setting.run, action.unit, str(event["status"]), _seconds(event)))

    try:
        return setting.worker.run(
            nodes[0].command,
            nodes,
            full_refresh=actions[0].full_refresh,
            on_event=on_event,
            timeout=units[0].timeout,
            should_stop=lambda: setting.stop.requested,
        )
    except DbtError as error:
        # The worker died, or could not even begin: every node of the batch has that error.
        failed = NodeResult(status="error", seconds=0.0, message=error.message)
        return {node.unique_id: failed for node in nodes}


def _seconds(event: dict[str, object]) -> float:
    seconds = event.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _settle(
    action: Action, result: NodeResult, setting: Setting, finished: Finished, blocked_by: BlockedBy, attempt: int
) -> bool:
    """Verify and grant, or put back. False when the node is to be run once more."""
    unit = setting.graph.units[action.unit]
    connection = setting.live.connection
    source = blocked_by(unit.id)
    error = skipped(source) if source else _error(unit, result, setting)
    rows = None
    if error is None:
        try:
            rows = accept(connection, unit, setting.stamps(unit))
        except ProvisionError as refused:
            error = refused
    if error is not None:
        put_back(connection, unit)
        if not source and not setting.stop.requested and _again(unit, result, attempt):
            return False
    finished(action, _outcome(error), result.seconds, rows, error)
    return True


def _again(unit: Unit, result: NodeResult, attempt: int) -> bool:
    """A node that the end of the worker kept from running gets its turn; one that failed, as often as its step allows."""
    return result.status == "not_run" or attempt <= unit.retries


def _error(unit: Unit, result: NodeResult, setting: Setting) -> ProvisionError | None:
    node = unit.dbt
    assert node is not None
    if result.status == "success":
        return None
    if result.status == "timeout":
        return timed_out(unit)
    if result.status == "stopped" or setting.stop.requested:
        return stopped(setting.stop)
    if result.status == "skipped":
        return StepError("dbt skipped it, because something it reads failed.", code="skipped")
    return StepError(f"dbt: {result.message}", code="dbt_node_failed", cure=_cure(node, setting))


def _cure(node: DbtNode, setting: Setting) -> str:
    project = setting.manifest.dbt
    assert project is not None
    return f"Mend {project.project_dir / node.path}, then run `provision apply` again: only what is missing is done."


def _outcome(error: ProvisionError | None) -> Outcome:
    if error is None:
        return Outcome.DONE
    return {"skipped": Outcome.SKIPPED, "stopped": Outcome.STOPPED}.get(error.code, Outcome.FAILED)

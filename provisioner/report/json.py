"""Values as JSON, for programs. The format is documented in docs/commands.md; `format` counts up when it changes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from provisioner.declare.values import Manifest
from provisioner.errors import ManifestError, Problem, ProvisionError
from provisioner.execute.history import History
from provisioner.execute.values import Run, UnitResult
from provisioner.reconcile.values import Action, Drift, Plan, Rehearsed
from provisioner.report.converged import FORMAT, empty_plan_json, empty_run_json
from provisioner.report.words import LONGEST_MESSAGE, LONGEST_PROBLEM, cut


def plan_json(plan: Plan, manifest: Manifest) -> dict[str, Any]:
    """The plan with all its reasons."""
    return empty_plan_json(manifest) | {
        "converged": plan.converged,
        "estimate_seconds": plan.estimate,
        "actions": [_action(action, manifest) for action in plan.actions],
        "by_hand": [_drift(one) for one in plan.by_hand],
        "orphans": [_drift(one) for one in plan.orphans],
        "rehearsed": [_rehearsed(one) for one in plan.rehearsed],
    }


def _action(action: Action, manifest: Manifest) -> dict[str, Any]:
    return {
        "action": str(action.mend),
        "unit": action.unit,
        "kind": str(action.kind) if action.kind else None,
        "tier": manifest.tiers[action.tier] if action.unit else None,
        "tables": [str(table) for table in action.tables],
        "reasons": [_drift(one) for one in action.reasons],
        "hazards": [
            {"kind": str(hazard.kind), "table": str(hazard.table), "fact": hazard.fact} for hazard in action.hazards
        ],
        "estimate_seconds": action.estimate,
        "full_refresh": action.full_refresh,
        "statements": list(action.migration.statements) if action.migration else [],
    }


def _drift(one: Drift) -> dict[str, str]:
    return {"table": str(one.table), "reason": str(one.reason), "fact": one.fact, "place": one.place}


def _rehearsed(one: Rehearsed) -> dict[str, Any]:
    return {"table": str(one.table), "seconds": round(one.seconds, 3), "rows": one.rows, "error": one.error or None}


def run_json(run: Run, manifest: Manifest) -> dict[str, Any]:
    """A run with every unit; its plan is not repeated."""
    return empty_run_json(manifest, run.seconds) | {
        "run": run.id or None,
        "outcome": str(run.outcome),
        "missing": [str(table) for table in run.missing],
        "made": [str(table) for table in run.made],
        "units": [_unit(result) for result in run.units],
        "error": _error(run.error) if run.error else None,
    }


def _unit(result: UnitResult) -> dict[str, Any]:
    return {
        "unit": result.unit,
        "kind": result.kind,
        "tables": [str(table) for table in result.tables],
        "outcome": str(result.outcome),
        "seconds": round(result.seconds, 3),
        "rows": result.rows,
        "error": _error(result.error) if result.error else None,
    }


def error_json(error: ProvisionError) -> dict[str, Any]:
    """An error, with the first problems of a manifest, and how many there are."""
    body = {"format": FORMAT, "error": _error(error)}
    if not isinstance(error, ManifestError):
        return body
    return {**body, "problem_count": len(error.problems), "problems": [_problem(one) for one in error.told]}


def _problem(one: Problem) -> dict[str, str]:
    message, cure = (cut(text, LONGEST_PROBLEM) for text in (one.message, one.cure))
    return {"place": one.place, "code": one.code, "message": message, "cure": cure}


def _error(error: ProvisionError) -> dict[str, str]:
    message, cure = (cut(text, LONGEST_MESSAGE) for text in (error.message, error.cure))
    return {"code": error.code, "message": message, "cure": cure}


def history_json(history: History) -> dict[str, Any]:
    """Every run on record, oldest first."""
    return {"format": FORMAT, "runs": [asdict(run) for run in history.runs], "damage": history.damage or None}

"""provision: declarative migration and provisioning for DuckDB.

    import provisioner
    provisioner.ensure("manifests/workforce.yaml")

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

# As in `typing`, which takes a moment to import: whoever presses Ctrl-C in it would get a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from provisioner.declare.values import Manifest
    from provisioner.errors import (
        BusyError,
        DatabaseError,
        DbtError,
        HazardError,
        InputError,
        ManifestError,
        NotConvergedError,
        PlanError,
        ProvisionError,
        StepError,
        StoppedError,
        UsageError,
    )
    from provisioner.execute.events import Event, Outcome
    from provisioner.execute.interrupt import Stop
    from provisioner.execute.values import Run, UnitResult
    from provisioner.face import apply, ensure, import_database, load_manifest, plan
    from provisioner.reconcile.values import Action, Drift, Hazard, Plan, Reason

_HOMES = {
    "provisioner.declare.values": ("Manifest",),
    "provisioner.errors": (
        "BusyError",
        "DatabaseError",
        "DbtError",
        "HazardError",
        "InputError",
        "ManifestError",
        "NotConvergedError",
        "PlanError",
        "ProvisionError",
        "StepError",
        "StoppedError",
        "UsageError",
    ),
    "provisioner.execute.events": ("Event", "Outcome"),
    "provisioner.execute.interrupt": ("Stop",),
    "provisioner.execute.values": ("Run", "UnitResult"),
    "provisioner.face": ("apply", "ensure", "import_database", "load_manifest", "plan"),
    "provisioner.reconcile.values": ("Action", "Drift", "Hazard", "Plan", "Reason"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Action",
    "BusyError",
    "DatabaseError",
    "DbtError",
    "Drift",
    "Event",
    "Hazard",
    "HazardError",
    "InputError",
    "Manifest",
    "ManifestError",
    "NotConvergedError",
    "Outcome",
    "Plan",
    "PlanError",
    "ProvisionError",
    "Reason",
    "Run",
    "StepError",
    "Stop",
    "StoppedError",
    "UnitResult",
    "UsageError",
    "apply",
    "ensure",
    "import_database",
    "load_manifest",
    "plan",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)

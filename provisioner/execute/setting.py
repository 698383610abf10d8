"""What every unit of a run works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from provisioner.declare.values import Manifest, TableName
from provisioner.execute.dbt_client import DbtWorker
from provisioner.execute.events import Listener
from provisioner.execute.interrupt import Stop
from provisioner.execute.live import Live
from provisioner.execute.stamps import make_stamps
from provisioner.observe.change_values import Shape
from provisioner.observe.values import Graph, Stamp, Unit
from provisioner.observe.watch import Watch
from provisioner.reconcile.values import Fingerprint


@dataclass(frozen=True, slots=True)
class Setting:
    """run: its id. guard: the descriptor that children inherit, so that an orphan keeps the lock busy.

    changed_since: for a command of dbt's, the files of its nodes that changed since the plan was made. watch: what the
    step of any other unit depends on, from when it begins. worker: None without dbt. protected: tables that are
    protected in the database. foretold: what the catalog will tell of tables that are yet to be made, where looking
    into it takes long.
    """

    manifest: Manifest
    graph: Graph
    fingerprints: Mapping[str, Fingerprint]
    run: str
    tell: Listener
    stop: Stop
    live: Live
    changed_since: Callable[[str], tuple[str, ...]]
    watch: Callable[[Unit], Watch]
    guard: int | None = None
    worker: DbtWorker | None = None
    fail_fast: bool = False
    protected: frozenset[TableName] = frozenset()
    foretold: Mapping[TableName, Shape] = field(default_factory=dict)

    def stamps(self, unit: Unit) -> tuple[Stamp, ...]:
        """What the unit's tables get when they are verified."""
        return make_stamps(unit, self.fingerprints[unit.id], self.run, self.protected)

"""How a plan is to be carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioner.declare.values import Allowance
from provisioner.execute.kept_plan import KeptPlan
from provisioner.execute.request import Names
from provisioner.reconcile.values import Plan


@dataclass(frozen=True, slots=True)
class Terms:
    """What whoever asks for an apply wishes.

    names: what is narrowed or added. allow: hazards that need no question. agree: asked when others remain.
    kept: the saved plan that alone may be carried out, None for whatever plan is made.
    show: gets every plan that is about to be carried out. restart: make again what the incomplete run made.
    recreate: set a database aside that cannot be used any more.
    without_wal: go on without a WAL that cannot be replayed, whosever work it holds.
    lock_timeout: seconds, None waits for ever. command: for the journal and for whoever waits for the lock.
    """

    names: Names = Names()
    allow: frozenset[Allowance] = frozenset()
    agree: Callable[[Plan], bool] = lambda plan: False
    show: Callable[[Plan], None] = lambda plan: None
    fail_fast: bool = False
    restart: bool = False
    recreate: bool = False
    without_wal: bool = False
    lock_timeout: float | None = 300.0
    command: str = "provision apply"
    kept: KeptPlan | None = None

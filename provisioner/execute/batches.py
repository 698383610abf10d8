"""Actions -> batches: what is carried out in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from provisioner.observe.values import Graph
from provisioner.reconcile.values import Action, Mend

Batch = tuple[Action, ...]


def batches(actions: Iterable[Action], graph: Graph) -> Iterator[Batch]:
    """Adjacent dbt units of one command and one step make one invocation; every other action stands alone."""
    for invocation, group in groupby(actions, key=lambda action: _invocation(action, graph)):
        batch = tuple(group)
        yield from ((action,) for action in batch) if invocation is None else (batch,)


def _invocation(action: Action, graph: Graph) -> tuple[str, str | None, bool] | None:
    """What the actions of one invocation share; None for an action that is not dbt's."""
    dbt = graph.units[action.unit].dbt if action.mend is Mend.RUN else None
    return (dbt.command, graph.units[action.unit].step, action.full_refresh) if dbt else None

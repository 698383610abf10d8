"""Actions -> batches: what is carried out in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from provisioner.observe.values import Graph, UnitKind
from provisioner.reconcile.values import Action, Mend

Batch = tuple[Action, ...]


def batches(actions: Iterable[Action], graph: Graph) -> Iterator[Batch]:
    """Adjacent dbt units of one command and one step make one invocation; every other action stands alone."""
    for (_, command), group in groupby(enumerate(actions), key=lambda item: _key(*item, graph)):
        batch = tuple(action for _, action in group)
        yield from ([batch] if command else [(action,) for action in batch])


def _key(number: int, action: Action, graph: Graph) -> tuple[int, tuple[str, str | None, bool] | None]:
    if action.mend is not Mend.RUN or action.kind is not UnitKind.DBT:
        return number, None
    unit = graph.units[action.unit]
    assert unit.dbt is not None
    return -1, (unit.dbt.command, unit.step, action.full_refresh)

"""The changes of declared relations in one plan, each drawn up once, and which of them belong together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from provisioner.declare.values import TableName
from provisioner.observe.values import Catalog, Graph, Unit
from provisioner.reconcile.draft import Draft, choose, draw_up, hazards
from provisioner.reconcile.values import Action, Drift, Mend, Migration


class Alterations:
    """Units are named by their ids."""

    def __init__(self, catalog: Catalog, graph: Graph) -> None:
        self._catalog, self._graph = catalog, graph
        self._called = {shapes.old: table for table, shapes in catalog.shapes.items() if shapes.old}
        self._makers = graph.makers() if catalog.shapes else {}
        self._known: dict[str, tuple[Draft | None, Migration | None]] = {}

    def loosened_by(self, unit: str) -> tuple[str, ...]:
        """Those whose foreign keys the change of this one leaves out: they have to be changed as well, after it."""
        _, way = self._drawn_up(unit)
        return tuple(self._units(way.loosened)) if way else ()

    def carried_by(self, unit: str) -> tuple[str, ...]:
        """Those that the change of this one carries along as they are: they are changed themselves after that.

        Whoever is to refer to such a table from now on comes first all the same.
        """
        _, way = self._drawn_up(unit)
        carried = self._units(way.also) if way else ()
        return tuple(one for one in carried if one not in self._graph.behind(unit))

    def actions(self, unit: Unit, drift: Iterable[Drift], remade: Set[TableName]) -> Iterator[Action]:
        """What one migration mends, and nothing where a person has to go first. remade: as for `hazards`."""
        reasons = tuple(drift)
        mends = {one.mend for one in reasons}
        if not mends or Mend.BY_HAND in mends:
            return
        mend = next((mend for mend in (Mend.CREATE, Mend.ALTER) if mend in mends), Mend.ADOPT)
        draft, way = self._drawn_up(unit.id)
        if mend is Mend.ADOPT or draft is None or way is None:
            yield Action(Mend.ADOPT, unit.id, unit.kind, unit.tier, unit.tables, reasons)
            return
        dangers = tuple(hazards(draft, way, self._catalog, remade))
        yield Action(mend, unit.id, unit.kind, unit.tier, unit.tables, reasons, dangers, migration=way)

    def _drawn_up(self, unit: str) -> tuple[Draft | None, Migration | None]:
        if unit not in self._known:
            draft = draw_up(self._graph.units[unit].wants[0], self._catalog, self._graph)
            self._known[unit] = draft, choose(draft, self._catalog) if draft else None
        return self._known[unit]

    def _units(self, tables: Iterable[TableName]) -> Iterator[str]:
        """Of those of the tables that are declared, be it under a new name."""
        names = (self._called.get(table, table) for table in tables)
        return (self._makers[name].id for name in names if name in self._makers)

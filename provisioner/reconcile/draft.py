"""What is to be done about one declared relation: its changes, the doubts about them, and the ways of making them.

Pure. It is drawn up three times, with ever more on record in the catalog: to know what to count in the rows, what to
rehearse, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from provisioner.declare.values import HazardKind, Table, TableName, fold
from provisioner.observe.change_values import Answer, Question, Rehearsal, Shape, Shapes
from provisioner.observe.values import DECLARED_ID, Catalog, Graph, Want
from provisioner.reconcile.change import Change
from provisioner.reconcile.changes import find_changes
from provisioner.reconcile.migrate import create, find_ways
from provisioner.reconcile.pairing import find_ambiguous
from provisioner.reconcile.questions import Doubt, count_rows, find_doubts, find_rewrite, hazards_of, is_lossy
from provisioner.reconcile.values import Hazard, Migration


@dataclass(frozen=True, slots=True)
class Draft:
    """changes: none where it is to be made, or is as declared. ways: the cheapest first; none where nothing differs.

    stuck: why nobody but a person can go on, in words.
    """

    declared: Table
    shapes: Shapes
    changes: tuple[Change, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    ways: tuple[Migration, ...] = ()
    stuck: tuple[str, ...] = ()

    @property
    def questions(self) -> tuple[Question, ...]:
        """What to count before anything of it may be called safe."""
        if not self.changes or self.shapes.want.view is not None:
            return ()
        return (count_rows(self.shapes), *(doubt.question for doubt in self.doubts))

    @property
    def gone(self) -> tuple[str, ...]:
        """The columns of a table that are there under these names and will not be."""
        if self.shapes.have is None or not self.ways:
            return ()
        kept = {fold(column.name) for column in self.shapes.want.columns}
        return tuple(column.name for column in self.shapes.have.columns if fold(column.name) not in kept)


def draw_up(want: Want, catalog: Catalog, graph: Graph) -> Draft | None:
    """None where the relation is known to be as it was when it was stamped."""
    shapes, declared = catalog.shapes.get(want.table), want.declaration
    if shapes is None or declared is None:
        return None
    if stuck := find_ambiguous(declared, shapes):
        return Draft(declared, shapes, stuck=stuck)
    if shapes.have is None:
        return Draft(declared, shapes, ways=(create(shapes.want, graph.sequences),))
    if not (changes := find_changes(declared, shapes)):
        return Draft(declared, shapes)
    doubts = find_doubts(declared, shapes, changes, _changing(shapes.want, catalog, graph))
    lossy = is_lossy(doubts, catalog.answers)
    ways = find_ways(declared, shapes, changes, graph.sequences, lossy=lossy)
    return Draft(declared, shapes, changes, doubts, ways)


def _changing(want: Shape, catalog: Catalog, graph: Graph) -> dict[TableName, tuple[Table, Shapes]]:
    """Of the tables that its foreign keys refer to, those that may change in the same plan."""
    found = {}
    for key in want.foreign_keys:
        if (shapes := catalog.shapes.get(key.table)) is not None:
            declared = graph.units[f"{DECLARED_ID}{shapes.want.table}"].wants[0].declaration
            assert declared is not None
            found[key.table] = (declared, shapes)
    return found


def choose(draft: Draft, catalog: Catalog) -> Migration | None:
    """The first way that a rehearsal did not refuse; None where all were."""
    if draft.shapes.have is None:
        return draft.ways[0] if draft.ways else None
    return next((way for way in draft.ways if not _refusal(draft, way, catalog)), None)


def refusals(draft: Draft, catalog: Catalog) -> tuple[str, ...]:
    """Why no way leads there, in words: of the last one that was tried."""
    return tuple(_refusal(draft, way, catalog) for way in draft.ways[-1:])


def is_refused(draft: Draft, way: Migration, catalog: Catalog) -> bool:
    """Whether its rehearsal failed, or it did not lead where it was to."""
    return bool(_refusal(draft, way, catalog))


def _refusal(draft: Draft, way: Migration, catalog: Catalog) -> str:
    rehearsal = catalog.rehearsals.get((draft.shapes.want.table, way.statements))
    if rehearsal is None:
        return ""
    if rehearsal.refused:
        return f"DuckDB refuses: {rehearsal.refused}"
    if rehearsal.left is None:
        return "nothing was left of it in a rehearsal"
    left = find_changes(draft.declared, Shapes(draft.shapes.want, rehearsal.left))
    return "; ".join(change.fact for change in left)


def hazards(draft: Draft, way: Migration, catalog: Catalog, remade: Set[TableName] = frozenset()) -> Iterator[Hazard]:
    """What the rows, the rehearsal and the code of others say against it. remade: what the plan makes anew as well."""
    table = draft.shapes.want.table
    yield from hazards_of(draft.doubts, catalog.answers)
    if way.rewrites and (rewrite := find_rewrite(draft.shapes.want, _rows(draft, catalog))):
        yield rewrite
    rehearsal = catalog.rehearsals.get((table, way.statements), Rehearsal())
    yield from broken_views(table, rehearsal, remade if draft.shapes.old is None else {*remade, draft.shapes.old})
    for mention in catalog.mentions.get(table, ()):
        fact = f"{mention.source} reads it and names {mention.column}, which would be gone"
        yield Hazard(HazardKind.BREAKS_VIEW, table, fact)


def broken_views(table: TableName, rehearsal: Rehearsal, remade: Set[TableName]) -> Iterator[Hazard]:
    """Those that cannot be read any more. remade: what the plan makes anew or drops as well."""
    for view, words in rehearsal.broken:
        if view not in remade:
            yield Hazard(HazardKind.BREAKS_VIEW, table, f"the view {view} could not be read any more: {words}")


def _rows(draft: Draft, catalog: Catalog) -> int:
    return catalog.answers.get(count_rows(draft.shapes), Answer()).count

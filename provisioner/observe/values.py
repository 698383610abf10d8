"""What is: the live catalog, and the graph of what the manifest wants, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.declare.values import Column, Expect, Place, Selection, Sequence, Table, TableKind, TableName
from provisioner.observe.change_values import Answer, Mention, Question, Rehearsal, Shapes, Structure


class UnitKind(StrEnum):
    """DECLARED stands for the table that the manifest itself makes; the others are the four kinds of step."""

    DECLARED = "declared"
    LOAD = "load"
    SQL = "sql"
    PYTHON = "python"
    DBT = "dbt"


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column as the catalog has it. type: canonical text (see observe/types.py)."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view of the live database. rows: exact where it was counted, else None. key: primary key columns."""

    name: TableName
    kind: TableKind
    columns: tuple[ColumnFact, ...]
    key: tuple[str, ...] = ()
    indexed: bool = False
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a unit's result depends on, each part by its label with its digest; upstream: unit id to fingerprint."""

    definition: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)


# What the id of a declared table's unit begins with.
DECLARED_ID = "table:"


@dataclass(frozen=True, slots=True)
class Stamp:
    """The record that a table was made by the unit with that fingerprint.

    base: the fingerprint before a run's id was mixed in; equal to fingerprint for a deterministic unit. at: UTC, ISO
    8601. memory: its rows mattered to that unit's next run, as DbtNode has it. shape: digest of what the catalog said
    of a declared table when it was stamped, in the catalog's own spelling.
    """

    table: TableName
    unit: str
    fingerprint: str
    base: str
    parts: Parts
    run: str
    at: str
    protect: bool = False
    memory: bool = False
    shape: str = ""

    @property
    def holds_users_rows(self) -> bool:
        """Whether the table was a declared one when it was stamped."""
        return self.unit.startswith(DECLARED_ID)


@dataclass(frozen=True, slots=True)
class Mark:
    """Trust withdrawn: a run began to remake this table.

    existed: False when there was no relation before; what is there by now is then the dead run's. kept: the name under
    which the relation was put aside, None when it was not. stamp: what it carried until then. died: the run that had
    already died in it before this one, None when none had. structure: of what was put aside as a copy, which has
    only the rows; () for what was renamed.
    """

    table: TableName
    unit: str
    run: str
    existed: bool
    kept: str | None = None
    stamp: Stamp | None = None
    died: str | None = None
    structure: Structure = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """Facts about rows that expectations ask for. error: why they could not be had; then the others are empty."""

    rows: int | None = None
    nulls: Mapping[str, int] = field(default_factory=dict)
    duplicates: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the live database holds. exists: whether there is a database at all.

    shapes: of declared relations that are not known to be as they were when they were stamped.
    answers, rehearsals: what was asked about them; a rehearsal by its table and its statements.
    mentions: of columns that would go, in code that reads their table.
    drops: of relations that nothing declares any more what their going does, in an order in which they can go.
    """

    exists: bool = False
    relations: Mapping[TableName, Relation] = field(default_factory=dict)
    stamps: Mapping[TableName, Stamp] = field(default_factory=dict)
    marks: Mapping[TableName, Mark] = field(default_factory=dict)
    measures: Mapping[TableName, Measure] = field(default_factory=dict)
    shapes: Mapping[TableName, Shapes] = field(default_factory=dict)
    answers: Mapping[Question, Answer] = field(default_factory=dict)
    rehearsals: Mapping[tuple[TableName, Structure], Rehearsal] = field(default_factory=dict)
    mentions: Mapping[TableName, tuple[Mention, ...]] = field(default_factory=dict)
    drops: Mapping[TableName, Rehearsal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DbtNode:
    """How dbt is asked to run one node.

    command: seed, run or snapshot. memory: its old rows matter to it (snapshot, incremental, a
    materialization of the project's own, or its code reads `this`).
    path: of its file, relative to the dbt project.
    """

    unique_id: str
    command: str
    memory: bool
    path: str


@dataclass(frozen=True, slots=True)
class Want:
    """What the manifest asks of one relation; types are canonical. required: False for one that only dbt knows.
    protect: None where the manifest says nothing, so that what is on record stays. declared: no step makes it.
    remembers: its rows matter to its unit's next run, as DbtNode has it. declaration: of a declared one, as written."""

    table: TableName
    kind: TableKind
    columns: tuple[Column, ...] = ()
    primary_key: tuple[str, ...] = ()
    expect: Expect = Expect()
    protect: bool | None = None
    required: bool = True
    place: Place | None = field(default=None, compare=False)
    declared: bool = False
    remembers: bool = False
    declaration: Table | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that can run.

    id: the step's name, dbt's unique id, or `table:` and the name of a declared table. tier: index into the tiers.
    wants: the relations it makes; empty for an ephemeral dbt node. reads: ids of the units it reads from, sorted.
    source: what a person would open to change it. definition, inputs: its own parts, with the upstream ones left out.
    timeout: seconds, None for no bound. retries: how often it is tried again.
    """

    id: str
    kind: UnitKind
    tier: int
    wants: tuple[Want, ...]
    reads: tuple[str, ...]
    source: str
    step: str | None = None
    definition: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    deterministic: bool = True
    timeout: float | None = None
    retries: int = 0
    dbt: DbtNode | None = None

    @property
    def tables(self) -> tuple[TableName, ...]:
        return tuple(want.table for want in self.wants)

    @property
    def required(self) -> bool:
        return any(want.required for want in self.wants)


@dataclass(frozen=True, slots=True)
class Graph:
    """Every unit that the manifest's tables need, in an order in which each comes after what it reads.

    tables: those that the manifest requires, sorted by name, the selected ones among them. sequences: likewise.
    forget: relations that are let go.
    """

    units: Mapping[str, Unit] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    forget: frozenset[TableName] = frozenset()

    def wants(self) -> list[Want]:
        """Every relation that the units make."""
        return [want for unit in self.units.values() for want in unit.wants]

    def makers(self) -> dict[TableName, Unit]:
        """Which unit makes each relation."""
        return {table: unit for unit in self.units.values() for table in unit.tables}

    def behind(self, unit: str) -> tuple[str, ...]:
        """The ids of all that a unit rests on, itself or through others, in order."""
        waiting, found = [unit], set[str]()
        while waiting:
            new = set(self.units[waiting.pop()].reads) - found
            found |= new
            waiting += new
        return tuple(name for name in self.units if name in found)


@dataclass(frozen=True, slots=True)
class DbtGraphNode:
    """relation: None for an ephemeral node. kind: what dbt leaves behind. parents: nodes and sources, by unique id.

    definition: part label to digest. files: data files it reads, relative to the dbt project; their digests are
    taken at every plan.
    """

    node: DbtNode
    relation: TableName | None
    kind: TableKind | None
    parents: tuple[str, ...]
    definition: Mapping[str, str]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selected:
    """What dbt makes of a selection.

    nodes: seeds, models and snapshots, by unique id, sorted. refused: dbt's words where it cannot read the selection.
    known: where it selects nothing, what could have been written.
    """

    nodes: tuple[str, ...] = ()
    refused: str = ""
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DbtGraph:
    """What dbt says: nodes by unique id, the relation that each source reads (None: a file), and what it selects."""

    nodes: Mapping[str, DbtGraphNode] = field(default_factory=dict)
    sources: Mapping[str, TableName | None] = field(default_factory=dict)
    selections: Mapping[Selection, Selected] = field(default_factory=dict)

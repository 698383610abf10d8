"""What a manifest says, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

DEFAULT_SCHEMA = "main"
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def fold(name: str) -> str:
    """The name as DuckDB compares it: case is folded in ASCII only."""
    return name.lower() if name.isascii() else name.translate(_LOWER)


def quote(name: str) -> str:
    """The name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A relation's name. Two names that differ only in ASCII case are equal, as they are in DuckDB."""

    schema: str = field(compare=False)
    name: str = field(compare=False)
    key: tuple[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (fold(self.schema), fold(self.name)))

    @classmethod
    def parse(cls, text: str) -> TableName:
        """From `name` or `schema.name`; a part in double quotes may hold dots. Raises ValueError."""
        parts = _split(text)
        if not 1 <= len(parts) <= 2 or not all(parts):
            raise ValueError(f"{text!r} is not a table name: expected name or schema.name")
        return cls(parts[0] if len(parts) == 2 else DEFAULT_SCHEMA, parts[-1])

    @property
    def sql(self) -> str:
        """Quoted, for SQL text."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    def __str__(self) -> str:
        name = _plain(self.name)
        return name if fold(self.schema) == DEFAULT_SCHEMA else f"{_plain(self.schema)}.{name}"


def _split(text: str) -> list[str]:
    if '"' not in text:
        return text.split(".")
    parts, part, quoted, i = [], "", False, 0
    while i < len(text):
        char = text[i]
        if quoted and char == '"' and text[i + 1 : i + 2] == '"':
            part, i = part + '"', i + 1
        elif char == '"':
            quoted = not quoted
        elif char == "." and not quoted:
            parts.append(part)
            part = ""
        else:
            part += char
        i += 1
    return [*parts, part]


def _plain(name: str) -> str:
    if not name.isprintable():
        # A database may hold names that would play tricks on a terminal; a manifest may not.
        name = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in name)
    return quote(name) if "." in name or '"' in name else name


class StepKind(StrEnum):
    DBT = "dbt"
    SQL = "sql"
    LOAD = "load"
    PYTHON = "python"


class TableKind(StrEnum):
    TABLE = "table"
    VIEW = "view"


class HazardKind(StrEnum):
    """A danger to data that a plan may hold; the closed set that `policy.allow` and `--allow` choose from."""

    DROPS_TABLE = "drops_table"
    DROPS_COLUMN = "drops_column"
    LOSSY_TYPE = "lossy_type"
    REWRITES_TABLE = "rewrites_table"
    BREAKS_VIEW = "breaks_view"
    LOSES_HISTORY = "loses_history"
    # Nobody can allow these: the rows are not what the change needs.
    NULL_VIOLATION = "null_violation"
    DUPLICATE_KEY = "duplicate_key"
    CHECK_VIOLATION = "check_violation"


VIOLATIONS = frozenset({HazardKind.NULL_VIOLATION, HazardKind.DUPLICATE_KEY, HazardKind.CHECK_VIOLATION})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is declared. file: as the user would open it from the manifest's folder; line, column: from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a contract or of a declared table. type: as written. All that follows place: declared tables only.

    default, generated, check, backfill: SQL expressions. backfill: over the row as it was, what a column takes where it
    would be NULL and must not be. renamed_from: names it had before.
    """

    name: str
    type: str
    place: Place = field(compare=False)
    nullable: bool = True
    default: str | None = None
    comment: str | None = None
    generated: str | None = None
    check: str | None = None
    collation: str | None = None
    backfill: str | None = None
    renamed_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """references: the columns of `table`, in the order of `columns`."""

    columns: tuple[str, ...]
    table: TableName
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """on: each the name of a column, or an SQL expression in parentheses."""

    name: str
    on: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """What a default takes its numbers from with `nextval('name')`. Made where it is missing, never changed."""

    name: TableName
    start: int = 1
    increment: int = 1


@dataclass(frozen=True, slots=True)
class Expect:
    """What must hold of a table's rows. unique: each a key of one or more columns."""

    rows: int | None = None
    min_rows: int | None = None
    max_rows: int | None = None
    not_null: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()

    @property
    def empty(self) -> bool:
        return self == Expect()


@dataclass(frozen=True, slots=True)
class Table:
    """A declared relation. step None: a declared table; its structure is the manifest's, its rows are the users'.

    From `unique` on, declared tables only. strict_order: whether the order of the columns matters. sql: the query of a
    declared view, which has nothing else of these but a comment.
    """

    name: TableName
    tier: str
    place: Place = field(compare=False)
    step: str | None = None
    kind: TableKind | None = None
    columns: tuple[Column, ...] = ()
    primary_key: tuple[str, ...] = ()
    expect: Expect = Expect()
    protect: bool | None = None
    description: str = ""
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    comment: str | None = None
    renamed_from: tuple[TableName, ...] = ()
    strict_order: bool = False
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What produces tables.

    source: a dbt command (seed, run, snapshot, build), or a file (sql), a path or glob or `package:name/path` (load),
    or `module:function` (python), as written. reads: None where the manifest does not say. timeout: seconds for each
    unit, None for no bound. options: for the load's reader.
    """

    name: str
    kind: StepKind
    source: str
    place: Place = field(compare=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    reads: tuple[TableName, ...] | None = None
    inputs: tuple[str, ...] = ()
    timeout: float | None = None
    retries: int = 0
    deterministic: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Nodes of the dbt project, in dbt's own words: `--select` and `--exclude`, or one named in its selectors.yml."""

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None

    def __str__(self) -> str:
        words = " ".join(self.select) if self.selector is None else f"selector {self.selector}"
        return f"{words} without {' '.join(self.exclude)}" if self.exclude else words


@dataclass(frozen=True, slots=True)
class TablesFrom:
    """Every relation that dbt selects and that the command of its step makes is a table of the manifest."""

    step: str
    tier: str
    selection: Selection
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class DbtProject:
    """project_dir, profiles_dir: absolute. vars: dbt's `--vars`. target: of the profile, None for its default."""

    project_dir: Path
    place: Place = field(compare=False)
    profiles_dir: Path | None = None
    target: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A kind of hazard that may be carried out. table: of this one alone; None for all."""

    kind: HazardKind
    table: TableName | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    allow: frozenset[Allowance] = frozenset()
    allow_outside_paths: bool = False
    sandbox_sql: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """What a manifest was read with. began: when the reading began, in ns since 1970.

    files: every YAML file by the name it was read by, with its signature from before (see declare/signature.py).
    variables: the names that it asked the environment for. values: one digest of what those held.
    """

    began: int = 0
    files: tuple[tuple[Path, tuple[int, ...] | None], ...] = ()
    variables: tuple[str, ...] = ()
    values: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The declared state of one database.

    path: of the manifest file, absolute; its folder is the base of every relative path. database: absolute, links not
    followed. root: the project's folder, which paths may not leave. tiers: in order. tables, steps: sorted by name.
    tables_from: sorted by what they say. sequences, forget: sorted by name. forget: relations that are let go without
    being dropped. digest: of everything that was declared, after interpolation and overlay.
    origin: what it was read with, which is no part of it.
    """

    name: str
    path: Path
    root: Path
    database: Path
    tiers: tuple[str, ...]
    steps: tuple[Step, ...]
    tables: tuple[Table, ...]
    digest: str
    tables_from: tuple[TablesFrom, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    forget: tuple[TableName, ...] = ()
    dbt: DbtProject | None = None
    policy: Policy = Policy()
    environment: str | None = None
    origin: Origin = field(default=Origin(), compare=False)

    _steps: Mapping[str, Step] = field(init=False, repr=False, compare=False)
    _tiers: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_steps", {step.name: step for step in self.steps})
        object.__setattr__(self, "_tiers", {tier: number for number, tier in enumerate(self.tiers)})

    @property
    def folder(self) -> Path:
        return self.path.parent

    def step(self, name: str) -> Step:
        return self._steps[name]

    def level(self, tier: str) -> int:
        """The tier's number, from 0 on."""
        return self._tiers[tier]

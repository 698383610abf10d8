"""What a difference between two shapes of a declared relation is, and the reason it gives. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from provisioner.declare.values import ForeignKey
from provisioner.observe.change_values import ColumnShape
from provisioner.reconcile.values import Reason


class ChangeKind(StrEnum):
    """What a change does to a table or to one column of it. A closed set."""

    RENAME_TABLE = "rename_table"
    RENAME_COLUMN = "rename_column"
    ADD_COLUMN = "add_column"
    DROP_COLUMN = "drop_column"
    TYPE = "type"
    COLLATION = "collation"
    GENERATED = "generated"
    NOT_NULL = "not_null"
    DEFAULT = "default"
    KEY = "primary_key"
    UNIQUE = "unique"
    CHECK = "check"
    FOREIGN_KEY = "foreign_key"
    INDEX = "index"
    COMMENT = "comment"
    ORDER = "order"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. column: by its declared name; of a dropped one as it is. fact: in words, of what there is.

    had, has: the column as it is and as declared, where the change is of one. missing: a check, as SQL, or a foreign
    key that is declared and not there.
    """

    kind: ChangeKind
    fact: str
    column: str = ""
    had: ColumnShape | None = None
    has: ColumnShape | None = None
    missing: str | ForeignKey | None = None


REASONS: Mapping[ChangeKind, Reason] = {
    ChangeKind.ADD_COLUMN: Reason.COLUMN_MISSING,
    ChangeKind.DROP_COLUMN: Reason.COLUMN_EXTRA,
    ChangeKind.TYPE: Reason.COLUMN_TYPE,
    ChangeKind.COLLATION: Reason.COLUMN_TYPE,
    ChangeKind.NOT_NULL: Reason.CONSTRAINT,
    ChangeKind.KEY: Reason.CONSTRAINT,
    ChangeKind.UNIQUE: Reason.CONSTRAINT,
    ChangeKind.CHECK: Reason.CONSTRAINT,
    ChangeKind.FOREIGN_KEY: Reason.CONSTRAINT,
}


def reason_of(change: Change) -> Reason:
    """Why the table is not what the manifest says; what has no word of its own is a changed definition."""
    return REASONS.get(change.kind, Reason.DEFINITION_CHANGED)

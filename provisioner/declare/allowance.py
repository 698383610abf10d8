"""`drops_column`, or `drops_column:app_notes`: a hazard that somebody allows."""

from __future__ import annotations

from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import VIOLATIONS, Allowance, HazardKind, TableName

# Rows that are not what a change needs can be mended, not allowed.
ALLOWABLE = tuple(kind for kind in HazardKind if kind not in VIOLATIONS)


def parse_allowance(text: str) -> Allowance:
    """From `kind`, or `kind:table` for one table alone. Raises ValueError, whose text tells what would do."""
    word, colon, table = text.partition(":")
    if word in VIOLATIONS:
        raise ValueError(f"{word} cannot be allowed: the rows are not what the change needs. Mend the rows.")
    if word not in ALLOWABLE:
        cure = did_you_mean(word, ALLOWABLE, "hazards")
        raise ValueError(f"there is no hazard {word!r}. {cure}")
    return Allowance(HazardKind(word), _table(text, table) if colon else None)


def _table(text: str, table: str) -> TableName:
    message = f"{text!r} names no table: expected {text.partition(':')[0]}:name or {text.partition(':')[0]}:schema.name"
    if table.count('"') % 2:
        raise ValueError(message)
    try:
        return TableName.parse(table)
    except ValueError:
        raise ValueError(message) from None

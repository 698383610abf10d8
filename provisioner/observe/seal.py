"""A mark of a database file's content that shows whether anyone has written since, without opening it with DuckDB."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from provisioner.observe.header import LENGTH, is_duckdb, is_held_here, read_counters, read_start
from provisioner.observe.signature import Signature, signature_of

# What DuckDB leaves beside a database whose last changes are not in the file itself.
_BESIDE = (".wal", ".wal.checkpoint", ".wal.recovery")


@dataclass(frozen=True, slots=True)
class Seal:
    """signature: of the file. counters: of DuckDB's headers."""

    signature: Signature
    counters: tuple[int, ...]


def seal(path: Path) -> Seal | None:
    """The seal of a whole database file that has nothing beside it; None for anything else, and while we have it open.

    Reading the head of a file that this process has open would drop DuckDB's lock on it.
    """
    try:
        real = os.path.realpath(path)
        facts = os.stat(real)
        if facts.st_nlink > 1 or is_held_here(facts):
            return None
        start = read_start(Path(real))
        if not is_duckdb(start) or len(start) < LENGTH or any(os.path.lexists(real + ending) for ending in _BESIDE):
            return None
        undisturbed = signature_of(os.stat(real)) == signature_of(facts)
        return Seal(signature_of(facts), read_counters(start)) if undisturbed else None
    except (OSError, ValueError):
        return None

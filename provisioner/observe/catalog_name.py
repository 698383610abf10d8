"""How DuckDB calls a database that it opens, by the name of the file."""

from __future__ import annotations

import os
from pathlib import Path

_RESERVED = ("main", "system", "temp")


def catalog_name(database: Path) -> str:
    """Of the file that a link leads to, what stands before the first dot."""
    name = os.path.basename(os.path.realpath(database)).lstrip(".").split(".")[0]
    return f"{name}_db" if name in _RESERVED else name

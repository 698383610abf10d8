"""What makes a database for a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

# From SQL, `live.duckdb` in the working directory.
Made = Callable[[str], Path]

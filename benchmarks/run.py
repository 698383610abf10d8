"""How long provision takes, and what that is compared with: the table of docs/speed.md.

    python benchmarks/run.py [--runs 10] [--markdown] [ROW ...]

Measured is the `provision` that is installed beside this Python; an installation with -e slows every process.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import workforce
from findings import Finding, aligned, markdown
from loading import load
from migrations import change
from models import models
from tables import growth, written_out

ROWS: dict[str, Callable[[Path, int], list[Finding]]] = {
    "converged": workforce.converged,
    "ensure": workforce.ensure,
    "first": workforce.first,
    "table-dropped": workforce.table_dropped,
    "seed-dropped": workforce.seed_dropped,
    "models": models,
    "tables": written_out,
    "growth": growth,
    "load": load,
    "change": change,
}


def measure(row: str, runs: int) -> list[Finding] | None:
    """In a folder of its own, which is gone afterwards. Tells on stderr how it goes; None when it could not be done."""
    print(f"{row} …", end="", file=sys.stderr, flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            # The real path, as provision will name it.
            found = ROWS[row](Path(folder).resolve(), runs)
        except RuntimeError as error:
            print(f" failed: {error}", file=sys.stderr)
            return None
    print(f" {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return found


def main() -> None:
    """The command line. Ends with 1 when a bound was not kept, or a row failed."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("rows", nargs="*", metavar="ROW", help=f"one of: {', '.join(ROWS)}")
    words.add_argument("--runs", type=int, default=10, help="how often each side is run (%(default)s)")
    words.add_argument("--markdown", action="store_true", help="print the table for a page")
    said = words.parse_args()
    if unknown := set(said.rows) - set(ROWS):
        words.error(f"no such row: {', '.join(sorted(unknown))}")
    measured = [measure(row, said.runs) for row in said.rows or ROWS]
    found = [finding for findings in measured for finding in findings or ()]
    print(markdown(found) if said.markdown else aligned(found))
    sys.exit(None in measured or any(finding.verdict == "over" for finding in found))


if __name__ == "__main__":
    main()

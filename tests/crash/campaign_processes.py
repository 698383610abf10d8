"""32 processes at once, by different names of one database: exactly one executes, all end well.

Rounds take turns between a database that is not there yet, one in which something is to do, and a converged one.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from campaign import Result, Scale
from crowd import drift, lay_out, meet, own_cache
from forked import answer
from worlds import Facts, database_of, facts_of

import provisioner

PROCESSES, ROUNDS, SHORT_ROUNDS = 32, 50, 3


def campaign(scale: Scale) -> Result:
    """One point is one process of one round."""
    failures: list[str] = []
    rounds = SHORT_ROUNDS if scale.short else ROUNDS
    for number in range(rounds):
        failures += [f"round {number}: {one}" for one in _round(scale.folder / f"round-{number}", number % 3)]
        print(f"processes: round {number + 1} of {rounds}, {len(failures)} failures", file=sys.stderr, flush=True)
    return Result(rounds * PROCESSES, tuple(failures), f"{rounds} rounds of {PROCESSES}, apply and ensure mixed")


def _round(folder: Path, kind: int) -> tuple[str, ...]:
    manifest = lay_out(folder / "shop")
    with own_cache(folder / "cache"):
        wanted = answer(lambda: _undisturbed(folder / "undisturbed"), folder / "undisturbed.txt")
        if kind > 0:
            answer(lambda: provisioner.apply(manifest).id, folder / "before.txt")
        if kind == 1:
            answer(lambda: drift(manifest), folder / "drift.txt")
        found = meet(manifest, PROCESSES, wanted, 2 if kind == 1 else 1, folder / "said")
    if not found.complaints:
        shutil.rmtree(folder)
    return found.complaints


def _undisturbed(folder: Path) -> Facts:
    manifest = lay_out(folder / "shop")
    provisioner.apply(manifest)
    return facts_of(database_of(manifest))

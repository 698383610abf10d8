"""A dead run's journal cut at every byte, with bits flipped, lines lost, foreign, deleted or no file at all."""

from __future__ import annotations

import random
from pathlib import Path

from campaign import Result, Scale
from ground import own
from journals import WHOLE, Damage, complaints, ground_of
from points import journal_of
from side_by_side import Outcome, failure, try_all

FLIPS, RESTARTS = 400, 150


def campaign(scale: Scale) -> Result:
    journal = journal_of(ground_of(own(scale.folder), restart=False).put())
    size, lines = journal.stat().st_size, journal.read_bytes().count(b"\n")
    chosen = random.Random(scale.seed)
    cuts = [Damage("cut at byte", at) for at in range(size)]
    flips = [Damage("bit flipped", bit) for bit in sorted(chosen.sample(range(8 * size), FLIPS))]
    lost = [Damage("line lost", number) for number in range(lines)]
    resumed = [(damage, False) for damage in (*WHOLE, *scale.sample([*cuts, *flips, *lost], 12))]
    restarted = [(damage, True) for damage in (*WHOLE, *lost[:2])]
    if not scale.short:
        restarted += [(damage, True) for damage in chosen.sample([*cuts, *flips], RESTARTS)]
    found = list(try_all(scale, _judge, [*resumed, *(restarted[:: 1 + 2 * scale.short])]))
    failures = tuple(failure(_name(damaged), outcome) for damaged, outcome in found if outcome.complaints)
    return Result(len(found), failures, f"a journal of {size:,} bytes and {lines} lines")


def _judge(folder: Path, damaged: tuple[Damage, bool]) -> Outcome:
    damage, restart = damaged
    return Outcome(1, tuple(complaints(ground_of(own(folder), restart=restart), damage)))


def _name(damaged: tuple[Damage, bool]) -> str:
    return f"{damaged[0]}{', --restart' * damaged[1]}"

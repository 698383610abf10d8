"""A dead run's journal cut at every byte, with bits flipped, lines lost, foreign, deleted or no file at all."""

from __future__ import annotations

import random
from pathlib import Path

from campaign import Result, Scale
from journals import WHOLE, Damage, complaints
from points import BEGINNINGS, journal_of
from stage import Stage
from trials import Outcome, failure, in_processes, stage_of_this_process

FLIPS, RESTARTS = 400, 150


def campaign(scale: Scale) -> Result:
    journal = journal_of(Stage(scale.folder / "first").set_up(BEGINNINGS["late"]))
    size, lines = journal.stat().st_size, journal.read_bytes().count(b"\n")
    chosen = random.Random(scale.seed)
    cuts = [Damage("cut at byte", at) for at in range(size)]
    flips = [Damage("bit flipped", bit) for bit in sorted(chosen.sample(range(8 * size), FLIPS))]
    lost = [Damage("line lost", number) for number in range(lines)]
    resumed = [(damage, False) for damage in (*WHOLE, *scale.sample([*cuts, *flips, *lost], 12))]
    restarted = [(damage, True) for damage in (*WHOLE, *lost[:2])]
    if not scale.short:
        restarted += [(damage, True) for damage in chosen.sample([*cuts, *flips], RESTARTS)]
    found = list(in_processes(scale, _judge, [*resumed, *(restarted[:: 1 + 2 * scale.short])]))
    failures = tuple(failure(_name(damaged), outcome) for damaged, outcome in found if outcome.complaints)
    return Result(len(found), failures, f"a journal of {size:,} bytes and {lines} lines")


def _judge(folder: Path, damaged: tuple[Damage, bool]) -> Outcome:
    damage, restart = damaged
    try:
        stage = stage_of_this_process(folder)
        return Outcome(1, tuple(complaints(stage, damage, restart=restart)))
    except Exception as problem:
        return Outcome(0, (f"{type(problem).__name__}: {problem}",))


def _name(damaged: tuple[Damage, bool]) -> str:
    return f"{damaged[0]}{', --restart' * damaged[1]}"

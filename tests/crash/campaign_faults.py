"""ENOSPC and EIO at every write, open, fsync and rename; disks and files of bounded size; files of another.

Every apply must end with 0, or with 1 or 3 and a documented code. Every relation is then as it was before or as an
undisturbed run makes it; and once the fault is gone, one apply brings the facts of an undisturbed run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from campaign import Result, Scale
from faults import ROOT, Bound, Call, Disk, Fault, Met, Right
from forked import Ended
from ground import At, Ground, ask_all, strike_all
from side_by_side import failures_of
from traced import PLACES, STRACE, Place, run
from worlds import Facts, database_of, facts_of

CALLS = {
    "write": ("ENOSPC", "EIO"),
    "pwrite64": ("ENOSPC", "EIO"),
    "openat": ("ENOSPC", "EIO"),
    "ftruncate": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC"),
    "fdatasync": ("EIO", "ENOSPC"),
    "rename": ("ENOSPC", "EIO"),
    "unlink": ("EIO",),
    "pread64": ("EIO",),
    "flock": ("ENOLCK",),
}
# Every so many faults of those in the world with dbt, where each takes several seconds.
WITH_DBT = 8
SIZES = range(16_384, 3_000_000, 65_536)  # what it prints must fit too
RIGHTS = tuple(
    Right(ending, mode, foreign)
    for ending, mode, foreign in (
        ("..", 0o555, False), ("..", 0o755, True), ("", 0o444, False), ("", 0o000, False), ("", 0o644, True),
        (".journal", 0o444, False), (".journal", 0o000, False), (".journal", 0o644, True),
        (".lock", 0o444, False), (".lock", 0o644, True), (".guard", 0o444, False), (".guard", 0o644, True),
        (".holder", 0o644, True), (".holder.tmp", 0o444, True),
    )
    if ROOT or not foreign
)  # fmt: skip
DOCUMENTED = frozenset(
    code
    for line in Path(__file__).parents[2].joinpath("docs", "errors.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
    for code in re.findall(r"`(\w+)`", line.split("|")[1])
)
_SYNC = re.compile(r"sync\((?P<file>\d+<(?P<path>[^>]+)>)\) += -1 EIO")
_ON_FILE = re.compile(r" (?P<call>close|pwrite64|write|fsync|fdatasync)\((?P<file>\d+<[^>]+>)")
UNKNOWN = ("unexpected", "failed")


def campaign(scale: Scale, worlds: Sequence[str] = ("fresh", "repair")) -> Result:
    points = [At(name, fault) for name in worlds for fault in (*_bounds(), *RIGHTS)]
    points += [At("dbt", fault) for fault in _bounds()[::WITH_DBT]]
    if STRACE:
        places = [*(At(name, place) for name in worlds for place in PLACES), At("dbt", PLACES[1])]
        for at, calls in ask_all(count, places, scale):
            faults = calls_of(at.point, calls)
            points += [At(at.world, fault) for fault in (faults[::WITH_DBT] if at.world == "dbt" else faults)]
    found = strike_all(meet_and_mend, scale.sample(points, 24), scale)
    missed = sum(outcome.missed for _, outcome in found)
    failures = failures_of(found) if STRACE else ("strace is not on this machine", *failures_of(found))
    note = f"{missed} did not come" + ("" if ROOT else "; no disks and no other owners, which need root")
    return Result(len(found) - missed, failures, note)


def _bounds() -> tuple[Fault, ...]:
    return (*map(Bound, SIZES), *(map(Disk, SIZES) if ROOT else ()))


def count(ground: Ground, place: Place) -> Mapping[str, int]:
    """Of each call how often it comes."""
    ground.put()
    counted = run(ground.command(), place, ground.folder / "traced")
    assert counted.ended.code == 0, f"undisturbed under strace: {counted.ended}"
    return {call: most for call, most in sorted(counted.calls.items()) if call in CALLS}


def calls_of(place: Place, counted: Mapping[str, int]) -> list[Fault]:
    """Each call failing once, with each error; and for want of room, with all that come after it."""
    faults: list[Fault] = []
    for call, most in counted.items():
        for number in range(1, most + 1):
            faults += [Call(place, call, number, error) for error in CALLS[call]]
            faults += [Call(place, call, number, "ENOSPC", stays=True)] if "ENOSPC" in CALLS[call] else []
    return faults


def meet_and_mend(ground: Ground, fault: Fault) -> list[str] | None:
    """Complaints; None when the fault did not come."""
    before = _facts_before(ground)
    met = fault.meet(ground)
    if met is None:
        return None
    complaints = [*_of_ending(met.ended), *_of_syncing(met), *_of_loss(ground, before), *ground.resume()]
    return [f"{complaint} ({met.calls[0][:200]})" if met.calls else complaint for complaint in complaints]


def _facts_before(ground: Ground) -> Facts | None:
    database = database_of(ground.folder / "before" / "provision.yaml")
    return ground.answer(lambda: facts_of(database)) if database.exists() else None


def _of_ending(ended: Ended) -> list[str]:
    """No traceback, a documented code, its exit code."""
    if ended.code == 0 and ended.clean:
        return []
    code = code_of(ended)
    if not ended.clean or code not in DOCUMENTED or code in UNKNOWN:
        return [f"ended with code {code}: {ended}"]
    return []


def code_of(ended: Ended) -> str:
    """The code of the error that was printed as JSON, "" when there is none."""
    start = ended.said.find("{")
    try:
        return str(json.JSONDecoder().raw_decode(ended.said[start:])[0]["error"]["code"])
    except (ValueError, TypeError, LookupError):
        return ""


def _of_syncing(met: Met) -> list[str]:
    """What could not be synced is not known to be there: it is not written on before it is opened anew.

    Cutting the WAL back to what is known to be there is no such writing. The journal only tells.
    """
    struck = _SYNC.search(met.calls[0]) if met.calls else None
    if struck is None or struck["path"].endswith(".journal"):
        return []
    for line in met.calls[1:]:
        call = _ON_FILE.search(line)
        if call is None or call["file"] != struck["file"]:
            continue
        return [] if call["call"] == "close" else [f"after a failed sync the file was written on: {line[:200]}"]
    return []


def _of_loss(ground: Ground, before: Facts | None) -> list[str]:
    """Each relation that was there is as it was, or as an undisturbed run makes it."""
    if before is None:
        return []
    found = ground.answer(lambda: facts_of(ground.database))["content"]
    after = ground.wanted["content"]
    return [
        f"{name} has {found.get(name)}"
        for name, rows in before["content"].items()
        if found.get(name) not in (rows, after.get(name))
    ]

"""Killed before every system call on database, WAL, journal, lock, guard and holder, in the apply and in its child.

Each (world, place, call, number) is one point: `traced.py` tells how it is reached. The next apply must end well, with
the facts of an undisturbed run, and nothing left to do.
"""

from __future__ import annotations

from collections.abc import Mapping

from campaign import Result, Scale
from forked import Ended
from ground import At, Ground, ask_all, strike_all
from side_by_side import failures_of
from traced import PLACES, STRACE, Place, Point, kill_at, run
from worlds import WORLDS

# In worlds with dbt a point takes several seconds: calls that only look are tried there in a sample.
LOOKS = frozenset({"newfstatat", "stat", "fstat", "lstat", "readlink", "lseek", "ioctl", "access", "read", "pread64"})
LOOKS_WITH_DBT = 20
MISSED_AT_MOST = 0.05


def campaign(scale: Scale, worlds: tuple[str, ...] = tuple(WORLDS)) -> Result:
    if STRACE is None:
        return Result(0, ("strace is not on this machine",), "needs strace")
    counted = ask_all(count, [At(name, place) for name in worlds for place in PLACES], scale)
    points = [At(at.world, point) for at, calls in counted for point in _points(at, calls)]
    tried = scale.sample(points, 24)
    found = strike_all(kill_and_resume, tried, scale)
    missed = [str(at) for at, outcome in found if outcome.missed]
    failures = failures_of(found)
    if len(missed) > MISSED_AT_MOST * len(tried):
        failures = (f"{len(missed)} points did not come: {', '.join(missed[:20])}", *failures)
    return Result(len(tried) - len(missed), failures, f"{len(points)} calls; {len(missed)} did not come")


def count(ground: Ground, place: Place) -> Mapping[str, int]:
    """How often each call comes in this place."""
    ground.put()
    counted = run(ground.command(), place, ground.folder / "traced")
    assert counted.ended.code == 0, f"undisturbed under strace: {counted.ended}"
    return counted.calls


def _points(at: At[Place], calls: Mapping[str, int]) -> list[Point]:
    points = []
    for call, most in sorted(calls.items()):
        numbers = range(1, most + 1)
        if WORLDS[at.world].dbt and call in LOOKS:
            numbers = numbers[:: max(1, most * len(LOOKS) // LOOKS_WITH_DBT)]
        points += [Point(at.point, call, number) for number in numbers]
    return points


def kill_and_resume(ground: Ground, point: Point) -> list[str] | None:
    """Complaints; None when the point did not come."""
    ground.put()
    traced = run(ground.command(), point.place, ground.folder / "traced", kill_at(point))
    if not traced.struck:
        return None
    complaint = _complaint(point, traced.ended)
    return [*([complaint] if complaint else []), *ground.resume()]


def _complaint(point: Point, ended: Ended) -> str:
    """What is wrong with how it ended: struck itself it is dead; its child struck, it says so."""
    if point.place == "apply":
        return "" if ended.killed else f"not killed: {ended}"
    return "" if ended.clean else f"after its child's death: {ended}"

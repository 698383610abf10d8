"""Killed before every system call on database, WAL, journal, lock, guard and holder, in the apply and in its child.

Each (world, place, call, number) is one point: `traced.py` tells how it is reached. The next apply must end well, with
the facts of an undisturbed run, and nothing left to do.
"""

from __future__ import annotations

from campaign import Result, Scale
from forked import Ended
from ground import Ground, failures_of, strike_all
from traced import PLACES, STRACE, Place, Point, kill_at, run
from worlds import WORLDS

# In worlds with dbt a point takes several seconds: calls that only look are tried there in a sample.
LOOKS = frozenset({"newfstatat", "stat", "fstat", "lstat", "readlink", "lseek", "ioctl", "access", "read", "pread64"})
LOOKS_WITH_DBT = 20
MISSED_AT_MOST = 0.05


def campaign(scale: Scale, worlds: tuple[str, ...] = tuple(WORLDS)) -> Result:
    if STRACE is None:
        return Result(0, ("strace is not on this machine",), "needs strace")
    counted = strike_all(count, [(name, place) for name in worlds for place in PLACES], scale, "")
    points = [(name, point) for name, place, calls in counted for point in _points(name, place, calls or [])]
    tried = scale.sample(points, 24)
    found = strike_all(kill_and_resume, tried, scale, "syscalls")
    missed = [f"{name} {point}" for name, point, complaints in found if complaints is None]
    failures = failures_of(found)
    if len(missed) > MISSED_AT_MOST * len(tried):
        failures = (f"{len(missed)} points did not come: {', '.join(missed[:20])}", *failures)
    return Result(len(tried) - len(missed), failures, f"{len(points)} calls; {len(missed)} did not come")


def count(ground: Ground, place: Place) -> list[str]:
    """The points of a place, as texts: `call number-of-them`."""
    counted = run(ground.put(), place, ground.folder / "traced")
    assert counted.ended.code == 0, f"undisturbed under strace: {counted.ended}"
    return [f"{call} {most}" for call, most in sorted(counted.calls.items())]


def _points(name: str, place: Place, calls: list[str]) -> list[Point]:
    points = []
    for line in calls:
        call, most = line.split()
        numbers = range(1, int(most) + 1)
        if WORLDS[name].dbt and call in LOOKS:
            numbers = numbers[:: max(1, int(most) * len(LOOKS) // LOOKS_WITH_DBT)]
        points += [Point(place, call, number) for number in numbers]
    return points


def kill_and_resume(ground: Ground, point: Point) -> list[str] | None:
    """Complaints; None when the point did not come."""
    traced = run(ground.put(), point.place, ground.folder / "traced", kill_at(point))
    if not traced.struck:
        return None
    complaint = _complaint(point, traced.ended)
    return [*([complaint] if complaint else []), *ground.resume()]


def _complaint(point: Point, ended: Ended) -> str:
    """What is wrong with how it ended: struck itself it is dead; its child struck, it says so."""
    if point.place == "apply":
        return "" if ended.killed else f"not killed: {ended}"
    return "" if ended.clean else f"after its child's death: {ended}"

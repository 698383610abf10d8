"""Killed with SIGKILL at random moments: everything at once, the apply alone, its child alone.

After each the next apply starts at once, and must end well, with the facts of an undisturbed run. Where a child may
have outlived its parent, the processes that have the database open for writing are counted meanwhile: never two.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from campaign import Result, Scale
from forked import Forked
from ground import At, Ground, strike_all
from side_by_side import failures_of
from warm_workers import COMMAND

Whom = Literal["all", "parent", "child"]

SHARES: dict[str, int] = {"fresh": 300, "repair": 240, "dbt": 36, "dbt_repair": 36}
"""How many kills are tried in each world. Some come too late, and do not count."""
LEAST = 500
_WHOM: dict[str, tuple[Whom, ...]] = dict.fromkeys(SHARES, ("all", "parent", "child"))
_WHOM["repair"] = ("all", "parent")  # its apply needs no child


@dataclass(frozen=True, slots=True)
class Moment:
    """whom: of the processes. part: of the time that the apply takes, or for a child: that it lives."""

    whom: Whom
    part: float

    def __str__(self) -> str:
        return f"{self.whom} after {self.part:.4f}"


def campaign(scale: Scale) -> Result:
    found = strike_all(kill_and_resume, scale.sample(moments(scale.seed), 24), scale)
    late = sum(outcome.missed for _, outcome in found)
    failures = failures_of(found)
    if not scale.short and len(found) - late < LEAST:
        failures = (f"only {len(found) - late} of {len(found)} kills hit a process that lived", *failures)
    return Result(len(found) - late, failures, f"{late} came too late")


def moments(seed: int, shares: dict[str, int] = SHARES) -> list[At[Moment]]:
    """The world and the moment of each kill, by the seed."""
    chance = random.Random(seed)
    return [
        At(name, Moment(_WHOM[name][number % len(_WHOM[name])], chance.random()))
        for name, many in shares.items()
        for number in range(many)
    ]


def kill_and_resume(ground: Ground, moment: Moment) -> list[str] | None:
    """Complaints; None when everything was over before."""
    ground.put()
    process = Forked(ground.command(), ground.folder / "killed").go()
    if moment.whom == "child":
        return _kill_child(ground, process, moment)
    end = time.monotonic() + moment.part * ground.seconds
    while time.monotonic() < end and process.alive:
        time.sleep(0.0005)
    children = descendants(process.pid)
    if not process.alive:
        return None
    for pid in [process.pid, *(children if moment.whom == "all" else [])]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return _resume_watched(ground, {*children}) if process.wait().killed else None


def _kill_child(ground: Ground, process: Forked, moment: Moment) -> list[str] | None:
    """The parent must tell of it, or do it over, and end."""
    while not (children := workers(process.pid)) and process.alive:
        time.sleep(0.001)
    time.sleep(moment.part * ground.seconds_of_child)
    alive = [pid for pid in children if _is_alive(pid)]
    for pid in alive:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    ended = process.wait()
    if not alive:
        return None
    return [*([] if ended.clean else [f"after its child's death: {ended}"]), *ground.resume()]


def _resume_watched(ground: Ground, before: set[int]) -> list[str]:
    """before: processes that may live on for a moment."""
    following = Forked(ground.command("apply", "--lock-timeout", "60s"), ground.folder / "following").go()
    seen, together = set[int](), set[int]()
    while (ended := following.poll()) is None:
        # A child that was forked a moment ago, to become git, still has what its parent has open: it does not count.
        workers_now = filter(_is_worker, {*before, *descendants(following.pid)})
        now = writers(ground.database, {following.pid, *workers_now})
        together |= now if len(now) > 1 and now == seen else set()
        seen = now
        time.sleep(0.002)
    told = [f"{len(together)} processes had the database open for writing"] if together else []
    if ended.code != 0 or not ended.clean:
        return [*told, f"the next apply: {ended}"]
    return [*told, *ground.judge()]


def descendants(pid: int) -> list[int]:
    """All children of a process, and theirs."""
    found: list[int] = []
    for task in _listed(Path(f"/proc/{pid}/task")):
        with suppress(OSError):
            for child in map(int, Path(task, "children").read_text(encoding="ascii").split()):
                found += [child, *descendants(child)]
    return found


def workers(pid: int) -> list[int]:
    """Those of its descendants that run dbt or a python step; git is none."""
    return [child for child in descendants(pid) if _is_worker(child)]


def _is_worker(pid: int) -> bool:
    """One from nothing has its module among its arguments, a forked one a name of its own."""
    named = _read(Path(f"/proc/{pid}/comm")).strip() == COMMAND.encode()
    return named or b"provisioner.execute." in _read(Path(f"/proc/{pid}/cmdline"))


def writers(database: Path, pids: set[int]) -> set[int]:
    """Which of the processes have the file open for writing."""
    return {pid for pid in pids if any(_writes(pid, link, database) for link in _listed(Path(f"/proc/{pid}/fd")))}


def _writes(pid: int, link: Path, database: Path) -> bool:
    try:
        if os.readlink(link) != str(database):
            return False
        facts = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text(encoding="ascii").split()
    except OSError:
        return False
    return int(facts[facts.index("flags:") + 1], 8) & os.O_ACCMODE != os.O_RDONLY


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []

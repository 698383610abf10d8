"""Run provision in a forked child, and kill it at a point that is named by a function of provision's own.

provision holds no code for it. The child, and only that, has the function wrapped (`boot/trap.py`); where the process
to die is a worker that provision starts, that one finds the trap by PYTHONPATH.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from forked import Command, Ended, Forked

BOOT = Path(__file__).parent / "boot"
sys.path.append(str(BOOT))

from trap import LAST_ACTS as LAST_ACTS  # noqa: E402
from trap import VARIABLE, set_trap  # noqa: E402

DBT_WORKER, PYTHON_WORKER = "provisioner.execute.dbt_worker", "provisioner.execute.python_worker"


@dataclass(frozen=True, slots=True)
class Strike:
    """Where to die.

    target: "module:name", "module:Class.method" or "module:os.fsync", the last as that module sees it; the part before
    the colon is within provisioner. nth: of its calls, counted from 1. saying: of the calls with this in the repr of
    their arguments. inside: the module of the child that is to die, "" for the process of provision itself.
    spares_parent: whether that child alone dies.
    """

    target: str
    moment: str = "before"
    nth: int = 1
    saying: str = ""
    inside: str = ""
    spares_parent: bool = False

    def __str__(self) -> str:
        where = f" in {self.inside.rpartition('.')[2]}" if self.inside else ""
        said = f" saying {self.saying!r}" if self.saying else ""
        alone = " alone" if self.spares_parent else ""
        return f"{self.moment} {self.target} #{self.nth}{said}{where}{alone}"

    def trap(self, struck: Path) -> dict[str, object]:
        """What boot/trap.py takes. struck: the file that it makes."""
        fields = {**asdict(self), "target": f"provisioner.{self.target}", "struck": str(struck)}
        return fields | {"spares_parent": self.spares_parent or not self.inside}


class NotStruck(AssertionError):
    """The point was not reached, or the process survived it."""


def cache_of(manifest: Path) -> Path:
    """A cache for one project alone, which goes where its folder goes."""
    return manifest.parent / ".cache"


def run(manifest: Path, *words: str) -> Ended:
    """`provision WORDS` for the manifest, to its end."""
    return _to_the_end(Command(manifest, words, surroundings(manifest)))


def kill(manifest: Path, strike: Strike, *words: str, prepare: Callable[[], None] = lambda: None) -> Ended:
    """`provision WORDS` for the manifest, killed at the point. Raises NotStruck when it was not, and why.

    prepare: done in the process that is to die, before anything else.
    """
    struck = cache_of(manifest) / "struck"
    struck.unlink(missing_ok=True)
    trap, variables = strike.trap(struck), surroundings(manifest)
    if strike.inside:
        paths = [str(BOOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables |= {VARIABLE: json.dumps(trap), "PYTHONPATH": os.pathsep.join(paths)}
        command = Command(manifest, words, variables)
    else:
        command = Command(manifest, words, variables, prepare=lambda: (prepare(), set_trap(trap))[1])
    ended = _to_the_end(command)
    if not struck.exists():
        raise NotStruck(f"never came to {strike}: {ended}")
    if not strike.spares_parent and not ended.killed:
        raise NotStruck(f"survived {strike}: {ended}")
    return ended


def surroundings(manifest: Path) -> dict[str, str]:
    """Variables for a process that has a cache, and a folder for temporary files, in the project's folder."""
    temporary = manifest.parent / ".tmp"
    for folder in (cache_of(manifest), temporary):
        folder.mkdir(exist_ok=True)
    return {"XDG_CACHE_HOME": str(cache_of(manifest)), "TMPDIR": str(temporary)}


def _to_the_end(command: Command) -> Ended:
    return Forked(command, cache_of(command.manifest) / "said").go().wait()

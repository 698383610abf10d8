"""Many processes at once at one database, each under the name for it that it happens to use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import neighbours  # noqa: F401  so that the next lines find their modules
from forked import PATIENCE, Command, Ended, Forked
from projects import make
from worlds import FILES, STEPS, TABLES, Facts, database_of, differences, facts_of

import provisioner
from provisioner.execute.history import journal_path, read_journal

# Outside the database, where no transaction takes it back.
COUNTED = (
    FILES["building.py"] + '    with (context.folder / "counter").open("a") as file:\n        file.write("once\\n")\n'
)


def lay_out(folder: Path) -> Path:
    """A project of every kind of step but dbt, never applied, that goes by several names; returns its manifest.

    `alias` beside the folder leads to it, and `linked.yaml` names the database through a link.
    """
    project = make(folder, STEPS, TABLES, {**FILES, "building.py": COUNTED})
    project.declare(database="build/shop.duckdb")
    (folder / "build").mkdir()
    (folder / "link").symlink_to("build")
    text = project.path.read_text(encoding="utf-8")
    project.write("linked.yaml", text.replace("build/shop.duckdb", "link/shop.duckdb"))
    folder.with_name("alias").symlink_to(folder)
    return project.path


def drift(manifest: Path) -> None:
    """Give a converged project something to do: one table gone, another one's rows gone."""
    import duckdb

    with duckdb.connect(str(database_of(manifest))) as connection:
        connection.execute("DROP TABLE built")
        connection.execute("DROP TABLE counted")
        connection.execute("DELETE FROM counts_log")
        connection.execute("DELETE FROM built_log")
    (manifest.parent / "counter").unlink()


def _ensure(manifest: Path, folder: Path) -> int:
    os.chdir(folder)
    return 0 if provisioner.ensure(manifest, timeout=PATIENCE).outcome is provisioner.Outcome.DONE else 1


def _apply(manifest: Path, folder: Path) -> int:
    return Command(folder / manifest, ("apply", "--lock-timeout", f"{PATIENCE:.0f}s"))()


def ways(manifest: Path) -> list[Callable[[], int]]:
    """Every way to ask for it: which call, by which name, from where."""
    folder, alias = manifest.parent, manifest.parent.with_name("alias")
    names = (
        (manifest, Path("/")),
        (Path("provision.yaml"), folder),
        (alias / "provision.yaml", folder),
        (Path("alias/provision.yaml"), folder.parent),
        (folder / "linked.yaml", folder),
    )
    return [partial(call, name, start) for name, start in names for call in (_apply, _ensure)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """complaints: one line each; nothing when exactly one executed and all is as in an undisturbed run."""

    ended: Sequence[Ended]
    complaints: tuple[str, ...]


def meet(manifest: Path, number: int, wanted: Facts, runs: int, output: Path) -> Outcome:
    """So many processes, all let go at the same moment. runs: how many the journal is to tell of in the end."""
    output.mkdir(parents=True, exist_ok=True)
    every = ways(manifest)
    waiting = [Forked(every[index % len(every)], output / f"{index}.txt") for index in range(number)]
    ended = [one.wait() for one in [one.go() for one in waiting]]
    complaints = [f"process {index}: {one}" for index, one in enumerate(ended) if one.code != 0]
    return Outcome(ended, (*complaints, *_executions(manifest, runs), *_content(manifest, wanted)))


def _executions(manifest: Path, runs: int) -> Iterator[str]:
    found = read_journal(journal_path(database_of(manifest))).runs
    if len(found) != runs or any(run.outcome != "done" for run in found):
        yield f"the journal tells of {[(run.run, run.outcome) for run in found]} instead of {runs} runs"
    for run in found:
        if len({unit.unit for unit in run.units}) != len(run.units) or any(unit.attempts > 1 for unit in run.units):
            yield f"units of run {run.run} began more than once: {[unit.unit for unit in run.units]}"
    times = (manifest.parent / "counter").read_text().count("once")
    if times != 1:
        yield f"the python step ran {times} times"


def _content(manifest: Path, wanted: Facts) -> list[str]:
    return differences(wanted, facts_of(database_of(manifest)))


@contextmanager
def own_cache(folder: Path) -> Iterator[None]:
    """A cache that these processes share and nobody else has."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield
    finally:
        del os.environ["XDG_CACHE_HOME"]
        if before is not None:
            os.environ["XDG_CACHE_HOME"] = before

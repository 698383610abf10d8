"""Our own protocol broken in one place after the other: a test must find each of them out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from campaign import Result, Scale
from mutants import MUTANTS, Mutant
from side_by_side import Outcome, failures_of, try_all

import provisioner

TESTS = Path(__file__).resolve().parents[1]
PACKAGE = Path(provisioner.__file__).parent
FOUND_OUT, FINE = 1, 0
"""pytest's exit codes for tests that failed, and for tests that all passed. Any other means that nothing was tested."""


def campaign(scale: Scale) -> Result:
    """The tests must pass with the package as it is; else a mutant that fails them proves nothing."""
    tried = scale.sample(MUTANTS, 3)
    tests = sorted({test for mutant in tried for test in mutant.caught_by})
    code, said = _test(_copy(scale.folder / "unchanged"), tests)
    if code != FINE:
        return Result(0, (f"the tests fail without any mutant: {said}",))
    found = list(try_all(scale, _hunt, tried))
    failures = failures_of(found)
    return Result(len(found), failures, f"{len(found) - len(failures)} found out")


def _hunt(folder: Path, mutant: Mutant) -> Outcome:
    copy = _copy(folder / mutant.name.replace(" ", "-"))
    file = copy / "provisioner" / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        return Outcome(0, (f"{mutant.file} has its text {text.count(mutant.old)} times, and once is expected",))
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    code, said = _test(copy, mutant.caught_by)
    if code == FOUND_OUT:
        return Outcome(1)
    return Outcome(0, ("it survived" if code == FINE else f"nothing was tested: {said}",))


def _copy(folder: Path) -> Path:
    shutil.copytree(PACKAGE, folder / "provisioner", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _test(copy: Path, tests: Sequence[str]) -> tuple[int, str]:
    """pytest's exit code, and the end of what it said, with this copy of the package."""
    ask = f"import sys, provisioner; assert provisioner.__file__.startswith({str(copy)!r}), provisioner.__file__; "
    command = [sys.executable, "-P", "-c", f"{ask}import pytest; sys.exit(pytest.main(sys.argv[1:]))"]
    words = ["-x", "-q", "-p", "no:xdist", f"--rootdir={TESTS.parent}", f"--basetemp={copy / 'tmp'}"]
    done = subprocess.run(
        [*command, *words, *(str(TESTS / test) for test in tests)],
        env={**os.environ, "PYTHONPATH": str(copy), "XDG_CACHE_HOME": str(copy / "cache")},
        cwd=copy, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    return done.returncode, " | ".join((done.stdout + done.stderr).strip().splitlines()[-6:])

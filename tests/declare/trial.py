"""What becomes of a manifest, whatever it says: it loads, or an error says where, what and what to do about it."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from mutations import BESIDE, Attempt

import provisioner
from provisioner.declare.load import load_manifest
from provisioner.declare.values import Manifest
from provisioner.errors import ManifestError, ProvisionError

MOST_SECONDS, MOST_BYTES = 2.0, 300_000_000
PLACE = re.compile(r".+:[0-9]+:[0-9]+", re.DOTALL)
VARIABLES = {"X": "value", "PLACE": "build"}


def prepare(folder: Path) -> Path:
    """A folder with what manifests refer to."""
    for name, text in BESIDE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def complaints(attempt: Attempt, folder: Path) -> tuple[str, ...]:
    """One line for each thing that a person should never meet; seconds are those of the processor."""
    size, begun = _largest(), time.process_time()
    found = list(_of_errors(attempt, folder))
    seconds = time.process_time() - begun
    if seconds > MOST_SECONDS:
        found.append(f"took {seconds:.1f} s")
    # Of a process that was as large before, nothing is known.
    if _largest() > max(size, MOST_BYTES):
        found.append(f"took {_largest() / 1e6:.0f} MB")
    return tuple(found)


def _largest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _of_errors(attempt: Attempt, folder: Path) -> Iterator[str]:
    try:
        manifest = load_manifest(attempt.write(folder), environment=attempt.environment, variables=VARIABLES)
        if not is_to_be_planned(manifest):
            return
        provisioner.plan(manifest, cache=False)
    except ManifestError as error:
        for one in error.problems:
            # What was expected is the cure of a value of the wrong kind.
            if not (PLACE.fullmatch(one.place) and one.code and (one.cure or ": expected " in one.message)):
                yield f"an incomplete problem: {one!r}"
    except ProvisionError as error:
        if not (error.code and error.message and error.cure):
            yield f"an incomplete error: {type(error).__name__} {error.code} {error.message!r} {error.cure!r}"
    except Exception as error:
        yield f"{type(error).__name__}: {str(error)[:200]!r} at {_line_of(error)}"


def _line_of(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def is_to_be_planned(manifest: Manifest) -> bool:
    """Whether all of it can be looked at without starting dbt."""
    return manifest.dbt is None

"""What a look found out is kept in a file of the cache, for the next one: notes on files, and the proof of a converged
database.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.declare.asked import digest_values
from provisioner.declare.signature import Signature, is_settled, sign
from provisioner.declare.values import Manifest
from provisioner.observe.installation import installation
from provisioner.observe.notes import Looked, Notes
from provisioner.observe.own import make_own_folder, sealed
from provisioner.observe.proof import FORMAT, ZONE_VARIABLE

_SEASON_SECONDS = 90 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Look:
    """One full look. variables: the environment. asked: those that it depended on.

    sealed: the database in which it found nothing to do; None when it found something, or could have been disturbed.
    """

    notes: Notes
    variables: Mapping[str, str]
    asked: Iterable[str] = ()
    sealed: Signature | None = None


def notes_of(kept: Mapping[str, Any]) -> Notes:
    """Notes that begin now and answer from what was kept; damage among that is as if nothing had been."""
    try:
        known = {
            path: (_signature(signature), dict(facts)) for path, (signature, facts) in kept.get("notes", {}).items()
        }
    except (ValueError, TypeError, AttributeError):
        known = {}
    return Notes(time.time_ns(), time.monotonic_ns(), known)


def keep(path: Path, manifest: Manifest, look: Look) -> None:
    """Write down what a look found out. A cache that cannot be written costs another look the next time."""
    looked, steady = look.notes.looked(), _is_clock_steady(look.notes)
    # What may have changed after it was read is not kept; it will be looked at again.
    began = look.notes.began if steady else 0
    settled = [file for file, one in looked.paths.items() if one is None or is_settled(one, began)]
    with suppress(OSError):
        body = {
            "format": FORMAT,
            "installation": installation(),
            "manifest": str(manifest.path),
            "environment": manifest.environment,
            "declared": _declared(manifest),
            "looked": _looked(looked, look),
            "notes": {file: [looked.paths[file], looked.facts[file]] for file in sorted(settled)},
        }
        if look.sealed is not None and len(settled) == len(looked.facts) and _is_as_it_was_read(manifest):
            body["proof"] = _proof(manifest, look.sealed)
        write_whole(path, json.dumps(body, separators=(",", ":")))


def _declared(manifest: Manifest) -> dict[str, Any]:
    origin = manifest.origin
    return {
        "paths": {str(file): signature for file, signature in origin.files},
        "repository": _repository(manifest),
        "variables": origin.variables,
        "values": origin.values,
    }


def _looked(looked: Looked, look: Look) -> dict[str, Any]:
    return {
        "zone": look.variables.get(ZONE_VARIABLE),
        "variables": sorted(look.asked),
        "values": digest_values(look.asked, look.variables),
        "wildcards": looked.wildcards,
        "packages": looked.packages,
    }


def _proof(manifest: Manifest, sealed: Signature) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "digest": manifest.digest,
        "database": str(manifest.database),
        "seal": sealed,
    }


def write_whole(path: Path, text: str) -> None:
    """A JSON object's text, sealed: whole or not at all, and for the owner alone. Raises OSError."""
    import tempfile  # slow to import, and most looks write nothing

    make_own_folder(path.parent)
    if not path.exists():
        _sweep(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed(text))
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _sweep(folder: Path) -> None:
    """Remove what nobody has written for a season: the project may be gone, and what is not costs one full look."""
    before = time.time() - _SEASON_SECONDS
    for path in folder.glob("*-*.*"):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


def _signature(numbers: list[int] | None) -> Signature | None:
    return None if numbers is None else Signature(*numbers)


def _is_as_it_was_read(manifest: Manifest) -> bool:
    began = manifest.origin.began
    signed = [(sign(file), before) for file, before in manifest.origin.files]
    return all(now is not None and now == before and is_settled(now, began) for now, before in signed)


def _is_clock_steady(notes: Notes) -> bool:
    """Whether nobody has set the clock back since the reading began: then times of files would mean nothing."""
    return (time.time_ns() - notes.began) > 0.9 * (time.monotonic_ns() - notes.began_steady)


def _repository(manifest: Manifest) -> dict[str, bool]:
    """Where a repository would begin between the manifest and its root, and whether one does."""
    folders = [folder for folder in (manifest.folder, *manifest.folder.parents) if folder.is_relative_to(manifest.root)]
    places = [folder / ".git" for folder in (*folders, *(() if _begins(manifest.root) else manifest.root.parents))]
    return {str(place): place.exists() for place in places}


def _begins(folder: Path) -> bool:
    return (folder / ".git").exists()

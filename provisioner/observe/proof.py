"""The proof that a database is as declared, left by the last full look and checked without opening the database.

    nothing -> a full look finds it converged -> proof -> something differs -> doubt -> a full look -> …

A proof holds for as long as all that the look depended on is the same: provision and the packages under it, the
manifest's files and the variables they ask for, everything that was looked at for the plan, and the database file. What
differs, is missing or cannot be read is doubt. Doubt costs a full look, never a wrong answer.

This module is all that a converged `provision plan` runs through: it imports nothing slow.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.declare.asked import digest_values
from provisioner.declare.signature import sign
from provisioner.observe.installation import installation
from provisioner.observe.own import read_own
from provisioner.observe.seal import seal

# Raised with every change of what is kept.
FORMAT = 2
# Where DuckDB takes the time zone from, in which a view may cast.
ZONE_VARIABLE, ZONE_FILE = "TZ", Path("/etc/localtime")


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose plan is empty: the manifest's name, digest and environment, and its database."""

    name: str
    digest: str
    environment: str | None
    database: Path


def kept_path(cache_dir: Path, manifest: Path, environment: str | None) -> Path:
    """Where everything is kept that was found out for that manifest in that environment; it may be deleted."""
    name = f"{os.path.abspath(manifest)}\n{environment or ''}"
    return cache_dir / f"looked-{zlib.crc32(name.encode(errors='surrogateescape')):08x}.json"


def read_kept(path: Path, manifest: Path, environment: str | None) -> Mapping[str, Any]:
    """What was kept by this very installation; empty where nothing was, or nothing that can be read."""
    try:
        kept = json.loads(read_own(path))
        whose = [FORMAT, installation(), os.path.abspath(manifest), environment]
        return kept if [kept[key] for key in ("format", "installation", "manifest", "environment")] == whose else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def check_proof(kept: Mapping[str, Any], variables: Mapping[str, str], *, digest: str | None = None) -> Proof | None:
    """The proof among what was kept, if it still holds.

    digest: of a manifest that was loaded before, whose files do not count any more; None to look at those too.
    """
    try:
        proof = kept["proof"]
        same = proof["digest"] == digest if digest is not None else _is_as_declared(kept["declared"], variables)
        if same and _is_sealed(proof) and _is_as_looked_at(kept, variables):
            return Proof(proof["name"], proof["digest"], kept["environment"], Path(proof["database"]))
    except Exception:  # whatever is wrong with what was kept: it is doubt
        pass
    return None


def _is_sealed(proof: Mapping[str, Any]) -> bool:
    now = seal(Path(proof["database"]))
    return now is not None and list(now) == proof["seal"]


def _is_as_declared(declared: Mapping[str, Any], variables: Mapping[str, str]) -> bool:
    return (
        _are_unchanged(declared["paths"].items())
        and all(os.path.exists(path) is there for path, there in declared["repository"].items())
        and _hold_the_same(declared["variables"], declared["values"], variables)
    )


def _is_as_looked_at(kept: Mapping[str, Any], variables: Mapping[str, str]) -> bool:
    looked = kept["looked"]
    return (
        looked["zone"] == variables.get(ZONE_VARIABLE)
        and _hold_the_same(looked["variables"], looked["values"], variables)
        and _are_unchanged((path, note[0]) for path, note in kept["notes"].items())
        and _find_the_same(looked["wildcards"], looked["packages"])
    )


def _are_unchanged(signed: Iterable[tuple[str, list[int] | None]]) -> bool:
    for path, signature in signed:
        now = sign(path)
        if (None if now is None else list(now)) != signature:
            return False
    return True


def _hold_the_same(names: list[str], values: str, variables: Mapping[str, str]) -> bool:
    return digest_values(names, variables) == values


def _find_the_same(wildcards: list[list[Any]], packages: list[list[str]]) -> bool:
    if not wildcards and not packages:
        return True
    from provisioner.observe.files import package_folder, resolve_input

    return all(str(package_folder(name) or "") == folder for name, folder in packages) and all(
        [str(path) for path in resolve_input(text, Path(folder))] == found for text, folder, found in wildcards
    )

"""Which manifest is meant when none was named."""

from __future__ import annotations

import os
import re
from pathlib import Path

from provisioner.errors import UsageError

_LOOKED_AT = 65_536
_CURE = "Name one: --manifest {}."


def find_manifest(folder: Path) -> Path:
    """The one YAML file in `manifests/`, else `provision.yaml` in the folder. Raises UsageError for several or none."""
    found = (path for ending in ("*.yaml", "*.yml") for path in (folder / "manifests").glob(ending))
    files = sorted(path for path in found if path.is_file())
    inside = [path for path in files if _has_version(path)] or files
    if len(inside) == 1:
        return inside[0]
    if inside:
        listed = ", ".join(str(path) for path in inside)
        message = f"there are {len(inside)} manifests: {listed}."
        raise UsageError(message, cure=_CURE.format(inside[0]), code="several_manifests")
    alone = folder / "provision.yaml"
    if alone.is_file():
        return alone
    message = f"there is no manifest in {folder / 'manifests'}, and no {alone}."
    raise UsageError(message, cure=_CURE.format("FILE"), code="no_manifest")


def _has_version(path: Path) -> bool:
    """Whether the file is a manifest; without a `version:` it is a part, for others to include."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            start = os.read(file, _LOOKED_AT)
        finally:
            os.close(file)
    except OSError:
        return True
    return start.lstrip().startswith(b"{") or re.search(rb"^[\"']?version[\"']?\s*:", start, re.MULTILINE) is not None

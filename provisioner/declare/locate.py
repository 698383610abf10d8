"""Which manifest is meant when none was named."""

from __future__ import annotations

from pathlib import Path

from provisioner.errors import UsageError

_CURE = "Name one: --manifest {}."


def find_manifest(folder: Path) -> Path:
    """The one YAML file in `manifests/`, else `provision.yaml` in the folder. Raises UsageError for several or none."""
    found = (path for ending in ("*.yaml", "*.yml") for path in (folder / "manifests").glob(ending))
    inside = sorted(path for path in found if path.is_file())
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

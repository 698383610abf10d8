"""Manifest files -> Manifest."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from provisioner.declare.asked import AskedVariables, digest_values
from provisioner.declare.build import build_manifest
from provisioner.declare.collector import collector_at_rest
from provisioner.declare.interpolate import interpolate_tree
from provisioner.declare.merge import overlay, read_tree
from provisioner.declare.paths import project_root
from provisioner.declare.problems import Problems, show_path
from provisioner.declare.schema import validate
from provisioner.declare.soundness import check_soundness
from provisioner.declare.values import Manifest, Origin
from provisioner.errors import UsageError


@collector_at_rest()
def load_manifest(path: Path, *, environment: str | None = None, variables: Mapping[str, str]) -> Manifest:
    """Read, merge, overlay, interpolate and check a manifest.

    environment: the overlay to use. variables: for `${NAME}`, before the manifest's own `vars`. Raises ManifestError
    with every problem at once, and UsageError when there is no such file or environment.
    """
    began, asked = time.time_ns(), AskedVariables(variables)
    file, path = str(path), _existing(path)
    root, problems = project_root(path), Problems()
    tree, files = read_tree(path, file, root, environment, asked, problems)
    if tree is None:
        raise problems.error()
    tree = interpolate_tree(overlay(tree, environment), asked, problems)
    validate(tree, problems)
    check_soundness(tree, root, path.parent, problems)
    if problems.found:
        raise problems.error()
    origin = Origin(began, files, tuple(sorted(asked.names)), digest_values(asked.names, variables))
    return build_manifest(tree, path, root, environment, origin)


def _existing(path: Path) -> Path:
    try:
        absolute = Path(os.path.abspath(path))
    except FileNotFoundError:
        raise UsageError("the working directory is gone.", cure="Change to another one.", code="no_manifest") from None
    if "\0" in str(path) or not os.path.exists(absolute):
        cure = "Name an existing file: --manifest FILE."
        raise UsageError(f"there is no manifest {show_path(str(path))}.", cure=cure, code="no_manifest")
    if os.path.isdir(absolute):
        message = f"{show_path(str(path))} is a folder; a manifest is a file."
        raise UsageError(message, cure="Name a file in it: --manifest FILE.", code="no_manifest")
    return absolute

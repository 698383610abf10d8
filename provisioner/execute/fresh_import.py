"""Import a project's modules from their source, never from `__pycache__`.

Python takes bytecode for current when the source has the size and the second of the one it was made from. An edit
within that second that keeps the size would run the old code, under the stamp of the new.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path


class _FromSource(SourceFileLoader):
    """Without facts about the source Python neither reads bytecode nor writes any."""

    def path_stats(self, path: str) -> Mapping[str, object]:
        raise OSError(f"no bytecode for {path}")


def import_from_source(folder: Path) -> None:
    """From now on, modules in the folder are importable and are compiled from their source."""

    def hook(path: str) -> FileFinder:
        if not Path(path).is_relative_to(folder):
            raise ImportError("not of the project")
        return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FromSource, SOURCE_SUFFIXES))

    sys.path.insert(0, str(folder))
    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()

"""Which provision this is, and beside which packages it is installed, told without importing any of them."""

from __future__ import annotations

import os
import sys
from functools import cache

# What a plan depends on. As distributions call themselves, in the spelling of their folders.
_PACKAGES = ("dbt_adapters", "dbt_common", "dbt_core", "dbt_duckdb", "duckdb", "provisioner", "pyyaml", "sqlglot")
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def installation() -> str:
    """One line that differs wherever Python, provision itself or a package that it stands on does."""
    return f"{sys.version} {' '.join(_distributions())} {_source()}"


def installed_version(name: str) -> str | None:
    """The version of a distribution, None when it is not installed."""
    folder = name.replace("-", "_").lower()
    for found in _distributions():
        package, _, version = found.removesuffix(".dist-info").partition("-")
        if package.lower() == folder:
            return version
    # Conda and the like keep their records otherwise; Python's own way to read them is slow to import.
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _distributions() -> list[str]:
    """The folders of their records, in the order in which Python looks; the first of a name counts."""
    found = dict[str, None]()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        found |= dict.fromkeys(name for name in sorted(names) if name.endswith(".dist-info") and _is_ours(name))
    return list(found)


def _is_ours(name: str) -> bool:
    return name.partition("-")[0].lower() in _PACKAGES


@cache
def _source() -> str:
    """Our own files with size and time: in a working tree they change without a new version."""
    return " ".join(sorted(_entries(_HOME)))


def _entries(folder: str) -> list[str]:
    found = []
    for entry in os.scandir(folder):
        if entry.is_dir():
            found += _entries(entry.path) if entry.name != "__pycache__" else []
        elif entry.name.endswith((".py", ".json")) and entry.is_file():
            facts = entry.stat()
            found.append(f"{os.path.relpath(entry.path, _HOME)}:{facts.st_size}:{facts.st_mtime_ns}")
    return found

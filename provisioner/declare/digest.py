"""One hash of everything that a manifest declares."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

from provisioner.declare.values import Table

_SCALARS = frozenset((str, int, float, bool, type(None)))


def digest_of(values: Mapping[str, Any], folder: Path) -> str:
    """sha256, in hex, of the declared values: the order of keys and files, comments and places change nothing.

    Paths count relative to the manifest's folder, so that a checkout elsewhere has the same digest.
    """
    text = json.dumps(_plain(values, folder), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, folder: Path) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is tuple or kind is list:
        return [part if type(part) in _SCALARS else _plain(part, folder) for part in value]
    if isinstance(value, Mapping):
        return {key: _plain(item, folder) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted((_plain(item, folder) for item in value), key=json.dumps)
    if not is_dataclass(kind):
        return os.path.relpath(value, folder) if isinstance(value, Path) else value
    names, read = _compared(kind)
    parts = [part if type(part) in _SCALARS else _plain(part, folder) for part in read(value)]
    if kind is Table and not value.strict_order:
        parts[names.index("columns")].sort(key=itemgetter(0))
    return parts


@cache
def _compared(kind: Any) -> tuple[list[str], Callable[[Any], tuple[Any, ...]]]:
    """The fields that compare, and what reads them. Places do not, and they are no part of what is declared."""
    names = [field.name for field in fields(kind) if field.compare]
    return names, attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)

"""One hash of everything that a manifest declares."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import attrgetter
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
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Table) and not value.strict_order:
        value = replace(value, columns=tuple(sorted(value.columns, key=lambda column: column.name)))
    if is_dataclass(value):
        parts = _compared(value.__class__)(value)
        return [part if type(part) in _SCALARS else _plain(part, folder) for part in parts]
    if isinstance(value, Mapping):
        return {key: _plain(item, folder) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted((_plain(item, folder) for item in value), key=json.dumps)
    if isinstance(value, tuple | list):
        return [_plain(item, folder) for item in value]
    return os.path.relpath(value, folder) if isinstance(value, Path) else value


@cache
def _compared(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    """What reads the fields that compare. Places do not, and they are no part of what is declared."""
    names = [field.name for field in fields(kind) if field.compare]
    return attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)

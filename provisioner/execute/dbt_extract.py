"""Inside the dbt worker: of dbt's manifest, what makes a graph of it.

A manifest.json of a thousand nodes takes dbt a second to write and is ten times as long as what is read of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.observe.dbt.definition import BUILT_IN
from provisioner.observe.dbt.graph import COMMANDS

EXTRACT_FILE = "extract.json"
# As in dbt's manifest.json, of which this is an extract.
_OF_NODE = (
    "unique_id", "resource_type", "package_name", "name", "alias", "schema", "database", "language", "raw_code",
    "original_file_path", "root_path", "config", "columns", "constraints", "contract", "depends_on",
    "description", "tags", "meta",
)  # fmt: skip
_OF_SOURCE = (
    "unique_id", "source_name", "name", "identifier", "schema", "database", "source_meta", "meta", "config", "columns",
    "description",
)  # fmt: skip


def write_extract(manifest: Any, folder: Path) -> None:
    """Write it as JSON to EXTRACT_FILE in the folder. manifest: dbt's own object. Raises OSError."""
    from dbt.utils import JSONEncoder

    made = {name: node for name, node in manifest.nodes.items() if str(node.resource_type) in COMMANDS}
    said = {
        "nodes": {name: _pick(node, _OF_NODE) for name, node in made.items()},
        "sources": {name: _pick(source, _OF_SOURCE) for name, source in manifest.sources.items()},
        "macros": {name: _macro(macro) for name, macro in manifest.macros.items()},
    }
    (folder / EXTRACT_FILE).unlink(missing_ok=True)
    (folder / EXTRACT_FILE).write_text(json.dumps(said, cls=JSONEncoder), encoding="utf-8")


def _pick(thing: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    said = thing.to_dict(omit_none=False)
    return {name: said[name] for name in names if name in said}


def _macro(macro: Any) -> Mapping[str, Any]:
    said = {"name": macro.name, "package_name": macro.package_name, "depends_on": {"macros": macro.depends_on.macros}}
    return said if macro.package_name in BUILT_IN else {**said, "macro_sql": macro.macro_sql}

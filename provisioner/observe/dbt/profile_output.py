"""What the profile's chosen output says that reaches the rows of dbt's nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Where the database is, is the manifest's to say.
_PLACE = ("path", "database")
_SESSION = ("settings", "config_options")
# How much of the machine DuckDB takes.
_OF_MACHINE = (
    "threads", "worker_threads", "external_threads", "memory_limit", "max_memory", "temp_directory",
    "max_temp_directory_size",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """The profile's target. name: None for a default that nobody named. output: its settings, filled in."""

    name: str | None = None
    output: Mapping[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> dict[str, Any]:
        """The settings of DuckDB that hold for every node, such as TimeZone."""
        said = {kind: self.output.get(kind) for kind in _SESSION}
        kept = {kind: _without(value, _OF_MACHINE) for kind, value in said.items() if isinstance(value, Mapping)}
        return {kind: value for kind, value in kept.items() if value}

    def read(self, attributes: frozenset[str] | None) -> Any:
        """What `target` gives for these attributes, None for all of it."""
        whole = {**_without(self.output, _PLACE), "name": self.name, "target_name": self.name}
        return whole if attributes is None else {name: whole.get(name) for name in attributes}


def _without(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if str(name).lower() not in names}

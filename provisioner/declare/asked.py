"""Which variables of the environment something was read with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


class AskedVariables(Mapping[str, str]):
    """Variables that remember which of them were asked for, also in vain. names: those."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def digest_values(names: Iterable[str], variables: Mapping[str, str]) -> str:
    """Hex digest of what the named variables hold, empty when none of them is set; their values may be secrets."""
    values = [[name, variables[name]] for name in sorted(names) if name in variables]
    if not values:
        return ""
    import hashlib
    import json

    return hashlib.blake2b(json.dumps(values).encode(), digest_size=32).hexdigest()

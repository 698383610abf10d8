"""What `var()` and `env_var()` give in a dbt project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_VAR = re.compile(r"""\bvar(?:\.has_var)?\s*\(\s*['"]([^'"]+)['"]""")
_UNNAMED_VAR = re.compile(r"""\bvar\s*\(\s*[^'"\s)]""")
_ENV_VAR = re.compile(r"""\benv_var\s*\(\s*['"]([^'"]+)['"]""")
_WRITTEN_OUT = re.compile(
    r"""\{\{-?\s*(var|env_var)\s*\(\s*['"]([^'"]+)['"]\s*(?:,\s*['"]([^'"]*)['"]\s*)?\)\s*-?\}\}"""
)


@dataclass(frozen=True, slots=True)
class Variables:
    """What is set, and by whom.

    given: the manifest's own vars. project: those of dbt_project.yml. packages: those a package sets for itself, by its
    name. environment: what env_var reads.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    project: Mapping[str, Any] = field(default_factory=dict)
    packages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str, package: str) -> Any:
        """The value that a node of that package sees, None when nothing sets it. The order is dbt's own."""
        scoped, of_package = self.project.get(package), self.packages.get(package, {})
        own = of_package.get(package)
        layers = (self.given, scoped, self.project, own, of_package)
        return next((layer[name] for layer in layers if isinstance(layer, Mapping) and name in layer), None)

    def fill_in(self, text: str, package: str) -> str:
        """The text with every plain `{{ var('x') }}` and `{{ env_var('X') }}` replaced; what has no value stays."""

        def value(found: re.Match[str]) -> str:
            known = self.get(found[2], package) if found[1] == "var" else self.environment.get(found[2])
            known = found[3] if known is None else known
            return found[0] if known is None else str(known)

        return _WRITTEN_OUT.sub(value, text)


def named_vars(texts: Iterable[str]) -> list[str]:
    """The vars that the texts name, sorted."""
    return sorted({name for text in texts for name in _VAR.findall(text)})


def reads_unnamed_var(texts: Iterable[str]) -> bool:
    """Whether a var is read whose name is computed."""
    return any(_UNNAMED_VAR.search(text) for text in texts)


def named_env_vars(texts: Iterable[str]) -> list[str]:
    """The environment variables that the texts name, sorted."""
    return sorted({name for text in texts for name in _ENV_VAR.findall(text)})

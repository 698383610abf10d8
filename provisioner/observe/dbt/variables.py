"""What `var()` and `env_var()` give in a dbt project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# A name is whole where a comma or the bracket follows it; 'start_' ~ x is computed.
_NAME = r"""\s*\(\s*(?:'([^'"]*)'|"([^'"]*)")\s*[,)]"""
_COMPUTED = r"""\s*\((?!\s*(?:'[^'"]*'|"[^'"]*")\s*[,)]|\s*\))"""
_VAR = re.compile(r"\bvar(?:\.has_var)?" + _NAME)
_UNNAMED_VAR = re.compile(r"\bvar(?:\.has_var)?" + _COMPUTED)
_ENV_VAR = re.compile(r"\benv_var" + _NAME)
_UNNAMED_ENV_VAR = re.compile(r"\benv_var" + _COMPUTED + r"""\s*(?:['"](\w*)['"])?""")
_WORD = re.compile(r"""['"]([^\W\d]\w*)['"]""")
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

    def env(self, texts: Iterable[str], package: str) -> dict[str, str | None]:
        """Each environment variable that the texts read. One whose name is computed is taken for all that may be meant:
        names in quotes, the values of vars that are named, and each of them behind what the computed name begins with.
        """
        texts = list(texts)
        names = set(named_env_vars(texts))
        if beginnings := computed_env_vars(texts):
            words = {word for text in texts for word in quoted_words(text)}
            words |= values_in([self.get(name, package) for name in named_vars(texts)])
            names |= candidates(beginnings, words) & self.environment.keys()
        return {name: self.environment.get(name) for name in sorted(names)}

    def fill_in(self, text: str, package: str) -> str:
        """The text with every plain `{{ var('x') }}` and `{{ env_var('X') }}` replaced; what has no value stays."""

        def value(found: re.Match[str]) -> str:
            known = self.get(found[2], package) if found[1] == "var" else self.environment.get(found[2])
            known = found[3] if known is None else known
            return found[0] if known is None else str(known)

        return _WRITTEN_OUT.sub(value, text)


def named_vars(texts: Iterable[str]) -> list[str]:
    """The vars that the texts name, sorted."""
    return sorted({single or double for text in texts for single, double in _VAR.findall(text)})


def reads_unnamed_var(texts: Iterable[str]) -> bool:
    """Whether a var is read whose name is computed."""
    return any(_UNNAMED_VAR.search(text) for text in texts)


def named_env_vars(texts: Iterable[str]) -> list[str]:
    """The environment variables that the texts name, sorted."""
    return sorted({single or double for text in texts for single, double in _ENV_VAR.findall(text)})


def computed_env_vars(texts: Iterable[str]) -> list[str]:
    """What the names of environment variables begin with that are computed, sorted; empty for nothing known of it."""
    return sorted({beginning for text in texts for beginning in _UNNAMED_ENV_VAR.findall(text)})


def quoted_words(text: str) -> set[str]:
    """The words in quotes, of which a name may be made."""
    return set(_WORD.findall(text))


def values_in(value: Any) -> set[str]:
    """The texts in a var's value, of which a name may be made."""
    if isinstance(value, Mapping):
        value = list(value.values())
    return {text for one in value for text in values_in(one)} if isinstance(value, list) else {str(value)}


def candidates(beginnings: Iterable[str], words: Iterable[str]) -> set[str]:
    """The names that may be meant where one is computed."""
    words = set(words)
    return words | {beginning + word for beginning in beginnings for word in words}

"""What was found out about files, each finding kept for as long as its file stays the same.

One `Notes` goes through everything that reads files for a plan. It answers from what is kept where the file's signature
says that nothing changed, and it remembers all that was asked, also what was not there: if all of that is the same the
next time, the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.declare.signature import Signature, sign
from provisioner.observe.files import (
    digest_file,
    has_wildcard,
    label_of,
    package_folder,
    package_of,
    read_text,
    resolve_input,
    where,
)


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything that was looked at. paths: files and folders, and places where nothing was, that did not change since.

    facts: of every path, by name.
    wildcards: (text, folder, files that matched). packages: (name, folder, empty when not installed).
    """

    paths: Mapping[str, Signature | None]
    facts: Mapping[str, Mapping[str, Any]]
    wildcards: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    packages: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Notes:
    """began: when the reading began, in ns since 1970; began_steady: the same on a clock that nobody sets.

    kept: from an earlier reading, by path: signature and facts. learned: whether anything was found out anew.
    """

    began: int = 0
    began_steady: int = 0
    kept: Mapping[str, tuple[Signature | None, Mapping[str, Any]]] = field(default_factory=dict)
    learned: bool = False
    _facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _signed: dict[str, Signature | None] = field(default_factory=dict)
    _wildcards: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _packages: dict[str, str] = field(default_factory=dict)
    _found: dict[tuple[str, Path], tuple[Path, ...]] = field(default_factory=dict)

    def saw(self, path: Path) -> None:
        """A file, folder or absence that what is found depends on. To be called before it is read."""
        if str(path) not in self._facts:
            self._signed[str(path)] = sign(path)
            self._facts[str(path)] = {}

    def fact(self, path: Path, name: str, find: Callable[[Path], Any]) -> Any:
        """What `find` makes of the file's content, a JSON value; `find` is asked again only when the file changed."""
        self.saw(path)
        facts = self._facts[str(path)]
        if name not in facts:
            signature, known = self.kept.get(str(path), (None, {}))
            if name in known and signature is not None and self._signed[str(path)] == signature:
                facts[name] = known[name]
            else:
                facts[name] = find(path)
                self.learned = True
        return facts[name]

    def digest(self, path: Path) -> str:
        """Hex digest of the file's bytes. Raises InputError."""
        return str(self.fact(path, "digest", digest_file))

    def text(self, path: Path) -> str:
        """The file's text. Raises InputError."""
        self.saw(path)
        return read_text(path)

    def find(self, text: str, folder: Path) -> tuple[Path, ...]:
        """As resolve_input, and the same each time."""
        if (text, folder) not in self._found:
            self._found[text, folder] = self._look_for(text, folder)
        return self._found[text, folder]

    def _look_for(self, text: str, folder: Path) -> tuple[Path, ...]:
        package = package_of(text)
        if package is not None:
            self.package(package)
        found = resolve_input(text, folder)
        for path in found:
            self.saw(path)
        if has_wildcard(text, folder):
            self._wildcards[text, str(folder)] = tuple(map(str, found))
        elif not found and package is None:
            self.saw(folder / text)
        return found

    def package(self, name: str) -> Path | None:
        """As package_folder."""
        found = package_folder(name)
        self._packages[name] = str(found or "")
        return found

    def digests(self, texts: Iterable[str], folder: Path) -> Mapping[str, str]:
        """Label to digest for every file the texts name; what is missing is left out.

        A label is the text itself, or for a glob the text and the member (`data/*.csv:data/a.csv`), so that it is the
        same in every working tree.
        """
        found = {label_of(text, path, folder): self.digest(path) for text in texts for path in self.find(text, folder)}
        return dict(sorted(found.items()))

    def missing(self, texts: Iterable[str], folder: Path) -> Iterator[tuple[str, str]]:
        """The texts that name no file, each with the place where one was expected."""
        return ((text, where(text, folder)) for text in texts if not self.find(text, folder))

    def changed(self, names: Iterable[str]) -> tuple[str, ...]:
        """The files with a fact of one of these names that are not what they were when they were read."""
        wanted = set(names)
        return tuple(
            path for path, facts in self._facts.items() if wanted & facts.keys() and sign(path) != self._signed[path]
        )

    def signatures(self) -> Mapping[str, Signature | None]:
        """Of all that was looked at, from before it was read."""
        return dict(self._signed)

    def findings(self) -> Mapping[str, tuple[Signature | None, Mapping[str, Any]]]:
        """All that was found out, for other notes to be kept from."""
        return {path: (self._signed[path], facts) for path, facts in self._facts.items()}

    def looked(self) -> Looked:
        """All that was looked at, with its signatures from before it was read, as far as they are the same now."""
        return Looked(
            {path: signature for path, signature in self._signed.items() if sign(path) == signature},
            self._facts,
            tuple((text, folder, found) for (text, folder), found in self._wildcards.items()),
            tuple(self._packages.items()),
        )

"""All that is wrong with a manifest, gathered so that a person meets it at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from provisioner.declare.bounds import LIMIT_PATH
from provisioner.declare.shorten import shorten
from provisioner.declare.values import Place
from provisioner.errors import MOST_PROBLEMS, ManifestError, Problem

TreePath = tuple[str | int, ...]
_SHOWN = 80


def show(text: str, longest: int = _SHOWN) -> str:
    """The text as a message may hold it: printable, and not longer than a line."""
    text = text[: longest + 1]  # what is cut off anyhow is not looked through either
    if not text.isprintable() or not text.strip():
        text = ascii(text)
    return shorten(text, longest)


def show_path(path: str) -> str:
    """As show, but whole: a path that is cut short helps nobody."""
    return show(path, LIMIT_PATH)


def dotted(path: TreePath) -> str:
    """`tables.orders.expect.unique[0]`."""
    words = (f"[{part}]" if isinstance(part, int) else f".{show(part)}" for part in path)
    return "".join(words).removeprefix(".")


@dataclass(slots=True)
class Problems:
    """broken: entries, as (section, name), of which no more should be said: what follows from a mistake is noise."""

    found: dict[tuple[Place, str, str], Problem] = field(default_factory=dict)
    broken: set[TreePath] = field(default_factory=set)

    def add(self, place: Place, code: str, message: str, cure: str = "", path: TreePath = ()) -> None:
        """Note one problem. It is kept once, though an overlay is looked at both where it stands and where it lands.

        Raises ManifestError once there are so many that nobody wants to read more of them.
        """
        if path:
            self.broken.add(path[:2])
        text = f"{dotted(path)}: {message}" if path else message
        self.found.setdefault((place, code, message), Problem(str(place), code, text, cure))
        if len(self.found) >= MOST_PROBLEMS:
            raise self.error()

    def is_broken(self, section: str, name: str | int = "") -> bool:
        return (section,) in self.broken or (section, name) in self.broken

    def touch(self, section: str) -> bool:
        """Whether there is a problem anywhere in the section."""
        return any(path[0] == section for path in self.broken)

    def error(self) -> ManifestError:
        """Every problem, in the order of the files."""
        return ManifestError(self.found[key] for key in sorted(self.found))

"""The files that a pattern finds: `*`, `?`, `[abc]`, and `**` for any number of folders, as Python's `glob` knows them.

Part by part: every folder is looked into once for each part, however many ways lead to it, and nothing recurs. Neither
a pattern of a thousand `**` nor a link that leads back to its own folder takes longer than what there is to be found.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_MAGIC = re.compile(r"[*?[]")
_ANY_FOLDERS = "**"
# No name of a file is longer, and so none fits a longer part.
_LONGEST_NAME = 255


def has_magic(text: str) -> bool:
    """Whether the text is a pattern rather than a name."""
    return _MAGIC.search(text) is not None


def find_files(pattern: str, base: Path) -> list[str]:
    """The files that it finds, relative to base; hidden ones only where the pattern names a dot."""
    parts = [part for part in pattern.split("/") if part]
    if pattern.endswith("/") or any(len(part) > _LONGEST_NAME for part in parts):
        return []
    found: Iterable[str] = [""]
    for number, part in enumerate(parts):
        if part == _ANY_FOLDERS and parts[number - 1 : number] == [part]:
            continue  # twice any number of folders is any number of folders
        found = dict.fromkeys(name for start in found for name in _next(start, part, base))
    if parts[-1:] == [_ANY_FOLDERS]:
        found = dict.fromkeys(name for start in found for name in _inside(start, base, _is_shown))
    return [name for name in found if os.path.isfile(os.path.join(base, name))]


def _next(start: str, part: str, base: Path) -> Iterator[str]:
    if part == _ANY_FOLDERS:
        yield from _folders_below(start, base)
    elif has_magic(part):
        fits = re.compile(fnmatch.translate(part)).match
        shown = part.startswith(".")
        yield from _inside(start, base, lambda name: fits(name) is not None and (shown or _is_shown(name)))
    elif os.path.lexists(os.path.join(base, start, part)):
        yield os.path.join(start, part)


def _folders_below(start: str, base: Path) -> Iterator[str]:
    """The folder itself and all in it, links followed, but for one that leads back to a folder that it lies in."""
    waiting = [(start, frozenset[tuple[int, int]]())]
    while waiting:
        name, above = waiting.pop()
        try:
            facts = os.stat(os.path.join(base, name))
        except OSError:
            continue
        here = (facts.st_dev, facts.st_ino)
        if here in above or not stat.S_ISDIR(facts.st_mode):
            continue
        yield name
        waiting += [(inner, above | {here}) for inner in _inside(name, base, _is_shown, folders=True)]


def _inside(start: str, base: Path, fits: Callable[[str], bool], *, folders: bool = False) -> Iterator[str]:
    try:
        with os.scandir(os.path.join(base, start)) as entries:
            names = [one.name for one in entries if fits(one.name) and (not folders or one.is_dir())]
    except OSError:
        return
    yield from (os.path.join(start, name) for name in names)


def _is_shown(name: str) -> bool:
    return not name.startswith(".")

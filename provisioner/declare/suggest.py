"""Did you mean?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache

from provisioner.declare.problems import show
from provisioner.declare.values import fold

_LISTED = 12
# Words of more letters, and words among more names, are compared by a single letter: the rest would take minutes.
_FEW, _SHORT = 50, 30
# So many letters all names together may have, and so many a word, to be compared at all.
_LETTERS, _LONGEST = 300_000, 100


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant."""
    if len(word) > _LONGEST:
        return None
    names = tuple(known)
    if len(names) > _FEW or len(word) > _SHORT:
        return _one_letter_off(fold(word), names)
    by_folded = {fold(name): name for name in sorted(names) if len(name) <= 2 * _SHORT}
    close = get_close_matches(fold(word), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], what: str) -> str:
    """The cure for an unknown word: the nearest known one, else all of them. what: their name in the plural."""
    names = tuple(known)
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {show(near)}?"
    if not names:
        return f"There are no {what}."
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"Known {what}: {', '.join(show(name) for name in _first(names))}{more}."


# Each time the same names come in the same order: a thousand misspelt words cost one look through them.
@lru_cache(maxsize=4)
def _first(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names)[:_LISTED])


def _one_letter_off(word: str, names: tuple[str, ...]) -> str | None:
    index = _index(names)
    return next((index[form] for form in _shortened(word) if form in index), None)


@lru_cache(maxsize=4)
def _index(names: tuple[str, ...]) -> dict[str, str]:
    index: dict[str, str] = {}
    likely = sorted(name for name in names if len(name) <= _LONGEST)
    for name in likely if sum(map(len, likely)) <= _LETTERS else ():
        for form in _shortened(fold(name)):
            index.setdefault(form, name)
    return index


def _shortened(word: str) -> Iterator[str]:
    """The word, and the word without each of its letters: two words that share one are an edit apart, or a swap."""
    yield word
    yield from (word[:i] + word[i + 1 :] for i in range(len(word)))

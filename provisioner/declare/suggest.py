"""Did you mean?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache

from provisioner.declare.problems import show
from provisioner.declare.values import fold

_LISTED = 12
_FEW = 50


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant."""
    names = tuple(sorted(known))
    if len(names) > _FEW:
        return _one_letter_off(fold(word), names)
    by_folded = {fold(name): name for name in names}
    close = get_close_matches(fold(word), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], what: str) -> str:
    """The cure for an unknown word: the nearest known one, else all of them. what: their name in the plural."""
    names = sorted(known)
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {show(near)}?"
    if not names:
        return f"There are no {what}."
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"Known {what}: {', '.join(show(name) for name in names[:_LISTED])}{more}."


def _one_letter_off(word: str, names: tuple[str, ...]) -> str | None:
    # Comparing thousands of wrong words with thousands of names takes minutes; this does not.
    index = _index(names)
    return next((index[form] for form in _shortened(word) if form in index), None)


@lru_cache(maxsize=4)
def _index(names: tuple[str, ...]) -> dict[str, str]:
    index: dict[str, str] = {}
    for name in names:
        for form in _shortened(fold(name)):
            index.setdefault(form, name)
    return index


def _shortened(word: str) -> Iterator[str]:
    """The word, and the word without each of its letters: two words that share one are an edit apart, or a swap."""
    yield word
    yield from (word[:i] + word[i + 1 :] for i in range(min(len(word), 200)))

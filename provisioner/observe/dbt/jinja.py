"""Which names the Jinja of a text speaks of, found without running it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_BLOCK = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
# Its arguments are settings; a hook in them may well name `this`.
_CONFIG = re.compile(r"\{\{-?\s*config\(.*?\)\s*-?\}\}", re.S)


def without_config(text: str) -> str:
    """The text without its call of `config()`."""
    return _CONFIG.sub("", text)


@lru_cache(maxsize=4096)
def in_jinja(word: str, text: str) -> bool:
    """Whether the name stands in the text's Jinja, and not as an attribute of something else."""
    return any(re.search(rf"(?<![\w.]){word}\b", block) for block in _blocks(word, text))


def says(word: str, texts: Iterable[str]) -> bool:
    """Whether the Jinja of the texts holds the word in any role: a name, an attribute or within quotes."""
    blocks = (block for text in texts for block in _blocks(word, text))
    return any(re.search(rf"(?<![^\W_]){word}(?![^\W_])", block) for block in blocks)


def attributes(word: str, texts: Iterable[str]) -> frozenset[str] | None:
    """Which attributes of that name the texts read, as `word.x`; None where one uses it in another way."""
    found = set[str]()
    for block in (block for text in texts for block in _blocks(word, text)):
        for use in re.finditer(rf"(?<![\w.]){word}\b(?:\s*\.\s*([^\W\d]\w*)\b(?!\s*\())?", block):
            if use[1] is None:
                return None
            found.add(use[1])
    return frozenset(found)


# Few texts hold a word at all; a macro that does is asked about for each node that comes to it.
@lru_cache(maxsize=4096)
def _blocks(word: str, text: str) -> list[str]:
    return [block for block in _BLOCK.findall(text) if word in block] if word in text else []

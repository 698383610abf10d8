"""What SQL makes, changes or drops, told from the words of each statement by our own lexer.

No parser of another house is asked: what that one does not understand would go by unseen. That DuckDB reads the same
tokens is made sure of in `sql.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from provisioner.declare.values import DEFAULT_SCHEMA, TableName, fold
from provisioner.observe.brackets import deeper
from provisioner.observe.lexer import Token, TokenKind, lex
from provisioner.observe.spelling import name_of

_VERBS = ("delete", "insert", "merge", "update")
_BETWEEN = ("or", "replace", "ignore", "into", "from", "if", "not", "exists", "table")
Name = tuple[str, ...]


class Kind(StrEnum):
    RELATION = "relation"
    INDEX = "index"
    SCHEMA = "schema"


_KINDS = {"table": Kind.RELATION, "view": Kind.RELATION, "index": Kind.INDEX, "schema": Kind.SCHEMA}


@dataclass(frozen=True, slots=True)
class Writes:
    """relations: that are made, changed or dropped, temporary ones left out. indexes: that are dropped or changed.

    schemas: that are dropped or changed, with all that is in them.
    """

    relations: tuple[TableName, ...] = ()
    indexes: tuple[TableName, ...] = ()
    schemas: tuple[str, ...] = ()


def find_writes(statements: Iterable[str]) -> Writes:
    """Of all statements of a script, in their order. Raises LexError for text that ends inside a string."""
    found: dict[Kind, dict[TableName, None]] = {kind: {} for kind in Kind}
    temporary = set[str]()
    for text in statements:
        words = _Words(list(lex(text)))
        for kind, name in _targets(words, temporary):
            if fold(name[0]) != "temp" and not (len(name) == 1 and fold(name[0]) in temporary):
                found[kind][_as_table(name)] = None
    schemas = tuple(table.name for table in found[Kind.SCHEMA])
    return Writes(tuple(found[Kind.RELATION]), tuple(found[Kind.INDEX]), schemas)


def copies_in(text: str) -> bool:
    """Whether a COPY fills a table; else it writes a file."""
    words = _Words(list(lex(text)))
    return words.take("copy") and words.past("from", "to") == "from"


class _Words:
    """The tokens of one statement, read from the left. at: the next one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self.at = 0

    def peek(self) -> str:
        """The next token in small letters, a quoted name with its quotes; empty at the end."""
        return self._tokens[self.at].text.lower() if self.at < len(self._tokens) else ""

    def take(self, *words: str) -> bool:
        """Go past the next token, if it is one of these; whether it was."""
        taken = self.peek() in words
        self.at += taken
        return taken

    def take_all(self, *words: str) -> None:
        while self.take(*words):
            pass

    def past(self, *words: str) -> str:
        """Go past the first of these words that is in no bracket and no part of a name. Returns it, empty for none."""
        depth, before = 0, ""
        while self.at < len(self._tokens):
            token = self._tokens[self.at]
            self.at += 1
            depth += deeper(token)
            if not depth and before != "." and (word := token.text.lower()) in words:
                return word
            before = token.text
        return ""

    def name(self) -> Name:
        """Go past a name, which may have several parts; () where there is none."""
        parts = list[str]()
        while self.at < len(self._tokens) and self._tokens[self.at].kind in (TokenKind.WORD, TokenKind.QUOTED):
            parts.append(name_of(self._tokens[self.at]))
            self.at += 1
            if not self.take("."):
                break
        return tuple(parts)

    def names(self) -> Iterator[Name]:
        """Names with commas between them."""
        while name := self.name():
            yield name
            if not self.take(","):
                return


def _targets(words: _Words, temporary: set[str]) -> Iterator[tuple[Kind, Name]]:
    """temporary: the names of what earlier statements made for the session; gets those of this one."""
    if words.take("explain"):
        words.take("analyze")
        if words.peek() == "(":
            words.past(")")
    if words.take("prepare"):
        words.past("as")
    if words.take("with"):
        while verb := words.past(*_VERBS):
            yield from _targets_of(verb, words, temporary)
    else:
        verb = words.peek()
        words.at += 1
        yield from _targets_of(verb, words, temporary)


def _targets_of(verb: str, words: _Words, temporary: set[str]) -> Iterator[tuple[Kind, Name]]:
    if verb == "create":
        names = _created(words, temporary)
    elif verb in ("drop", "alter"):
        yield from _dropped_or_altered(words)
        return
    elif verb == "comment":
        names = _commented(words)
    elif verb == "copy":
        name = words.name()
        names = (name,) if name and words.past("from", "to") == "from" else ()
    elif verb in (*_VERBS, "truncate"):
        words.take_all(*_BETWEEN)
        names = tuple(filter(None, [words.name()]))
    else:
        return
    yield from ((Kind.RELATION, name) for name in names)


def _created(words: _Words, temporary: set[str]) -> tuple[Name, ...]:
    words.take_all("or", "replace", "local", "global")
    passing = words.take("temp", "temporary")
    words.take_all("unique", "recursive", "persistent")
    if words.take("index", "trigger"):
        words.past("on")
    elif not words.take("table", "view"):
        return ()
    words.take_all("if", "not", "exists")
    name = words.name()
    if passing and name:
        temporary.add(fold(name[-1]))
        return ()
    return (name,) if name else ()


def _dropped_or_altered(words: _Words) -> Iterator[tuple[Kind, Name]]:
    words.take("materialized")
    if (kind := _KINDS.get(words.peek())) is None:
        return
    words.at += 1
    words.take_all("if", "exists")
    names = tuple(words.names())
    yield from ((kind, name) for name in names)
    if kind is Kind.RELATION and names and words.take("rename") and words.take("to") and (new := words.name()):
        yield kind, (*names[0][:-1], new[-1])


def _commented(words: _Words) -> tuple[Name, ...]:
    words.take("on")
    if words.take("table", "view"):
        return tuple(filter(None, [words.name()]))
    return tuple(filter(None, [words.name()[:-1]])) if words.take("column") else ()


def _as_table(name: Name) -> TableName:
    """Without the database; DuckDB takes one of two parts for a schema or for a database, as `graph.py` knows."""
    return TableName(name[-2] if len(name) > 1 else DEFAULT_SCHEMA, name[-1])

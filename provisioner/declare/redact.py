"""Secrets are told by the names of the variables that hold them; where text leaves, `***` stands for each.

Text is cut and written out where nobody knows of secrets, long before it leaves. So a secret is found in every form in
which it may be written, and beside the mark of a cut also its beginning, its end, and a piece between two marks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter

from provisioner.declare.shorten import CUT
from provisioner.errors import ManifestError, Problem, ProvisionError

MASK = "***"
# A shorter value, or a shorter piece of one, would be found everywhere.
SHORTEST = 4
_SECRET = re.compile(
    r"(?:SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|KEY|CREDENTIAL)S?(?:_|\d*\Z)|\ADBT_ENV_SECRET", re.IGNORECASE
)
# Ours, and DuckDB's; also as ASCII writes ours out. Dots and backslashes before it may be the mark's or the text's.
_MARK = re.compile(rf"\.*{CUT}|\.{{3,}}|(?<!\\)\\+u2026")
Secrets = tuple[str, ...]
Span = tuple[int, int]


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret: one of its words, parted by `_`, ends as `TOKEN` or `APIKEY`."""
    return _SECRET.search(name) is not None


def find_secrets(variables: Mapping[str, str]) -> Secrets:
    """The values to hide, in every form in which a message may quote them; longest first."""
    values = {value for name, value in variables.items() if len(value.strip()) >= SHORTEST and is_secret(name)}
    if not values:
        return ()
    from provisioner.declare.forms import forms  # slow to import, and most users have no secret

    found = {form for value in values for form in forms(value) if len(form) >= SHORTEST}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def redact(text: str, secrets: Secrets) -> str:
    """The text without the secrets, and without what a cut has left of one."""
    if not secrets:
        return text
    found = [(at, at + len(secret)) for secret in secrets for at in _find(text, secret)]
    if marks := [mark.span() for mark in _MARK.finditer(text)]:
        found += _pieces(text, secrets, marks)
    left, end = list[str](), 0
    for start, stop in sorted(found):
        # Where two overlap, one mask stands for both.
        if start >= end:
            left += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*left, text[end:]])


def _find(text: str, part: str) -> Iterator[int]:
    """Where the part begins, each time."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _pieces(text: str, secrets: Secrets, marks: Sequence[Span]) -> Iterator[Span]:
    """What of a secret ends at a mark, begins at one, or stands between two."""
    length = len(text)
    # Ends are beginnings, read from behind.
    mirrored, behind = text[::-1], [(length - end, length - start) for start, end in reversed(marks)]
    between = [(end, start) for (_, end), (start, _) in pairwise(marks) if start - end >= SHORTEST]
    for secret in secrets:
        yield from _beginnings(text, secret, marks)
        for start, end in _beginnings(mirrored, secret[::-1], behind):
            yield length - end, length - start
        yield from (span for span in between if text[slice(*span)] in secret)


def _beginnings(text: str, secret: str, marks: Sequence[Span]) -> Iterator[Span]:
    """Those of the secret that reach to a mark."""
    for at in _find(text, secret[:SHORTEST]):
        least = end = at + SHORTEST
        while text[end : end + 1] == secret[end - at : end - at + 1] != "":
            end += 1
        # A mark's own dots may be the secret's too.
        reached = bisect_right(marks, end, key=itemgetter(0))
        if reached and marks[reached - 1][1] > least:
            yield at, max(least, marks[reached - 1][0])


def redact_error(error: ProvisionError, secrets: Secrets) -> None:
    """Take the secrets out of what an error says. A cause that tells one is no longer its cause."""
    error.message, error.cure = redact(error.message, secrets), redact(error.cure, secrets)
    error.args = tuple(redact(part, secrets) if isinstance(part, str) else part for part in error.args)
    if isinstance(error, ManifestError):
        error.problems = tuple(
            Problem(redact(one.place, secrets), one.code, redact(one.message, secrets), redact(one.cure, secrets))
            for one in error.problems
        )
    if any(redact(str(cause), secrets) != str(cause) for cause in _causes(error)):
        error.__cause__, error.__context__ = None, None


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes

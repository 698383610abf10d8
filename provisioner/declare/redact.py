"""Secrets are told by the names of the variables that hold them; where text leaves, `***` stands for each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from provisioner.errors import ManifestError, Problem, ProvisionError

MASK = "***"
# A shorter value would be found everywhere.
SHORTEST = 4
# Of a value of several lines; among shorter ones are words that stand everywhere.
SHORTEST_LINE = 6
_SECRET = re.compile(
    r"(?:SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|KEY|CREDENTIAL)S?(?:_|\d*\Z)|\ADBT_ENV_SECRET", re.IGNORECASE
)
Secrets = tuple[str, ...]


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret: one of its words, parted by `_`, ends as `TOKEN` or `APIKEY`."""
    return _SECRET.search(name) is not None


def find_secrets(variables: Mapping[str, str]) -> Secrets:
    """The values to hide, in every form in which a message may quote them; longest first."""
    values = {value for name, value in variables.items() if len(value.strip()) >= SHORTEST and is_secret(name)}
    found = {form for value in values for form in _forms(value)}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def redact(text: str, secrets: Secrets) -> str:
    """The text without the secrets."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def redact_error(error: ProvisionError, secrets: Secrets) -> None:
    """Take the secrets out of what an error says. A cause that tells one is no longer its cause."""
    error.message, error.cure = redact(error.message, secrets), redact(error.cure, secrets)
    error.args = tuple(redact(part, secrets) if isinstance(part, str) else part for part in error.args)
    if isinstance(error, ManifestError):
        error.problems = tuple(
            Problem(one.place, one.code, redact(one.message, secrets), redact(one.cure, secrets))
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


def _forms(value: str) -> set[str]:
    """As it is, and as SQL, an address, bytes, Python and JSON write it, these two also twice, as in a log of a log."""
    forms = {form for one in _parts(value) for form in _quoted(one)}
    for _ in range(2):
        forms |= {form for one in forms for form in _escaped(one)}
    return forms


def _parts(value: str) -> set[str]:
    """The value, its lines, and these joined: a message may indent them, or tell them in one line."""
    lines = [line for line in map(str.strip, value.splitlines()) if line]
    return {value, value.strip(), " ".join(lines), "".join(lines), *(one for one in lines if len(one) >= SHORTEST_LINE)}


def _quoted(one: str) -> set[str]:
    from urllib.parse import quote, quote_plus  # slow to import, and most users have no secret

    data = one.encode(errors="surrogateescape")
    quoted = {quote(data), quote(data, ""), quote_plus(data)}
    lower = {re.sub("%..", lambda found: found[0].lower(), form) for form in quoted}
    return {one, one.replace("'", "''"), one.replace('"', '""'), repr(data)[2:-1]} | quoted | lower


def _escaped(one: str) -> set[str]:
    import json

    # Python escapes a ' only where there is a " too, be it elsewhere in the same text.
    python = {repr(one)[1:-1], ascii(one)[1:-1], repr("'\"" + one)[4:-1], ascii("'\"" + one)[4:-1]}
    return python | {json.dumps(one, ensure_ascii=ascii)[1:-1] for ascii in (False, True)}

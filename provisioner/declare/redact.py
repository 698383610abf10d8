"""Secrets are told by the names of the variables that hold them; where text leaves, `***` stands for each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from provisioner.errors import ManifestError, Problem, ProvisionError

MASK = "***"
# A shorter value would be found everywhere.
SHORTEST = 4
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
    """As it is, as Python, SQL and JSON write it, and as part of an address; of several lines each."""
    # Slow to import, and most users have no secret.
    import json
    from urllib.parse import quote

    plain = {value, value.strip(), *(line for line in map(str.strip, value.splitlines()) if len(line) > 2 * SHORTEST)}
    quoted = {form for one in plain for form in (repr(one)[1:-1], one.replace("'", "''"), quote(one), quote(one, ""))}
    forms = plain | quoted
    return forms | {json.dumps(one, ensure_ascii=ascii)[1:-1] for one in forms for ascii in (False, True)}

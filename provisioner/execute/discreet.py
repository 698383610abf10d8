"""Events without secrets."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from provisioner.declare.redact import Secrets, redact

if TYPE_CHECKING:
    from provisioner.execute.events import Event, Listener


def discreet(tell: Listener, secrets: Secrets) -> Listener:
    """Hands on every event, its texts without the secrets."""
    return (lambda event: tell(_redacted(event, secrets))) if secrets else tell


def _redacted(event: Event, secrets: Secrets) -> Event:
    texts: dict[str, Any] = {
        field.name: redact(value, secrets)
        for field in fields(event)
        # An outcome is a text too, and none that could hold a secret.
        if type(value := getattr(event, field.name)) is str
    }
    return replace(event, **texts)

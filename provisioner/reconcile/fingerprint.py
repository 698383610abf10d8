"""The Merkle hash of a unit: its own parts and the fingerprints of what it reads."""

from __future__ import annotations

import hashlib
import json

from provisioner.observe.values import Parts


def hash_parts(parts: Parts) -> str:
    """Hex digest. Upstream units count by fingerprint only, so that renaming a step changes nothing."""
    body = [sorted(parts.definition.items()), sorted(parts.inputs.items()), sorted(parts.upstream.values())]
    return _digest(json.dumps(body, ensure_ascii=True, separators=(",", ":")))


def mix_run(base: str, run: str) -> str:
    """The fingerprint of a unit that is not deterministic: every run of it makes something new."""
    return _digest(f"{base}:{run}")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()

"""A saved plan as JSON, written for people to read and read back to be compared. Its format is in plan.schema.json.

Who reads one believes nothing in it: whatever is not as it is to be raises ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from provisioner.declare.shorten import shorten
from provisioner.execute.request import Names
from provisioner.reconcile.facts import digest_of
from provisioner.reconcile.saved import Saved, SavedAction, SavedHazard, SavedReason

# Raised when what is there changes its meaning.
FORMAT = 1
_Value = TypeVar("_Value")


class OtherFormatError(Exception):
    """It is a plan, of another version of provision."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan, and what it was made for. manifest: its path, relative to the plan file's folder where it was written.

    digest: of the manifest. versions: of provision and DuckDB. names: what was narrowed or added.
    """

    versions: Mapping[str, str]
    name: str
    manifest: str
    digest: str
    environment: str | None
    database: str
    names: Names
    saved: Saved


def plan_schema_text() -> str:
    """The JSON Schema of a plan file (draft 2020-12), as it is shipped."""
    return Path(__file__).with_name("plan.schema.json").read_text(encoding="utf-8")


def dump_plan(plan: PlanFile) -> str:
    """The text of the file."""
    body: dict[str, Any] = {
        "versions": dict(plan.versions),
        "manifest": {
            "name": plan.name, "path": plan.manifest, "digest": plan.digest, "environment": plan.environment,
        },
        "database": plan.database,
        "request": asdict(plan.names),
        "actions": [_dump_action(action) for action in plan.saved.actions],
        "by_hand": list(plan.saved.by_hand),
        "facts": plan.saved.facts,
        "facts_digest": _digest(plan.saved.facts),
    }  # fmt: skip
    return json.dumps({"format": FORMAT, "checksum": _digest(body), **body}, indent=2, ensure_ascii=False) + "\n"


def _dump_action(action: SavedAction) -> dict[str, Any]:
    return {
        "action": action.mend,
        "unit": action.unit,
        "tables": action.tables,
        "reasons": [asdict(reason) for reason in action.reasons],
        "hazards": [asdict(hazard) for hazard in action.hazards],
        "statements": action.statements,
        "fingerprint": action.promise or None,
        "rests_on": action.touches,
    }


def _digest(body: Any) -> str:
    """The same however the file is indented and in whatever order its keys stand."""
    return digest_of(json.dumps(body, sort_keys=True, separators=(",", ":")))


def parse_plan(text: str) -> PlanFile:
    """The plan in a file's text. Raises ValueError, RecursionError, OtherFormatError."""
    body = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    _check_format(body)
    return _decode(body)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _check_format(body: Any) -> None:
    if not isinstance(body, dict) or "format" not in body:
        raise ValueError("it is something else")
    if body["format"] != FORMAT or isinstance(body["format"], bool):
        raise OtherFormatError
    rest = {key: value for key, value in body.items() if key not in ("format", "checksum")}
    if body.get("checksum") != _digest(rest) or rest.get("facts_digest") != _digest(rest.get("facts")):
        raise ValueError("it is not as it was written: its checksum is another's")


def _decode(body: dict[str, Any]) -> PlanFile:
    manifest, request = _object(body, "manifest"), _object(body, "request")
    environment = manifest.get("environment")
    facts = {table: _texts_by_name(found) for table, found in _object(body, "facts").items()}
    actions, by_hand = tuple(map(_decode_action, _objects(body, "actions"))), _texts(body, "by_hand")
    if missing := {*by_hand, *(name for action in actions for name in action.touches)} - facts.keys():
        raise ValueError(f"it has no facts of {shorten(min(missing), 100)}")
    return PlanFile(
        _texts_by_name(_object(body, "versions")),
        _text(manifest, "name"),
        _text(manifest, "path"),
        _text(manifest, "digest"),
        None if environment is None else _text(manifest, "environment"),
        _text(body, "database"),
        Names(_texts(request, "target"), _texts(request, "rebuild"), _get(request, "prune", bool)),
        Saved(actions, facts, by_hand),
    )


def _decode_action(body: dict[str, Any]) -> SavedAction:
    return SavedAction(
        _text(body, "action"),
        _text(body, "unit"),
        _texts(body, "tables"),
        tuple(SavedReason(*_fields(one, "table", "reason", "fact", "place")) for one in _objects(body, "reasons")),
        tuple(SavedHazard(*_fields(one, "kind", "table", "fact")) for one in _objects(body, "hazards")),
        _texts(body, "statements"),
        "" if body.get("fingerprint") is None else _text(body, "fingerprint"),
        _texts(body, "rests_on"),
    )


def _fields(body: dict[str, Any], *keys: str) -> tuple[str, ...]:
    return tuple(_text(body, key) for key in keys)


def _get(body: Any, key: str, kind: type[_Value]) -> _Value:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, kind):
        raise ValueError(f"its {key} is not what was expected")
    return value


def _text(body: Any, key: str) -> str:
    return _get(body, key, str)


def _texts(body: Any, key: str) -> tuple[str, ...]:
    values = _get(body, key, list)
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"its {key} are not what was expected")
    return tuple(values)


def _object(body: Any, key: str) -> dict[str, Any]:
    return _get(body, key, dict)


def _objects(body: Any, key: str) -> list[Any]:
    return _get(body, key, list)


def _texts_by_name(body: Any) -> dict[str, str]:
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise ValueError("its facts are not what was expected")
    return body

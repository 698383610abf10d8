"""Reading the journal: the runs it tells of. It takes no lock, and a run may append meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from provisioner.execute.beside import beside
from provisioner.execute.chain import Scan, open_regular, scan
from provisioner.execute.events import Outcome
from provisioner.execute.holder import printable
from provisioner.observe.values import UnitKind
from provisioner.reconcile.values import Durations

_RECORDS = ("run_begun", "unit_begun", "unit_ended", "run_ended")
_Ended = TypeVar("_Ended", "RunRecord", "UnitRecord")


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One unit of a run. outcome: None if it never ended. seconds: wall time. begun: UTC, "" if it never did."""

    unit: str
    kind: str = ""
    begun: str = ""
    attempts: int = 1
    outcome: str | None = None
    seconds: float | None = None
    rows: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. outcome: None if it never ended: it died, or it still runs. begun: UTC, ISO 8601. seconds: wall time.

    manifest: its name. digest: the manifest's. planned: unit ids in order. commit, clean: None when git did not say.
    """

    run: str
    begun: str = ""
    command: str = ""
    manifest: str = ""
    digest: str = ""
    who: str = ""
    commit: str | None = None
    clean: bool | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[str, ...] = ()
    outcome: str | None = None
    seconds: float | None = None
    error: str = ""
    units: tuple[UnitRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """runs: oldest first. damage: "" or a sentence that says what of the journal could not be read."""

    runs: tuple[RunRecord, ...] = ()
    damage: str = ""


def journal_path(database: Path) -> Path:
    """Where the journal of a database is."""
    return beside(database, ".journal")


def read_journal(path: Path) -> History:
    """The runs a journal tells of, up to the first damage; of a large one those of its last 8 MiB. Never raises."""
    try:
        file = open_regular(path, os.O_RDONLY)
    except FileNotFoundError:
        return History()
    except (OSError, ValueError) as error:
        return History(damage=f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).")
    try:
        found = scan(file)
    except OSError as error:
        return History(damage=f"{path} cannot be read ({error.strerror or error}).")
    finally:
        os.close(file)
    return History(_runs(found.records), _damage(path, found))


def second_of(run: str) -> str:
    """When a run began, as its id tells it, to compare it with another's: ids of one second have no order."""
    return run.rpartition("-")[0]


def durations(history: History) -> Durations:
    """How long things took when they were last done."""
    units = {
        unit.unit: unit.seconds
        for run in history.runs
        for unit in run.units
        if unit.outcome == Outcome.DONE and unit.seconds is not None
    }
    starts = [_beside_units(run) for run in history.runs if run.outcome == Outcome.DONE and _has_dbt(run)]
    return Durations(units, starts[-1] if starts else 0.0)


def _has_dbt(run: RunRecord) -> bool:
    return any(unit.kind == UnitKind.DBT for unit in run.units)


def _beside_units(run: RunRecord) -> float:
    """Units of dbt run side by side: of many, their seconds together may be more than the run took."""
    return max((run.seconds or 0.0) - sum(unit.seconds or 0.0 for unit in run.units), 0.0)


def incomplete_run(history: History) -> RunRecord | None:
    """The newest run, if it did not end done: what it began waits to be continued or discarded."""
    newest = history.runs[-1] if history.runs else None
    return newest if newest and newest.outcome != Outcome.DONE else None


def _damage(path: Path, found: Scan) -> str:
    if not found.ours:
        return f"{path} is not a journal of provision."
    if b"\n" in found.rest:  # an unfinished last line is no damage: someone may be writing it
        return f"{path} is damaged at byte {found.end}; what it told from there on is left out."
    return ""


def _runs(records: Iterable[Mapping[str, Any]]) -> tuple[RunRecord, ...]:
    """Lines to runs. A run whose first line is lost is still told, with what is known of it."""
    runs: dict[str, RunRecord] = {}
    units: dict[str, dict[str, UnitRecord]] = {}
    for fields in records:
        if fields.get("record") not in _RECORDS:
            continue  # a later version's
        name = _text(fields, "run")
        run = runs.setdefault(name, RunRecord(name))
        of_run = units.setdefault(name, {})
        match fields.get("record"):
            case "run_begun":
                runs[name] = _run_begun(run, fields)
            case "run_ended":
                runs[name] = _ended(run, fields)
            case "unit_begun":
                of_run[_text(fields, "unit")] = _unit_begun(fields)
            case "unit_ended":
                unit = of_run.get(_text(fields, "unit"), UnitRecord(_text(fields, "unit"), _text(fields, "kind")))
                of_run[unit.unit] = replace(_ended(unit, fields), rows=_number(fields, "rows"))
    return tuple(replace(run, units=tuple(units[name].values())) for name, run in runs.items())


def _run_begun(run: RunRecord, fields: Mapping[str, Any]) -> RunRecord:
    versions, planned = fields.get("versions"), fields.get("planned")
    clean = fields.get("clean")
    return replace(
        run,
        begun=_text(fields, "at"),
        command=printable(_text(fields, "command")),
        manifest=printable(_text(fields, "manifest")),
        digest=_text(fields, "digest"),
        who=printable(_text(fields, "who")),
        commit=_text(fields, "commit") or None,
        clean=clean if isinstance(clean, bool) else None,
        versions={str(k): str(v) for k, v in versions.items()} if isinstance(versions, dict) else {},
        planned=tuple(map(str, planned)) if isinstance(planned, list) else (),
    )


def _unit_begun(fields: Mapping[str, Any]) -> UnitRecord:
    return UnitRecord(
        _text(fields, "unit"), _text(fields, "kind"), _text(fields, "at"), _number(fields, "attempt") or 1
    )


def _ended(record: _Ended, fields: Mapping[str, Any]) -> _Ended:
    return replace(
        record,
        outcome=_text(fields, "outcome") or None,
        seconds=_number(fields, "seconds"),
        error=printable(_text(fields, "error")),
    )


def _text(fields: Mapping[str, Any], key: str) -> str:
    """A text, "" for anything else: a field that is not as expected is an absent field."""
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _number(fields: Mapping[str, Any], key: str) -> Any:
    value = fields.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None

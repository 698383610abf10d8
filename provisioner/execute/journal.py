"""Writing the journal: what a run did, one line for each thing that happened, as it happens.

It only tells. Trouble with it is told once, as a warning, and the run goes on; the stamps alone decide what is true.
Only whoever holds the lock writes. Reading is in `history.py` and needs no lock.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path
from types import TracebackType

from provisioner.declare.shorten import shorten
from provisioner.execute.beside import beside, is_full
from provisioner.execute.chain import START, open_regular, scan, seal
from provisioner.execute.events import Event, Listener, Noted, RunFinished, RunStarted, UnitFinished, UnitStarted

_LONGEST_ERROR = 500
_sync = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a run when it begins.

    manifest: its name. digest: the manifest's. planned: unit ids in order. who: `user@host pid`.
    versions: of provision, duckdb, python, and dbt where it is used. commit, clean: None when git does not say.
    """

    command: str
    manifest: str
    digest: str
    who: str
    planned: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    clean: bool | None = None


class Journal:
    """The journal of one database, open for appending; made and used under the lock.

    A torn last line is cut off. A damaged or foreign file is set aside under another name, and tell gets a note of it.
    tell gets a warning, once, when the journal cannot be written. Nothing here raises for what is wrong with the file.
    """

    def __init__(self, database: Path, facts: RunFacts, tell: Listener) -> None:
        self.path = beside(database, ".journal")
        self._facts, self._tell, self._warned = facts, tell, False
        self._file, self._chain = -1, START
        try:
            self._open()
        except OSError as error:
            self._warn(error)

    def listener(self) -> Listener:
        """What writes a line for every event that the journal keeps."""
        return self._listen

    def close(self) -> None:
        """Write no more. A second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        self._file = open_regular(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        found = scan(self._file)
        if found.rest and not found.torn:
            self._set_aside("is damaged" if found.ours else "is not a journal of provision")
            return
        if found.torn:
            os.ftruncate(self._file, found.end)
        self._chain = found.chain

    def _set_aside(self, why: str) -> None:
        self.close()
        aside = self.path.with_name(f"{self.path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        os.rename(self.path, aside)
        self._tell(Noted(f"{self.path} {why}; it was set aside as {aside.name}, and a new one begins.", warning=True))
        self._file = open_regular(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)

    def _listen(self, event: Event) -> None:
        fields = fields_of(event, self._facts, _now())
        if fields is None or self._file < 0:
            return
        try:
            self._append(fields)
        except OSError as error:
            self._warn(error)

    def _append(self, fields: Mapping[str, object]) -> None:
        line, chain = seal(self._chain, fields)
        size = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) < len(line):  # a disk that fills up takes a part and reports no error
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            _sync(self._file)
        except OSError:
            self._cut(size)
            raise
        self._chain = chain

    def _cut(self, size: int) -> None:
        """Take a torn line away. When even that fails, writing on would bury it as damage: better to write no more."""
        try:
            os.ftruncate(self._file, size)
        except OSError:
            self.close()

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            cure = f"Make room (`df -h {self.path.parent}`)." if is_full(error) else f"Look at `ls -ld {self.path}`."
            why = error.strerror or str(error)
            text = f"{self.path} cannot be written ({why}): the run goes on, but its history will have gaps. {cure}"
            self._tell(Noted(text, warning=True))


def fields_of(event: Event, facts: RunFacts, at: str) -> dict[str, object] | None:
    """What the journal keeps of an event, None for nothing. at: UTC, ISO 8601."""
    match event:
        case RunStarted():
            return {"record": "run_begun", "run": event.run, "at": at, **asdict(facts)}
        case UnitStarted():
            return {
                "record": "unit_begun",
                "run": event.run,
                "unit": event.unit,
                "kind": event.kind,
                "at": at,
                "attempt": event.attempt,
            }
        case UnitFinished():
            return {
                "record": "unit_ended",
                "run": event.run,
                "unit": event.unit,
                "kind": event.kind,
                "at": at,
                "outcome": str(event.outcome),
                "seconds": round(event.seconds, 6),
                "rows": event.rows,
                "error": _first_line(event.error),
            }
        case RunFinished():
            return {
                "record": "run_ended",
                "run": event.run,
                "at": at,
                "outcome": str(event.outcome),
                "seconds": round(event.seconds, 6),
                "error": _first_line(event.error),
            }
    return None


def _first_line(text: str) -> str:
    return shorten(next(iter(text.strip().splitlines()), ""), _LONGEST_ERROR)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""What can become of a journal, and what must be so all the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ground import APPLY, Ground, lay
from points import BEGINNINGS, RESTART, journal_of


@dataclass(frozen=True, slots=True)
class Damage:
    """kind: a key of KINDS. at: where, in bytes or bits, for those that ask for it."""

    kind: str
    at: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.at}" if self.at else self.kind

    def inflict(self, journal: Path) -> None:
        KINDS[self.kind](journal, self.at)


def _flip(journal: Path, bit: int) -> None:
    data = bytearray(journal.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    journal.write_bytes(data)


def _lose_line(journal: Path, number: int) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))


def _fifo(journal: Path, _: int) -> None:
    journal.unlink()
    os.mkfifo(journal)


def _folder(journal: Path, _: int) -> None:
    journal.unlink()
    journal.mkdir()


KINDS: Mapping[str, Callable[[Path, int], None]] = {
    "sound": lambda journal, _: None,
    "deleted": lambda journal, _: journal.unlink(),
    "foreign": lambda journal, _: journal.write_text("Dear diary,\ntoday nothing ran.\n", encoding="utf-8"),
    "folder": _folder,
    "fifo": _fifo,
    "unreadable": lambda journal, _: journal.chmod(0),
    "another's": lambda journal, _: shutil.copy(__file__, journal),
    "link to nowhere": lambda journal, _: (journal.unlink(), journal.symlink_to("nowhere/at/all"))[1],
    "ends in zeros": lambda journal, _: journal.write_bytes(journal.read_bytes() + bytes(4096)),
    "all zeros": lambda journal, _: journal.write_bytes(bytes(journal.stat().st_size)),
    "twice": lambda journal, _: journal.write_bytes(journal.read_bytes() * 2),
    "cut at byte": lambda journal, at: os.truncate(journal, at),
    "bit flipped": _flip,
    "line lost": _lose_line,
}
WHOLE = tuple(Damage(kind) for kind in KINDS if kind not in ("cut at byte", "bit flipped", "line lost"))


def ground_of(folder: Path, *, restart: bool) -> Ground:
    """A run that died, and what is done about it.

    Without restart, what the dead run did is not done again, which `counts_log` shows; what it did not do is.
    With it, only `sales` was done, and it may be made again or not.
    """
    return lay(BEGINNINGS["died" if restart else "late"], folder, RESTART if restart else APPLY)


def complaints(ground: Ground, damage: Damage) -> list[str]:
    """What is wrong after the run that died, with its journal damaged since: a line each."""
    damage.inflict(journal_of(ground.put()))
    told = ground.provision("history")
    wrong = [] if told.code == 0 and told.clean else [f"history: {told}"]
    found = ground.resume()
    return wrong + [line for line in found if not line.startswith("files: shop.duckdb.journal.damaged")]

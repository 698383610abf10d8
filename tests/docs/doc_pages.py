"""The pages of the documentation as programs: their examples are run, and what they print is compared with the page.

    ```console             after each `$ `, a command, continued after `> `; then all that it prints
    ```LANGUAGE file=a.sql is written to that file before the page goes on
    ```yaml                a manifest, whole once HEAD stands above it
    ```yaml github         a workflow of GitHub's
    ```python              is run, and must end well

Everything else (`sh`, `text`, ...) is for the reader. A page runs in its own copy of `docs/shop`, README.md in one of
the bundled project. The first plan and the first apply of README.md start from nothing, and so does the first command
of each other page; what needs no shell after that is forked from this process, for the sake of time. To write into the
pages what is printed now:

    python tests/docs/doc_pages.py [PAGE ...]
"""

from __future__ import annotations

import difflib
import getpass
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))

import warm  # noqa: E402

PAGES = ("README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")))
HEAD = {"version": "1", "name": "shop", "database": "../build/shop.duckdb", "tiers": "[raw, mart]"}
TIMEOUT = 120

_BLOCK = re.compile(r"^```(?P<language>[\w-]*)[ \t]*(?P<info>[^\n]*)\n(?P<text>.*?)^```[ \t]*$", re.M | re.S)
_FILE = re.compile(r"\bfile=(\S+)")
_NEEDS_NO_SHELL = re.compile(r"provision [\w ./:=,@+%'\"-]+")
_CALL = "import sys; sys.argv[0] = 'provision'; from provisioner.cli import main; main()"
# Signs of life: they come when something takes long, which is never twice the same.
_SIGN_OF_LIFE = re.compile(
    r"^(reading the manifest|preparing|verifying what dbt made|\s+still busy: .*|[\w.]+ \(\d[^)]* s\).*)\n", re.M
)
_KILLED = re.compile(r"^\S*bash: line \d+: +\d+ Killed.*$", re.M)
_CRASH = re.compile(r"^Traceback|This is a defect of provision", re.M)
# dbt makes several nodes at once, and they end in any order.
_MADE = re.compile(r"(?:^ +\d+/\d+  made .*\n)+", re.M)
_COUNT = re.compile(r"^ +\d+/")
_LEFT = re.compile(r", about [^,\n]+ left$", re.M)
_VARYING = (
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{4}\b"), "<run>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "<moment>"),
    (re.compile(r"\b\d+ min \d\d s\b|\b\d+\.\d+ s\b|(?<=about )\d+ s\b"), "<seconds>"),
    (re.compile(r'("(?:estimate_)?seconds": )[\d.]+'), r"\1<seconds>"),
    (re.compile(r"\byou@laptop \d+"), "<who>"),
    (re.compile(r"\bprocess \d+ on \S+"), "<process>"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "<digest>"),
    (re.compile(r"\b(version|duckdb|python|dbt[\w-]*|provision)([\": ]+)\d+\.\d+[\w.]*"), r"\1\2<version>"),
    (re.compile(r"(?<=\S) {2,}"), "  "),
)


@dataclass(frozen=True, slots=True)
class Block:
    """line: of its first line of text, from 1. start: of its text in the page. file: where it is to be written.

    foreign: not a manifest, though YAML.
    """

    language: str
    foreign: bool
    file: str | None
    text: str
    line: int
    start: int


@dataclass(frozen=True, slots=True)
class Command:
    """written: what the page says it prints. start, end: of that in the page."""

    line: int
    text: str
    written: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outcome:
    command: Command
    printed: str

    @property
    def as_written(self) -> bool:
        return lasting(self.printed) == lasting(self.command.written)


def read_blocks(text: str) -> list[Block]:
    """Every fenced block of a page, in order."""
    return [
        Block(
            found["language"],
            found["info"] == "github",
            file[1] if (file := _FILE.search(found["info"])) else None,
            found["text"],
            text.count("\n", 0, found.start("text")) + 1,
            found.start("text"),
        )
        for found in _BLOCK.finditer(text)
    ]


def read_commands(block: Block) -> list[Command]:
    """The commands of a console block."""
    found: list[Command] = []
    position, line = block.start, block.line
    for text in block.text.splitlines(keepends=True):
        position += len(text)
        if text.startswith("$ "):
            found.append(Command(line, text[2:].rstrip("\n"), "", position, position))
        elif text.startswith("> ") and not found[-1].written:
            one = found.pop()
            found.append(Command(one.line, f"{one.text}\n{text[2:].rstrip()}", "", position, position))
        else:
            one = found.pop()
            found.append(Command(one.line, one.text, one.written + text, one.start, position))
        line += 1
    return found


def lasting(text: str) -> str:
    """The text without what differs from run to run."""
    text = _LEFT.sub("", text)
    text = _MADE.sub(lambda made: "".join(sorted(_COUNT.sub("", line) for line in made[0].splitlines(True))), text)
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def show_difference(page: str, outcome: Outcome) -> str:
    """For a person: where the page is, what it says, and what is printed now."""
    written, printed = lasting(outcome.command.written), lasting(outcome.printed)
    lines = difflib.unified_diff(written.splitlines(), printed.splitlines(), "written", "printed", n=99, lineterm="")
    return "\n".join([f"{page}:{outcome.command.line}: $ {outcome.command.text}", *lines])


class Place:
    """A project in a folder of its own, with a shell whose `provision` and `python` are those of this interpreter."""

    def __init__(self, page: str, base: Path) -> None:
        self.folder = base / ("provisioner" if page == "README.md" else "shop")
        self._bin, self._base, self._status = base / "bin", base, 0
        self._from_nothing = 2 if page == "README.md" else 1
        if page == "README.md":
            for name in ("manifests", "dbt"):
                ignored = shutil.ignore_patterns("target", "logs", "__pycache__", ".user.yml")
                shutil.copytree(ROOT / name, self.folder / name, ignore=ignored)
        else:
            shutil.copytree(ROOT / "docs" / "shop", self.folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
        self._bin.mkdir(parents=True)
        self._write_program("provision", f'exec "{sys.executable}" -P -c "{_CALL}" "$@"')
        self._write_program("python", f'exec "{sys.executable}" "$@"')

    def run(self, command: str) -> str:
        """What the command prints, as a reader would see it who sits at `/home/you`."""
        pipe = subprocess.PIPE
        with self._start(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT) as process:
            try:
                printed, _ = process.communicate(timeout=TIMEOUT)
            except BaseException:
                process.kill()
                raise
        status = process.returncode
        self._status = status if status >= 0 else 128 - status
        return self._as_seen(printed) + ("Killed\n" if status == -signal.SIGKILL else "")

    def _start(self, command: str, **streams: Any) -> subprocess.Popen[str]:
        around: dict[str, Any] = {"cwd": self.folder, "env": self._environment(), **streams}
        if not self._from_nothing and _NEEDS_NO_SHELL.fullmatch(command):
            return warm.Python("-c", _CALL, *shlex.split(command)[1:], **around)
        self._from_nothing = max(0, self._from_nothing - 1)
        return subprocess.Popen(["bash", "-c", f"(exit {self._status})\n{command}"], text=True, **around)

    @property
    def succeeded(self) -> bool:
        """Whether the last command did."""
        return self._status == 0

    def write(self, block: Block) -> None:
        assert block.file is not None
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def _write_program(self, name: str, text: str) -> None:
        path = self._bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def _environment(self) -> dict[str, str]:
        foreign = ("PROVISION_", "DBT_", "GIT_")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "HOME": str(self._base),
            "XDG_CACHE_HOME": str(self._base / "cache"),
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _as_seen(self, text: str) -> str:
        text = _KILLED.sub("Killed", _SIGN_OF_LIFE.sub("", text))
        text = text.replace(str(self.folder), f"/home/you/{self.folder.name}")
        text = re.sub(rf"\b{re.escape(f'{getpass.getuser()}@{socket.gethostname()}')} \d+", "you@laptop 4711", text)
        return re.sub(rf"\bprocess \d+ on {re.escape(socket.gethostname())}", "process 4711 on laptop", text)


def run_page(page: str, base: Path) -> Iterator[Outcome]:
    """Run every example of the page, in order."""
    place = Place(page, base)
    for python, blocks in groupby(read_blocks((ROOT / page).read_text(encoding="utf-8")), key=_is_python):
        if python:
            yield from _run_python(page, place, list(blocks))
            continue
        for block in blocks:
            if block.file is not None:
                place.write(block)
            elif block.language == "console":
                for command in read_commands(block):
                    yield Outcome(command, place.run(command.text))


def _is_python(block: Block) -> bool:
    return block.language == "python" and block.file is None


def _run_python(page: str, place: Place, blocks: list[Block]) -> Iterator[Outcome]:
    """Adjacent python blocks share a process, for the sake of time; each has names of its own, and the page's lines."""
    texts = [(f"{page}:{block.line}", "\n" * (block.line - 1) + block.text) for block in blocks]
    program = f"for name, text in {texts!r}:\n    exec(compile(text, name, 'exec'), {{'__name__': '__main__'}})"
    printed = place.run(f"python -c {shlex.quote(program)}")
    if not place.succeeded:
        yield Outcome(Command(blocks[0].line, "python", "", blocks[0].start, blocks[0].start), printed or "it failed\n")


def refresh(page: str) -> int:
    """Write into the page what its commands print now, where that differs. Returns how many did.

    A crash is nothing to be written down: then the page stays as it is.
    """
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as base:
        changed = [one for one in run_page(page, Path(base)) if not one.as_written and one.command.text != "python"]
    if broken := [one for one in changed if _CRASH.search(one.printed)]:
        sys.exit("\n\n".join(show_difference(page, one) for one in broken))
    for one in reversed(changed):
        rest = text[one.command.end :]
        gap = "\n" if one.printed and rest.startswith("$ ") else ""
        text = text[: one.command.start] + one.printed + gap + rest
    path.write_text(text, encoding="utf-8")
    return len(changed)


if __name__ == "__main__":
    for name in sys.argv[1:] or PAGES:
        print(f"{name}: {refresh(name)} outputs written")

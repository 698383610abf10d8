"""A small sound project, ways to break it, and the real command line in it."""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import warm  # type: ignore[import-not-found]
from click.testing import CliRunner

from provisioner.cli import cli

# What lets root read and write whatever the permissions say: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
RIGHTS_OF_ROOT, DROP_FROM_BOUNDS = (1, 2), 24
LIBC = ctypes.CDLL(None)
SECRET = "hunter2-and-more"
SOUND: Mapping[str, str] = {
    "provision.yaml": """version: 1
name: shop
database: build/shop.duckdb
tiers: [seed, mart]
steps:
  people: {load: data/people.csv}
  loud: {sql: sql/loud.sql}
tables:
  people:
    tier: seed
    step: people
    columns: {id: INTEGER, name: VARCHAR}
  loud: {tier: mart, step: loud}
environments:
  prod: {database: build/prod.duckdb}
""",
    "data/people.csv": "id,name\n1,Ada\n2,Bob\n",
    "sql/loud.sql": "-- every name, in capitals\nselect id, upper(name) as name\nfrom people\n",
}
LOUD_STEP, COUNTS_STEP = "  loud: {sql: sql/loud.sql}\n", '  counts: {python: "counts:build", reads: [people]}\n'
WITH_PYTHON = [
    ("provision.yaml", LOUD_STEP, LOUD_STEP + COUNTS_STEP),
    ("provision.yaml", "environments:\n", "  counts: {tier: mart, step: counts}\nenvironments:\n"),
]
COUNTS = """def build(connection, context):
    connection.execute(f"CREATE TABLE {context.tables[0]} AS SELECT count(*) AS n FROM people")
"""


@dataclass(frozen=True)
class Answer:
    """What a command said. body: its JSON; empty when it printed none."""

    exit_code: int
    out: str
    err: str

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out) if self.out.startswith("{") else {}
        return found

    @property
    def codes(self) -> tuple[str, ...]:
        """The error's own code, and those of a manifest's problems."""
        error = self.body.get("error") or {}
        return (*filter(None, [error.get("code")]), *(one["code"] for one in self.body.get("problems", ())))

    @property
    def cures(self) -> list[str]:
        error = self.body.get("error") or {}
        told = [one["cure"] for one in self.body.get("problems", ())] or [error.get("cure", "")]
        return [cure for cure in told if cure]

    @property
    def text(self) -> str:
        error = self.body.get("error") or {}
        return "\n".join([error.get("message", ""), error.get("cure", ""), *self.cures, self.err])


@dataclass
class Shop:
    """A project in a folder. bounded: permissions count, for root too. limit: of the size of files, in bytes."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    bounded: bool = False
    limit: int | None = None

    @property
    def database(self) -> Path:
        return self.folder / "build" / "shop.duckdb"

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert text.count(old) == 1, f"{old!r} is in {name} {text.count(old)} times"
        self.write(name, text.replace(old, new))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        rights = RIGHTS_OF_ROOT if self.bounded and os.geteuid() == 0 else ()

        def prepare() -> None:
            for right in rights:
                LIBC.prctl(DROP_FROM_BOUNDS, right, 0, 0, 0)
            if self.limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))

        words = ["-m", "provisioner", *arguments]
        settings: dict[str, Any] = {
            "cwd": self.folder, "env": {**os.environ, **self.variables}, "preexec_fn": prepare,
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
        }  # fmt: skip
        if rights:  # they are lost when a program begins
            return subprocess.Popen([sys.executable, *words], text=True, **settings)
        return warm.Python(*words, **settings)

    def run(self, *arguments: str) -> Answer:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return Answer(process.returncode, out, err)

    def run_here(self, *arguments: str) -> Answer:
        """The same command without a process of its own, which would take most of the time."""
        with chdir(self.folder):
            result = CliRunner().invoke(cli, arguments, env=dict(self.variables), standalone_mode=False)
        return Answer(result.return_value if result.exception is None else 70, result.output, "")

    def shell(self, command: str) -> None:
        """Type a command that a cure names."""
        places = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        subprocess.run(command, shell=True, cwd=self.folder, check=True, env={**os.environ, "PATH": places})


Act = Callable[[Shop], object]


@dataclass(frozen=True)
class Case:
    """name: as a sentence. words: all are in what is told. do: breaks the project. cure: what the cure says, done."""

    name: str
    do: Act
    code: str
    words: tuple[str, ...]
    cure: Act
    arguments: tuple[str, ...] = ("apply",)
    exit_code: int = 1
    cured: tuple[str, ...] | None = None
    """What succeeds once the cure is done, when it is not the same command."""


def edits(*changes: tuple[str, str, str]) -> Act:
    """Exchange pieces of files: (file, old, new)."""

    def act(shop: Shop) -> None:
        for name, old, new in changes:
            shop.edit(name, old, new)

    return act


def manifest(old: str, new: str) -> Act:
    return edits(("provision.yaml", old, new))


def content(name: str, text: str | bytes) -> Act:
    return lambda shop: shop.write(name, text)


def sound(*names: str) -> Act:
    """Put files back as they are in the sound project."""

    def act(shop: Shop) -> None:
        for name in names or ("provision.yaml",):
            shop.write(name, SOUND[name])

    return act


def both(*acts: Act) -> Act:
    def act(shop: Shop) -> None:
        for one in acts:
            one(shop)

    return act


def make_python(text: str = COUNTS) -> Act:
    return both(edits(*WITH_PYTHON), content("counts.py", text))


def files_of(shop: Shop) -> dict[str, bytes]:
    """Every file beside the database, byte for byte, but for the lock's and the journal."""
    ours = re.compile(r"\.(lock|guard|holder|journal)$")
    return {
        str(path.relative_to(shop.folder)): path.read_bytes()
        for path in sorted((shop.folder / "build").rglob("*"))
        if path.is_file() and not ours.search(path.name)
    }


def break_and_tell(case: Case, shop: Shop) -> None:
    """The first half of a case: broken, told with a code and a cure, and nothing harmed."""
    case.do(shop)
    before = files_of(shop)
    answer = shop.run(*case.arguments, "--format", "json")
    said = f"{answer.out}\n{answer.err}"
    assert "Traceback" not in said and "unexpected" not in answer.codes, said
    assert (answer.exit_code, case.code in answer.codes) == (case.exit_code, True), said
    assert [word for word in case.words if word not in answer.text] == [], said
    assert answer.cures and SECRET not in said, said
    assert files_of(shop) == before


def cure_and_succeed(case: Case, shop: Shop) -> None:
    """The second half: what the cure says is done, and the command succeeds."""
    case.cure(shop)
    cured = (shop.run if shop.bounded else shop.run_here)(*(case.cured or case.arguments), "--format", "json")
    assert cured.exit_code == 0, f"the cure did not help: {cured}"

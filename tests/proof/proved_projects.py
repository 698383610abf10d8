"""A project with a step of every kind but dbt, and the ways in which the world around it can change."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

import provisioner
from provisioner.face import find_proof

MANIFEST = """version: 1
name: shop
database: ${WAREHOUSE:-build}/shop.duckdb
tiers: [raw, mart]
include: [more.yaml]
steps:
  people: {load: data/people.csv}
  parts: {load: "data/parts-*.csv"}
  loud: {sql: loud.sql, inputs: [notes.txt]}
  made: {python: "making:build"}
tables:
  people: {tier: raw, step: people, expect: {min_rows: 1, unique: [id]}}
  parts: {tier: raw, step: parts}
  loud: {tier: mart, step: loud, kind: view, expect: {min_rows: 1, not_null: [name]}}
  made: {tier: mart, step: made}
environments:
  prod: {database: build/prod.duckdb}
"""
FILES = {
    "provision.yaml": MANIFEST,
    "more.yaml": "tables:\n  visits:\n    tier: raw\n    columns: {id: BIGINT, at: TIMESTAMP}\n",
    "data/people.csv": "id,name\n1,Ada\n2,Bob\n",
    "data/parts-1.csv": "id\n1\n",
    "data/parts-2.csv": "id\n2\n",
    "notes.txt": "one\n",
    "loud.sql": "-- loud\nselect upper(name) as name from people\n",
    "making.py": (
        "import tables\n\ndef build(connection, context):\n"
        '    connection.execute(f"CREATE TABLE {context.tables[0]} AS SELECT {tables.NUMBER} AS n")\n'
    ),
    "tables.py": "NUMBER = 7\n",
}
# Longer than the grain of the file system's clock.
GRAIN = 0.08


class World:
    """One copy of the project in its folder, provisioned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> World:
        world = cls(folder)
        for name, text in FILES.items():
            world.write(name, text)
        time.sleep(GRAIN)
        provisioner.apply(world.manifest)
        return world

    @property
    def manifest(self) -> Path:
        return self.folder / "provision.yaml"

    @property
    def database(self) -> Path:
        return self.folder / os.environ.get("WAREHOUSE", "build") / "shop.duckdb"

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def content(self) -> dict[Path, bytes]:
        """Every file with its bytes."""
        return {path: path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}

    def put_back(self, content: dict[Path, bytes]) -> None:
        """Undo what was done to the files, and touch no other."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_symlink() or (path.is_file() and path not in content):
                path.unlink()
            elif path.is_dir() and not any(path in kept.parents for kept in content):
                path.rmdir()
        for path, body in content.items():
            if not path.exists() or path.stat().st_nlink > 1 or path.read_bytes() != body:
                path.parent.mkdir(exist_ok=True)
                path.unlink(missing_ok=True)
                path.write_bytes(body)

    def look(self) -> bool:
        """Whether a full look, which believes nothing, finds nothing to do; False also for one that fails."""
        time.sleep(GRAIN)
        try:
            return provisioner.plan(self.manifest, cache=False) == provisioner.Plan()
        except provisioner.ProvisionError:
            return False

    def is_proved(self) -> bool:
        return find_proof(self.manifest) is not None

    def kept(self) -> Path:
        """The file of the cache that holds the proof."""
        folder = Path(os.environ["XDG_CACHE_HOME"]) / "provision"
        (path,) = (path for path in folder.glob("looked-*.json") if str(self.manifest) in path.read_text())
        return path

    def execute(self, *statements: str, die: bool = False) -> None:
        """Write as an application would, in a process of its own. die: with SIGKILL, its changes still in the WAL."""
        code = "import duckdb, os, sys\nc = duckdb.connect(sys.argv[1])\nfor s in sys.argv[3:]: c.execute(s)\n"
        code += "if sys.argv[2] == 'die': os.kill(os.getpid(), 9)\nc.close()\n"
        command = [sys.executable, "-c", code, str(self.database), "die" if die else "close", *statements]
        assert subprocess.run(command).returncode == (-signal.SIGKILL if die else 0)

    def write_here(self, *statements: str, checkpoint: bool = True) -> None:
        """As execute, in this process, which is faster."""
        with duckdb.connect(str(self.database)) as connection:
            if not checkpoint:
                connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            for statement in statements:
                connection.execute(statement)


def keeping_times(change: Callable[[Path], None], path: Path) -> None:
    """Change a file so that its time of modification is what it was."""
    facts = path.stat()
    change(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def same_size(path: Path) -> None:
    """Another text of the same length, in place."""
    body = bytearray(path.read_bytes())
    at = next(number for number in range(len(body) - 1, -1, -1) if chr(body[number]).isalnum())
    body[at] = ord("3") if chr(body[at]).isdigit() else ord("e")
    with path.open("r+b") as file:
        file.write(body)


def copy_over(source: Path, target: Path) -> None:
    """With all that a copy can keep."""
    shutil.copy2(source, target)

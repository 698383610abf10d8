"""Where a benchmark happens: a folder with one project, its cache and its database, and the processes run in it.

Nothing here imports duckdb or dbt: a child begins its life with the memory of its parent on its account, so the parent
has to be small.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# The commands that are installed beside the Python that runs this.
BIN = Path(sys.executable).parent

PROFILE = """\
{name}:
  target: bench
  outputs:
    bench: {{type: duckdb, path: {database}, threads: 4}}
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process: wall seconds, the peak of its largest single process in MiB (children included), what it printed."""

    seconds: float
    mebibytes: float
    printed: str

    def json(self) -> Any:
        return json.loads(self.printed)

    def then(self, other: Sample) -> Sample:
        """Both, one after the other, as one."""
        peak = max(self.mebibytes, other.mebibytes)
        return Sample(self.seconds + other.seconds, peak, self.printed + other.printed)


@dataclass(frozen=True, slots=True)
class Place:
    """manifest, database: of the project. dbt_project: its folder; None without dbt."""

    folder: Path
    manifest: Path
    database: Path
    dbt_project: Path | None = None

    def provision(self, *words: str) -> Sample:
        """The command as a user types it."""
        return self.run([str(BIN / "provision"), words[0], "--manifest", str(self.manifest), "--quiet", *words[1:]])

    def python(self, code: str, *arguments: str) -> Sample:
        return self.run([sys.executable, "-c", code, str(self.database), *arguments])

    def sql(self, statement: str) -> None:
        """Change the database behind provision's back."""
        self.python("import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])", statement)

    def dbt(self, *words: str) -> Sample:
        """dbt by itself, with its own profile, target folder and logs, for the same database."""
        return self.run([str(BIN / "dbt"), *words, *self.dbt_options()])

    def dbt_options(self) -> list[str]:
        """What every dbt command of this place is given. Writes the profile where it is not there yet."""
        assert self.dbt_project is not None
        own = self._dbt_alone
        if not own.exists():
            own.mkdir()
            text = PROFILE.format(name=_profile_name(self.dbt_project), database=self.database)
            (own / "profiles.yml").write_text(text, encoding="utf-8")
        places = {"project-dir": self.dbt_project, "profiles-dir": own, "target-path": own, "log-path": own}
        options = [word for name, path in places.items() for word in (f"--{name}", str(path))]
        return [*options, "--no-send-anonymous-usage-stats", "--quiet"]

    def forget_database(self) -> None:
        shutil.rmtree(self.database.parent, ignore_errors=True)
        self.database.parent.mkdir()

    def forget_cache(self) -> None:
        """What provision keeps, and what dbt by itself keeps."""
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        (self._dbt_alone / "partial_parse.msgpack").unlink(missing_ok=True)

    @property
    def _dbt_alone(self) -> Path:
        return self.folder / "dbt-alone"

    def run(self, command: list[str]) -> Sample:
        """One process, from its start to its end. Raises RuntimeError, with what it said, when it fails."""
        printed, said = self.folder / "stdout.txt", self.folder / "stderr.txt"
        surroundings = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")}
        with printed.open("wb") as out, said.open("wb") as err:
            begun = time.monotonic()
            # In the dbt project's folder, as its users do: its SQL may read files by paths that begin there.
            child = subprocess.Popen(
                command, cwd=self.dbt_project or self.folder, env=surroundings, stdout=out, stderr=err
            )
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        text = printed.read_text(encoding="utf-8")
        if status:
            raise RuntimeError(f"{command} ended with {child.returncode}:\n{text}{said.read_text(encoding='utf-8')}")
        return Sample(seconds, usage.ru_maxrss / 1024, text)


def _profile_name(dbt_project: Path) -> str:
    lines = (dbt_project / "dbt_project.yml").read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("profile:").strip() for line in lines if line.startswith("profile:"))

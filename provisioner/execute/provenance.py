"""Where a run came from: the commit, whether the tree was clean, and who started it."""

from __future__ import annotations

import os
import platform
import pwd
import socket
import subprocess
import time
from pathlib import Path

from provisioner.observe.installation import installed_version

_SECONDS = 2.0


def git_facts(folder: Path) -> tuple[str | None, bool | None]:
    """The commit of the folder's repository, and whether nothing in it is changed or untracked.

    None for what git does not say within 2 s in all, or when there is no git or no repository. Never fails.
    """
    end = time.monotonic() + _SECONDS
    commit = _git(folder, end, "rev-parse", "--verify", "--quiet", "HEAD")
    changes = _git(folder, end, "status", "--porcelain") if commit else None
    return commit, None if changes is None else not changes


def who() -> str:
    """`user@host pid` of this process."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} {os.getpid()}"


def _git(folder: Path, end: float, *words: str) -> str | None:
    # No index is rewritten and no program of the repository's own is run: asking must not change what is asked about.
    command = ["git", "-C", str(folder), "--no-optional-locks", "-c", "core.fsmonitor=false", *words]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=max(0.0, end - time.monotonic())
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode(errors="replace").strip() if answer.returncode == 0 else None


def versions(*, dbt: bool) -> dict[str, str]:
    """Of everything that has a say in the result. dbt: whether it is used."""
    names = {"provision": "provisioner", "duckdb": "duckdb"}
    if dbt:
        names |= {"dbt": "dbt-core", "dbt-duckdb": "dbt-duckdb"}
    found = {name: installed_version(package) or "" for name, package in names.items()}
    return {**found, "python": platform.python_version()}

"""What is said about where a run came from."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from provisioner.execute.provenance import git_facts, who


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.sql").write_text("SELECT 1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "clean"), [(None, True), (("a.sql", "SELECT 2"), False), (("new.sql", "SELECT 3"), False)]
)
def test_the_commit_is_told_and_whether_anything_differs_from_it(
    repository: Path, change: tuple[str, str] | None, clean: bool
) -> None:
    if change:
        (repository / change[0]).write_text(change[1])
    assert git_facts(repository) == (git(repository, "rev-parse", "HEAD"), clean)


def test_a_repository_without_a_commit_tells_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert git_facts(tmp_path) == (None, None)


@pytest.mark.parametrize("folder", ["", "none", "a\0b"])
def test_without_a_repository_nothing_is_told(tmp_path: Path, folder: str) -> None:
    assert git_facts(tmp_path / folder) == (None, None)


def test_without_git_nothing_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert git_facts(repository) == (None, None)


def test_a_git_that_does_not_answer_is_waited_for_two_seconds(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "git").write_text("#!/bin/sh\nexec sleep 20\n")
    (repository / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(repository), prepend=os.pathsep)
    began = time.monotonic()
    assert git_facts(repository) == (None, None)
    assert 2 <= time.monotonic() - began < 20


def test_who_names_the_user_the_host_and_the_process() -> None:
    assert re.fullmatch(rf"\S+@\S+ {os.getpid()}", who())

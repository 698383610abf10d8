"""What whoever waits is told, and how waiting ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lock_processes import ROOT, Other

from provisioner.errors import BusyError, InputError, StoppedError
from provisioner.execute.holder import Holder, read_holder
from provisioner.execute.lock import held

Make = Callable[..., Other]


def never() -> bool:
    return False


def take(database: Path, timeout: float | None, heard: list[Holder], should_stop: Callable[[], bool] = never) -> None:
    with held(database, command="c", run="r", timeout=timeout, on_wait=heard.append, should_stop=should_stop):
        pass


def test_the_error_says_who_holds_the_lock_since_when_and_what_to_do(tmp_path: Path, other: Make) -> None:
    holder, database = other(tmp_path / "a.duckdb"), tmp_path / "a.duckdb"
    with pytest.raises(BusyError) as caught:
        take(database, 0, [])
    pid, since = holder.process.pid, json.loads((tmp_path / "a.duckdb.holder").read_text())["since"]
    start = f"{database} is locked by process {pid} on {socket.gethostname()}, since {since} ("
    assert caught.value.message.startswith(start)
    assert caught.value.message.endswith(" s ago), running `provision apply` (run run-1).")
    assert "`--lock-timeout 10m`" in caught.value.cure and f"`ps -p {pid}`" in caught.value.cure
    assert (caught.value.code, caught.value.exit_code) == ("locked", 3)


@pytest.mark.parametrize(("timeout", "heard"), [(0, 0), (0.3, 1)])
def test_waiting_lasts_as_long_as_the_timeout_and_is_told_once_at_its_beginning(
    tmp_path: Path, other: Make, timeout: float, heard: int
) -> None:
    holder, words = other(tmp_path / "a.duckdb"), list[Holder]()
    began = time.monotonic()
    with pytest.raises(BusyError):
        take(tmp_path / "a.duckdb", timeout, words)
    assert timeout <= time.monotonic() - began < timeout + 15
    assert [word.pid for word in words] == [holder.process.pid] * heard


def test_whoever_waits_gets_the_lock_when_it_is_free(tmp_path: Path, other: Make) -> None:
    holder = other(tmp_path / "a.duckdb")
    with held(
        tmp_path / "a.duckdb",
        command="c",
        run="mine",
        timeout=None,
        on_wait=lambda who: holder.let_go(),
        should_stop=never,
    ):
        found = read_holder(tmp_path / "a.duckdb")
        assert found is not None and (found.pid, found.run) == (os.getpid(), "mine")
    assert read_holder(tmp_path / "a.duckdb") is None


def test_a_request_to_stop_ends_the_waiting(tmp_path: Path, other: Make) -> None:
    assert other(tmp_path / "a.duckdb").said == "held"
    words: list[Holder] = []
    with pytest.raises(StoppedError, match="nothing was done"):
        take(tmp_path / "a.duckdb", None, words, should_stop=lambda: bool(words))


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"pid": 1}',
        b'{"pid": -4, "host": "h", "since": "s", "command": "c", "run": "r"}',
        b'{"pid": "7", "host": "h", "since": "s", "command": "c", "run": "r"}',
        b'{"pid": 7, "host": null, "since": "s", "command": "c", "run": "r"}',
        b'{"pid": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_damaged_holder_is_no_holder_and_keeps_nobody_out(tmp_path: Path, other: Make, record: bytes) -> None:
    database = tmp_path / "a.duckdb"
    (tmp_path / "a.duckdb.holder").write_bytes(record)
    assert read_holder(database) is None
    take(database, 0, [])
    assert not (tmp_path / "a.duckdb.holder").exists()


def test_a_holder_without_a_name_is_busy_all_the_same(tmp_path: Path, other: Make) -> None:
    assert other(tmp_path / "a.duckdb").said == "held"
    (tmp_path / "a.duckdb.holder").write_text("{")
    with pytest.raises(BusyError, match="a process that left no name") as caught:
        take(tmp_path / "a.duckdb", 0, [])
    assert f"fuser {tmp_path / 'a.duckdb.lock'}" in caught.value.cure


def test_a_name_that_nobody_holds_is_not_believed(tmp_path: Path) -> None:
    record = {"pid": os.getpid(), "host": "h", "since": "2020-01-01T00:00:00Z", "command": "c", "run": "r"}
    (tmp_path / "a.duckdb.holder").write_text(json.dumps(record))
    heard: list[Holder] = []
    take(tmp_path / "a.duckdb", 0, heard)
    assert heard == []


@given(
    record=st.fixed_dictionaries(
        {"pid": st.integers() | st.none()}, optional={key: st.text() for key in ("host", "since", "command", "run")}
    )
)
def test_whatever_a_holder_says_can_be_printed(record: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.duckdb.holder").write_text(json.dumps(record))
        holder = read_holder(Path(folder, "a.duckdb"))
        assert holder is None or str(holder).isprintable()


def test_the_folder_is_made_with_all_above_it(tmp_path: Path) -> None:
    take(tmp_path / "new" / "er" / "a.duckdb", 0, [])
    assert (tmp_path / "new" / "er" / "a.duckdb.lock").exists()


def a_file_for_a_folder(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "a.duckdb"


def a_folder_for_the_lock(folder: Path) -> Path:
    (folder / "a.duckdb.lock").mkdir()
    return folder / "a.duckdb"


def a_folder_for_the_guard(folder: Path) -> Path:
    (folder / "a.duckdb.guard").mkdir()
    return folder / "a.duckdb"


def a_name_too_long(folder: Path) -> Path:
    return folder / ("a" * 300)


def a_pipe_for_the_lock(folder: Path) -> Path:
    os.mkfifo(folder / "a.duckdb.lock")
    return folder / "a.duckdb"


def a_link_to_another_file(folder: Path) -> Path:
    (folder / "a.duckdb.guard").symlink_to("/etc/passwd")
    return folder / "a.duckdb"


def a_link_to_itself(folder: Path) -> Path:
    (folder / "a.duckdb.lock").symlink_to("a.duckdb.lock")
    return folder / "a.duckdb"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (a_file_for_a_folder, "folder_not_writable"),
        (a_folder_for_the_lock, "lock_foreign"),
        (a_folder_for_the_guard, "lock_foreign"),
        (a_pipe_for_the_lock, "lock_foreign"),
        (a_link_to_another_file, "lock_foreign"),
        (a_name_too_long, "folder_not_writable"),
        (a_link_to_itself, "lock_foreign"),
        (lambda folder: folder / "a\0b", "bad_path"),
    ],
)
def test_where_no_lock_can_be_the_error_has_a_cure(tmp_path: Path, make: Callable[[Path], Path], code: str) -> None:
    database = make(tmp_path)
    for _ in range(2):
        with pytest.raises(InputError) as caught:
            take(database, 0, [])
        assert (caught.value.code, bool(caught.value.cure)) == (code, True)


TAKE_AS_NOBODY = """
import os, sys
from pathlib import Path
from provisioner.errors import InputError
from provisioner.execute.lock import Lock
if os.geteuid() == 0:
    os.setuid(65534)
try:
    Lock(Path(sys.argv[1]), command="c", run="r").acquire(0, print, lambda: False)
except InputError as error:
    print(error.code, error)
"""


def test_a_read_only_folder_is_named_with_a_cure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        answer = subprocess.run(
            [sys.executable, "-c", TAKE_AS_NOBODY, f"{folder}/a.duckdb"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        os.chmod(folder, 0o755)
    assert answer.stdout.startswith(f"folder_not_writable {os.path.realpath(folder)}/a.duckdb.lock cannot be written (")
    assert f"`ls -ld {os.path.realpath(folder)} " in answer.stdout

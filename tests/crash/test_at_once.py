"""At no moment two writers, and nobody hangs: many applies at once, programs in the way, lookers, lost lock files."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from crowd import drift, lay_out, meet, own_cache
from forked import Command, Ended, Forked, answer
from projects import make, wait_until
from worlds import database_of, facts_of

import provisioner
from provisioner import BusyError, Outcome

READ_ONLY = pytest.mark.parametrize("read_only", [True, False], ids=["read-only", "read-write"])
SLOW = {"slow": {"python": "slow:build"}, "quick": {"sql": "quick.sql"}}
SLOW_TABLES = {"slow": {"tier": "one", "step": "slow"}, "quick": {"tier": "two", "step": "quick"}}
SLOW_FILES = {
    "quick.sql": "SELECT * FROM slow\n",
    "slow.py": (
        "import os, time\n"
        "def build(connection, context):\n"
        '    connection.execute(f"CREATE TABLE {context.tables[0]} AS SELECT 7 AS x")\n'
        '    stays = (context.folder / "fork").exists() and os.fork() == 0\n'
        "    if stays:\n"
        "        os.setsid()\n"
        '    (context.folder / "begun").touch()\n'
        '    while (context.folder / "wait").exists():\n'
        "        time.sleep(0.01)\n"
        "    if stays:\n"
        "        os._exit(0)\n"
    ),
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path) -> Iterator[None]:
    with own_cache(tmp_path / "cache"):
        yield


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database that an apply has made, and in which something is to do again."""
    folder = tmp_path_factory.mktemp("drifted")
    path = lay_out(folder / "shop")
    with own_cache(folder / "cache"):
        answer(lambda: provisioner.apply(path).id, folder / "apply.txt")
    answer(lambda: drift(path), folder / "drift.txt")
    return path.parent


@pytest.fixture
def manifest(drifted: Path, tmp_path: Path) -> Path:
    """The manifest of a copy of it."""
    shutil.copytree(drifted, tmp_path / "shop", symlinks=True)
    (tmp_path / "alias").symlink_to(tmp_path / "shop")
    return tmp_path / "shop" / "provision.yaml"


def apply(manifest: Path, *words: str) -> Forked:
    return Forked(Command(manifest, ("apply", *words)), manifest.with_name(f"said-{time.monotonic_ns()}")).go()


def look(manifest: Path, *words: str) -> Ended:
    return Forked(Command(manifest, words), manifest.with_name(f"looked-{time.monotonic_ns()}")).go().wait(20)


@pytest.mark.parametrize("converged", [False, True], ids=["fresh", "converged"])
def test_of_sixteen_at_once_exactly_one_executes_and_all_end_well(tmp_path: Path, converged: bool) -> None:
    manifest, alone = lay_out(tmp_path / "shop"), lay_out(tmp_path / "other" / "shop")
    for one in (alone, manifest)[: 1 + converged]:
        answer(lambda one=one: provisioner.apply(one).id, tmp_path / "before.txt")
    wanted = answer(lambda: facts_of(database_of(alone)), tmp_path / "wanted.txt")
    assert meet(manifest, 16, wanted, 1, tmp_path / "said").complaints == ()


@contextmanager
def application(database: Path, read_only: bool) -> Iterator[Callable[[], None]]:
    """Another program that has the database open; what is given lets it go."""
    has, lets_go = database.with_name("has"), database.with_name("lets go")

    def work() -> int:
        with duckdb.connect(str(database), read_only=read_only):
            has.touch()
            wait_until(lets_go.exists)
        return 0

    other = Forked(work, database.with_name("application.txt")).go()
    wait_until(has.exists)
    try:
        yield lets_go.touch
    finally:
        lets_go.touch()
        assert other.wait().code == 0
        has.unlink()
        lets_go.unlink()


@READ_ONLY
def test_an_application_that_has_the_database_is_named_and_waited_for(
    manifest: Path, tmp_path: Path, read_only: bool
) -> None:
    def ensure() -> tuple[int, str]:
        with pytest.raises(BusyError) as caught:
            provisioner.ensure(manifest, timeout=0.3)
        return caught.value.exit_code, str(caught.value)

    with application(database_of(manifest), read_only) as let_go:
        refused = apply(manifest, "--lock-timeout", "1s").wait()
        assert (refused.code, "PID" in refused.said, "waiting" in refused.said) == (3, True, True)
        code, words = answer(ensure, tmp_path / "ensure.txt")
        assert (code, "PID" in words) == (3, True)
        patient = apply(manifest, "--lock-timeout", "30s")
        time.sleep(0.6)
        assert patient.alive
        let_go()
        assert patient.wait().code == 0
    assert answer(lambda: provisioner.plan(manifest, cache=False) == provisioner.Plan(), tmp_path / "plan.txt")


@READ_ONLY
def test_an_application_that_connects_all_the_time_delays_a_run_and_spoils_nothing(
    manifest: Path, tmp_path: Path, read_only: bool
) -> None:
    database, over = database_of(manifest), tmp_path / "over"

    def connect_again_and_again() -> int:
        times = 0
        while not over.exists():
            try:
                with duckdb.connect(str(database), read_only=read_only):
                    times += 1
                    time.sleep(0.01)
            except duckdb.Error:
                time.sleep(0.001)
        return 0 if times > 2 else 1

    other = Forked(connect_again_and_again, tmp_path / "other.txt").go()
    ended = apply(manifest).wait()
    over.touch()
    assert other.wait().code == 0, "it was never in the way"
    assert ended.code == 0, ended
    assert (manifest.parent / "counter").read_text() == "once\n"
    assert answer(lambda: provisioner.plan(manifest, cache=False) == provisioner.Plan(), tmp_path / "plan.txt")


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A manifest whose python step has begun when there is a file `begun`, and waits while there is a file `wait`."""
    project = make(tmp_path / "slow", SLOW, SLOW_TABLES, SLOW_FILES)
    project.declare(database="build/shop.duckdb")
    project.write("wait", "")
    return project.path


DAMAGE: dict[str, Callable[[Path], None]] = {
    "nothing": lambda path: None,
    "a torn holder": lambda path: path.write_text('{"pid": 7'),
    "a pipe for a holder": lambda path: (path.unlink(), os.mkfifo(path))[1],
    "a folder for a holder": lambda path: (path.unlink(), path.mkdir())[1],
    "a torn journal": lambda path: path.with_suffix(".journal").open("a").write('{"chain":"') and None,
}


def test_whoever_looks_during_an_apply_gets_an_answer_or_the_word_busy(slow: Path) -> None:
    running = apply(slow)
    wait_until((slow.parent / "begun").exists)
    holder = database_of(slow).with_name("shop.duckdb.holder")
    words = [("plan",), ("plan", "--no-cache"), ("check",), ("history",), ("apply", "--lock-timeout", "0s")]
    busy = {"plan": 3, "apply": 3}
    for name, damage in DAMAGE.items():
        damage(holder)
        for command in words if name in ("nothing", "a torn journal") else words[:1] + words[-1:]:
            ended = look(slow, *command)
            assert (ended.code, ended.clean) == (busy.get(command[0], 0), True), (name, command, ended)
            if name == "nothing" and ended.code == 3:
                assert str(running.pid) in ended.said, ended
    (slow.parent / "wait").unlink()
    assert running.wait().code == 0
    assert look(slow, "plan", "--detailed-exitcode").code == 0


def test_the_next_apply_waits_for_a_child_that_outlives_a_killed_parent_and_says_so(slow: Path) -> None:
    (slow.parent / "fork").touch()
    running = apply(slow)
    wait_until((slow.parent / "begun").exists)
    running.kill()
    assert running.wait().killed
    ended = apply(slow, "--lock-timeout", "1s").wait()
    assert (ended.code, "an orphaned worker" in ended.said) == (3, True), ended
    (slow.parent / "fork").unlink()
    (slow.parent / "wait").unlink()
    assert apply(slow, "--lock-timeout", "30s").wait().code == 0


def test_lock_files_that_are_deleted_under_a_run_let_nobody_in(slow: Path) -> None:
    running = apply(slow)
    wait_until((slow.parent / "begun").exists)
    for ending in (".lock", ".guard"):
        database_of(slow).with_name(f"shop.duckdb{ending}").unlink()
    ended = apply(slow, "--lock-timeout", "0").wait()
    assert (ended.code, f"is locked by process {running.pid}" in ended.said) == (3, True), ended
    (slow.parent / "wait").unlink()
    assert running.wait().code == 0
    assert apply(slow, "--lock-timeout", "0").wait().code == 0


def test_threads_that_use_several_names_for_one_database_and_several_databases_never_meet(tmp_path: Path) -> None:
    manifest = lay_out(tmp_path / "shop")
    others = [lay_out(tmp_path / f"other-{number}" / "shop") for number in range(2)]
    names = [manifest, tmp_path / "alias" / "provision.yaml", manifest.with_name("linked.yaml"), *others] * 2

    def work() -> list[int]:
        with ThreadPoolExecutor(len(names)) as threads:
            return [len(run.units) for run in threads.map(provisioner.ensure, names)]

    units = answer(work, tmp_path / "threads.txt")
    assert sorted(map(bool, units)) == [False] * (len(names) - 3) + [True] * 3
    assert all((one.parent / "counter").read_text() == "once\n" for one in (manifest, *others))


def test_a_process_forked_in_the_middle_of_an_ensure_can_ensure_by_itself(manifest: Path, tmp_path: Path) -> None:
    def work() -> bool:
        """A thread has its turn and the lock while another one forks."""
        inside, over = threading.Event(), threading.Event()

        def listen(event: object) -> None:
            inside.set()
            over.wait(60)

        thread = threading.Thread(target=lambda: provisioner.ensure(manifest, on_event=listen))
        thread.start()
        inside.wait(60)
        refused = Forked(lambda: _refused(manifest), tmp_path / "refused.txt").go().wait(20)
        over.set()
        thread.join()
        after = Forked(lambda: int(provisioner.ensure(manifest).outcome is not Outcome.DONE), tmp_path / "after.txt")
        return (refused.code, after.go().wait(20).code) == (3, 0)

    assert answer(work, tmp_path / "forked.txt")


def _refused(manifest: Path) -> int:
    try:
        provisioner.ensure(manifest, timeout=0.2)
    except BusyError as busy:
        return busy.exit_code
    return 0


@pytest.mark.parametrize("given", [None, b"provision.yaml", 7, Path("/")], ids=str)
def test_what_is_no_manifest_is_wrong_usage_with_a_cure(given: object) -> None:
    for call in (provisioner.ensure, provisioner.plan, provisioner.apply, provisioner.load_manifest):
        with pytest.raises(provisioner.UsageError) as caught:
            call(given)  # type: ignore[operator]
        assert caught.value.cure and caught.value.code == "no_manifest"


@pytest.mark.parametrize("timeout", [-1, float("nan"), "30s"])
def test_what_is_no_time_to_wait_is_wrong_usage(manifest: Path, timeout: object) -> None:
    with pytest.raises(provisioner.UsageError, match="no time to wait"):
        provisioner.ensure(manifest, timeout=timeout)  # type: ignore[arg-type]

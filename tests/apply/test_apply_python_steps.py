"""Python steps: what they are told, what they may do, and how every way to fail is told."""

from __future__ import annotations

import os
import py_compile
import signal
from pathlib import Path

import pytest
from projects import Project, make, planned, ran

from provisioner import ProvisionError


def project_of(folder: Path, code: str, **step: object) -> Project:
    """A project with one python step, build in work.py, that makes the table t."""
    return make(
        folder, {"work": {"python": "work:build", **step}},
        {"t": {"tier": "one", "step": "work", "columns": {"x": "INTEGER"}}},
        {"work.py": code},
    )  # fmt: skip


GOOD = 'connection.execute("CREATE TABLE t AS SELECT 1 AS x")'


def function(*lines: str) -> str:
    return "def build(connection, context):\n" + "".join(f"    {line}\n" for line in lines)


# The code, and what the error must tell: its code, and words.
FAILING: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "raises": (
        function(GOOD, "inner()") + "\ndef inner():\n    raise ValueError('no good')\n",
        "python_failed", ("work.py:6", "ValueError: no good"),
    ),
    "fails in its SQL": (
        function(GOOD, "connection.execute('SELECT nothing FROM t')"), "python_failed", ("work.py:3", "nothing"),
    ),
    "needs more memory than there is": (
        function(
            "connection.execute(\"SET memory_limit = '20MB'; SET temp_directory = ''\")",
            "connection.execute('CREATE TABLE t AS SELECT list(md5(range::varchar)) AS x FROM range(1_000_000)')",
        ),
        "out_of_memory", ("work.py:3", "shop.duckdb"),
    ),
    "raises when it is imported": (
        "import nowhere_at_all\n" + function(GOOD), "python_failed", ("work.py:1", "nowhere_at_all"),
    ),
    "exits": (function(GOOD, "raise SystemExit(3)"), "python_failed", ("work.py:3", "SystemExit: 3")),
    "closes all descriptors": (
        function(GOOD, "import os, time", "os.closerange(3, 256)", "time.sleep(600)"),
        "worker_died", ("it closed what it is to tell its end by",),
    ),
    "ends its process": (
        function(GOOD, "import os", "print('last words', flush=True)", "os._exit(5)"),
        "worker_died", ("exit status 5", "last words"),
    ),
    "dies of a signal": (
        function(GOOD, "import os, signal", "os.kill(os.getpid(), signal.SIGKILL)"), "worker_died", ("SIGKILL",),
    ),
    "commits": (function(GOOD, "connection.commit()"), "transaction_ended", ("work", "ended the transaction")),
    "commits in SQL and begins anew": (
        function(GOOD, "connection.execute('COMMIT')", "connection.execute('BEGIN')"), "transaction_ended",
        ("ended the transaction",),
    ),
    "closes the connection": (function(GOOD, "connection.close()"), "", ("work",)),
    "makes nothing": (function("pass"), "verification_failed", ("t is not there",)),
    "makes something else": (
        function("connection.execute(\"CREATE TABLE t AS SELECT 'a' AS x\")"), "verification_failed",
        ("x is VARCHAR, wanted is INTEGER",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_a_python_step_that_fails_is_told_and_what_it_made_is_never_trusted(tmp_path: Path, case: str) -> None:
    code, expected, words = FAILING[case]
    project = project_of(tmp_path, code)
    error = project.refused()
    assert error.exit_code == 1 and error.cure
    assert error.code == expected or not expected
    assert all(word in error.message for word in words), error.message
    assert set(planned(project.plan())) == {"work"}


@pytest.mark.parametrize("case", ["raises", "commits"])
def test_a_python_step_that_is_mended_makes_its_table_after_all(tmp_path: Path, case: str) -> None:
    project = project_of(tmp_path, FAILING[case][0])
    project.refused()
    project.write("work.py", function(GOOD))
    project.apply()
    assert project.plan().converged
    assert project.rows("FROM t") == [(1,)]


def test_a_step_that_commits_by_itself_costs_no_protection(tmp_path: Path) -> None:
    project = project_of(tmp_path, function(GOOD))
    table = project.manifest["tables"]["t"]
    project.declare(tables={"t": {**table, "protect": True}})
    project.apply()
    project.write("work.py", FAILING["commits"][0])
    project.refused()
    project.write("work.py", function(GOOD))
    project.declare(tables={"t": table})
    project.apply()
    assert project.rows("SELECT protect FROM _provisioner.stamps") == [(True,)]


def test_a_step_that_fails_undoes_all_that_it_did_to_other_tables(tmp_path: Path) -> None:
    project = project_of(tmp_path, function("connection.execute('DELETE FROM mine')", "raise ValueError"))
    project.sql("CREATE TABLE mine AS SELECT 1 AS x")
    project.refused()
    assert project.rows("FROM mine") == [(1,)]


def test_a_step_is_told_its_name_its_tables_its_folder_and_the_run(tmp_path: Path) -> None:
    told = 'connection.execute("CREATE TABLE " + context.tables[0] + " AS SELECT 1 AS x, ? AS told", [repr('
    told += "(context.step, context.tables, str(context.folder), context.run))])"
    project = project_of(tmp_path, function(told))
    run = project.apply()
    assert project.rows("SELECT told FROM t") == [(repr(("work", ('"main"."t"',), str(tmp_path), run.id)),)]


def test_relative_file_names_start_at_the_manifests_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    project = project_of(
        tmp_path, function("connection.execute(\"CREATE TABLE t AS SELECT x::INT AS x FROM 'few.csv'\")")
    )
    project.write("few.csv", "x\n4\n")
    project.apply()
    assert project.rows("FROM t") == [(4,)]


def test_what_a_step_prints_does_not_mix_with_what_provision_says(tmp_path: Path) -> None:
    noise = "import sys; print('noise' * 50000, sys.stdin.read())"
    noise += '; print(\'{"event": "done", "rows": 9}\', file=sys.stderr)'
    project = project_of(tmp_path, function(noise, GOOD))
    done = project.command("apply")
    assert done.returncode == 0
    assert "noise" not in done.stdout + done.stderr
    assert "done     work" in done.stderr and "1 row" in done.stderr


def test_a_thread_that_a_step_leaves_behind_does_not_keep_the_run_from_ending(tmp_path: Path) -> None:
    leave = "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"
    project = project_of(tmp_path, function(leave, GOOD))
    assert ran(project.apply()) == {"work": "done"}
    assert project.plan().converged


# What a step leaves behind and may: it is over when build returns.
LEAVING: dict[str, tuple[str, ...]] = {
    "a process that it forked and that comes back from build": ("import os", "if os.fork() == 0: return", GOOD),
    "a process that it forked and that fails in build": ("import os", "if os.fork() == 0: raise ValueError", GOOD),
    "a cursor in a transaction of its own": (
        GOOD, "global cursor", "cursor = connection.cursor().begin()",
        "cursor.execute('CREATE TABLE other AS SELECT 1')",
    ),
    "a result that nobody fetched": (GOOD, "global left", "left = connection.execute('FROM range(100000)')"),
    "a process that it forked and that has left its group": (
        GOOD, "import os, time", "if os.fork() == 0:", "    os.setsid()", "    time.sleep(1)",
        "    connection.execute('INSERT INTO t VALUES (2)'); connection.execute('COMMIT'); os._exit(0)",
    ),
    "a process in its group": (GOOD, "import subprocess", "subprocess.Popen(['sleep', '600'], close_fds=False)"),
}  # fmt: skip


@pytest.mark.parametrize("case", LEAVING)
def test_what_a_step_leaves_behind_is_gone_with_it(tmp_path: Path, case: str) -> None:
    project = project_of(tmp_path, function(*LEAVING[case]))
    assert ran(project.apply(timeout=0)) == {"work": "done"}
    assert set(project.contents()) == {"BASE TABLE main.t"}
    assert project.apply(timeout=0, cache=False).id == "", "nobody holds the lock or the database"


WRITES_ON = """
import threading
def build(connection, context):
    connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    cursor = connection.cursor()
    def write():
        while True:
            try:
                cursor.execute("INSERT INTO t VALUES (2)")
            except Exception:
                pass
    threading.Thread(target=write, daemon=True).start()
"""


def test_a_thread_that_writes_on_when_the_step_is_over_is_found_out(tmp_path: Path) -> None:
    """It may be ended before it has written anything; whatever it has written is not trusted."""
    project = project_of(tmp_path, WRITES_ON)
    try:
        project.apply()
    except ProvisionError as error:
        assert "went on writing after its transaction" in str(error)
        assert planned(project.plan()) == {"work": {"interrupted"}}
    else:
        assert project.rows("FROM t") == [(1,)]


def test_a_step_that_does_not_heed_sigterm_ends_when_its_time_is_over(tmp_path: Path) -> None:
    deaf = function(GOOD, "import signal, time", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "time.sleep(600)")
    error = project_of(tmp_path, deaf, timeout="1s").refused()
    assert error.code == "timeout"


def test_a_daemon_that_a_step_leaves_and_that_holds_the_guard_is_waited_for_and_named(tmp_path: Path) -> None:
    """It has left the group of its step, and may have the database: whether it still writes nobody knows."""
    start = "daemon = subprocess.Popen(['sleep', '600'], close_fds=False, start_new_session=True)"
    project = project_of(
        tmp_path, function(GOOD, "import subprocess", start, "open('pid', 'w').write(str(daemon.pid))")
    )
    assert ran(project.apply()) == {"work": "done"}
    project.sql("DROP TABLE t")
    error = project.refused(timeout=0)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (error.code, error.exit_code) == ("locked", 3)
    assert "orphaned" in error.message and "fuser" in error.cure
    assert ran(project.apply(timeout=10)) == {"work": "done"}
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_module_that_a_step_imports_from_its_folder_makes_it_stale_when_it_changes(tmp_path: Path) -> None:
    code = "import figures\n" + function("connection.execute(f'CREATE TABLE t AS SELECT {figures.X}::INTEGER AS x')")
    project = project_of(tmp_path, code)
    project.write("figures.py", "X = 1\n")
    project.write("other.py", "X = 1\n")
    project.apply()
    project.write("other.py", "X = 2\n")
    assert project.plan().converged
    project.write("figures.py", "X = 22\n")
    assert planned(project.plan()) == {"work": {"definition_changed"}}
    project.apply()
    assert project.rows("FROM t") == [(22,)]


def test_other_modules_of_the_folder_do_not_take_the_place_of_the_librarys(tmp_path: Path) -> None:
    project = project_of(tmp_path, function(GOOD))
    for name in ("json", "duckdb", "provisioner", "pickle"):
        project.write(f"{name}.py", "raise ImportError('not this one')\n")
    assert ran(project.apply()) == {"work": "done"}


def test_an_edit_that_python_would_not_notice_is_carried_out(tmp_path: Path) -> None:
    """Python takes bytecode for current when size and second of the source are the same."""
    code = "import figures\n" + function("connection.execute(f'CREATE TABLE t AS SELECT {figures.X}::INTEGER AS x')")
    files = {"work.py": code, "figures.py": "X = 1\n"}
    project = make(tmp_path, {"t": {"python": "work:build"}}, {"t": {"tier": "one", "step": "t"}}, files)
    module = project.folder / "figures.py"
    py_compile.compile(str(module))
    before = module.stat()
    project.apply()
    assert project.rows("FROM t") == [(1,)]
    module.write_text("X = 2\n", encoding="utf-8")
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    project.apply()
    assert project.rows("FROM t") == [(2,)]

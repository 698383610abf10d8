"""The failpoints: where a run is killed, in words and as a function of provision's, and the worlds where it gets there.

A function that is renamed or no longer called makes its point fail, since no run dies there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from ground import APPLY
from strike import DBT_WORKER, PYTHON_WORKER, Strike, kill
from worlds import NOTES, WORLDS, World, database_of, project

from provisioner.declare.load import load_manifest
from provisioner.execute.aside import put_aside
from provisioner.execute.interrupt import Stop
from provisioner.execute.session import Session, Surroundings


@dataclass(frozen=True, slots=True)
class Point:
    """One failpoint. worlds: where it is reached; in the first one the default run tries it. words: the command."""

    name: str
    strike: Strike
    worlds: tuple[str, ...] = ("repair", "fresh")
    words: tuple[str, ...] = APPLY


def _bare(folder: Path) -> Path:
    """No database yet, and the least work: a declared table, and a script whose table reads it."""
    tables = {"notes": NOTES, "counted": {"tier": "two", "step": "counts"}}
    files = {"counts.sql": "CREATE TABLE counted AS SELECT count(*) AS n FROM notes;\n"}
    return project(folder, {"counts": {"sql": "counts.sql"}}, tables, files).path


def _interrupted(folder: Path) -> Path:
    """`repair`, after a run that died in `sales` and `counts`: its old tables are kept, their successors half made."""
    manifest = WORLDS["repair"].make(folder)
    declared, around = load_manifest(manifest, environment=None, variables={}), Surroundings({}, folder / ".cache")
    with Session(declared, around, lambda event: None, Stop()) as session:
        units = session.graph().units
    with duckdb.connect(str(database_of(manifest))) as connection:
        put_aside(connection, [units["sales"], units["counts"]], "20260101-000000-dead")
        connection.execute("CREATE TABLE sales AS SELECT 99 AS id")
        connection.execute("CREATE OR REPLACE TABLE counted AS SELECT 99 AS n")
    return manifest


def _died(folder: Path) -> Path:
    """`repair`, after a run that died when `people` and `sales` were done."""
    manifest = WORLDS["repair"].make(folder)
    kill(manifest, Strike("execute.walk:Walk.started", "after", 3), *APPLY)
    return manifest


def _late(folder: Path) -> Path:
    """`repair`, after a run that died when `people`, `sales` and `counts` were done."""
    manifest = WORLDS["repair"].make(folder)
    kill(manifest, Strike("execute.walk:Walk.finished", "after", 3), *APPLY)
    return manifest


def _damaged(folder: Path) -> Path:
    """`repair`, with a journal of which the middle is damaged."""
    manifest = WORLDS["repair"].make(folder)
    journal = journal_of(manifest)
    journal.write_bytes(journal.read_bytes().replace(b"unit_begun", b"unit_bogun", 1))
    return manifest


def _torn(folder: Path) -> Path:
    """`repair`, with a journal whose last line was not written to its end."""
    manifest = WORLDS["repair"].make(folder)
    journal = journal_of(manifest)
    journal.write_bytes(journal.read_bytes()[:-20])
    return manifest


def journal_of(manifest: Path) -> Path:
    """The journal of a world."""
    database = database_of(manifest)
    return database.with_name(f"{database.name}.journal")


BEGINNINGS = {
    **WORLDS,
    "bare": World("bare", _bare),
    "interrupted": World("interrupted", _interrupted),
    "died": World("died", _died),
    "late": World("late", _late),
    "damaged": World("damaged", _damaged),
    "torn": World("torn", _torn),
}

RESTART = ("apply", "--restart")
PRUNE = ("apply", "--prune", "--allow", "drops_table")
ANY = ("repair", "fresh", "interrupted", "died", "damaged", "torn")
LOADING = tuple(world for world in ANY if world != "died")
FRESH, NEW, BARE = ("fresh",), ("bare", "fresh"), ("bare", "fresh", "repair", "interrupted", "died")
DBT = ("dbt_repair", "dbt")
_SYNC, _WRITE = "execute.journal:_sync", "execute.journal:os.write"
_GRANT, _MARK = "execute.transaction:grant", "execute.transaction:withdraw"

LOCK = (
    Point("before the lock is asked for", Strike("execute.lock:Lock.acquire"), BARE),
    Point("before the lock file is locked", Strike("execute.lock:_took_file_lock"), BARE),
    Point("between lock and guard", Strike("execute.lock:_take_guard"), BARE),
    Point("after the guard", Strike("execute.lock:_take_guard", "after"), BARE),
    Point("before the holder's name is written", Strike("execute.lock:write_holder"), BARE),
    Point("before the holder's name gets its place", Strike("execute.holder:os.replace"), BARE),
    Point("when the holder's name is written", Strike("execute.lock:write_holder", "after"), BARE),
    Point("before the lock is released", Strike("execute.lock:erase_holder"), BARE),
    Point("when the holder's name is erased", Strike("execute.lock:erase_holder", "after"), BARE),
)
CREATION = (
    Point("before the database is made", Strike("execute.locked:create"), NEW),
    Point("when the new file is made, under its other name", Strike("observe.database:_make_database", "after"), NEW),
    Point("when the new file is synced", Strike("observe.database:sync", "after"), NEW),
    Point("before the new file gets its name", Strike("observe.database:os.replace"), NEW),
    Point("when the new file has its name", Strike("observe.database:os.replace", "after"), NEW),
    Point("when the folder is synced", Strike("observe.database:sync", "after", 2), NEW),
)
JOURNAL = (
    Point("before the journal is opened", Strike("execute.journal:Journal._open"), ANY),
    Point("when the journal is open", Strike("execute.journal:Journal._open", "after"), ANY),
    Point("before a torn line is cut off", Strike("execute.journal:os.ftruncate"), ("torn",)),
    Point("when a torn line is cut off", Strike("execute.journal:os.ftruncate", "after"), ("torn",)),
    Point("before a damaged journal is set aside", Strike("execute.journal:os.rename"), ("damaged",)),
    Point("when a damaged journal is set aside", Strike("execute.journal:os.rename", "after"), ("damaged",)),
    Point("before run_begun is written", Strike(_WRITE), ANY),
    Point("between write and sync of run_begun", Strike(_SYNC), ANY),
    Point("when run_begun is synced", Strike(_SYNC, "after"), ANY),
    Point("between commit and unit_ended", Strike(_WRITE, saying="unit_ended"), ANY),
    Point("between write and sync of unit_ended", Strike(_SYNC, nth=3), ANY),
    Point("when unit_ended is synced", Strike(_SYNC, "after", 3), ANY),
    Point("before run_ended is written", Strike(_WRITE, saying="run_ended")),
    Point("when run_ended is written", Strike("execute.journal:Journal._append", "after", saying="run_ended"), ANY),
)
RECOVERY = (
    Point("before recovery", Strike("execute.aftermath:recover"), ("interrupted", "dbt_repair")),
    Point("in the middle of putting back", Strike("execute.aside:_restore", "after"), ("interrupted",)),
    Point("between two tables that are put back", Strike("execute.aside:_restore", nth=2), ("interrupted",)),
    Point("when a mark is taken away, before the new one", Strike("execute.aside:withdraw"), ("interrupted",)),
    Point("before recovery commits", Strike("execute.aside:withdraw", "after", 3), ("interrupted",)),
    Point("after recovery", Strike("execute.aftermath:recover", "after"), ("interrupted",)),
)
RUN = (
    Point("after the plan", Strike("execute.locked:check_room"), ANY),
    Point("before the first unit", Strike("execute.walk:Walk.walk"), ANY),
    Point("when a declared table is made", Strike("execute.single:migrate", "after"), NEW),
    Point("when a declared table is looked at again", Strike("execute.single:verify_shape", "after"), NEW),
    Point("when a file is loaded", Strike("execute.single:load", "after"), LOADING),
    Point("in the middle of a script", Strike("execute.runners.sql:_execute", "after", 3), ANY),
    Point("before a view's script", Strike("execute.single:run_sql", nth=2), ANY),
    Point("before trust is withdrawn", Strike(_MARK), ANY),
    Point("when trust is withdrawn, before the effect", Strike(_MARK, "after", 2), ANY),
    Point("after the effect, before it is verified", Strike("execute.transaction:verify", nth=3), LOADING),
    Point("the same, when a dead run is gone on with", Strike("execute.transaction:verify"), ("died",)),
    Point("before trust is granted", Strike(_GRANT, nth=2), ANY),
    Point("when trust is granted, before the commit", Strike(_GRANT, "after"), ANY),
    Point("the same, of a script", Strike(_GRANT, "after", 3), LOADING),
    Point("after the commit, before it is read back", Strike("execute.transaction:read_back"), ANY),
    Point("when a script's commit is read back", Strike("execute.transaction:read_back", "after", 3), LOADING),
    Point("the same commit, of what a dead run began", Strike("execute.transaction:read_back", "after"), ("died",)),
    Point("between two units", Strike("execute.walk:Walk.finished", "after"), ANY),
    Point("between two tiers", Strike("execute.walk:Walk._verify_tier"), LOADING),
    Point(
        "when an orphan is dropped, before the commit",
        Strike("execute.single:drop_relation", "after"),
        ("repair",),
        PRUNE,
    ),
    Point("when an orphan is gone", Strike("execute.single:_drop", "after"), ("repair",), PRUNE),
    Point("before the last look", Strike("execute.carrying:Carrying._look_again"), ANY),
    Point("before the checkpoint", Strike("execute.live:Live.rest"), ANY),
    Point("after the checkpoint", Strike("execute.live:Live.rest", "after"), ANY),
    Point("after the last look", Strike("execute.carrying:look_again", "after"), ANY),
    Point("before the file is closed and sealed", Strike("execute.live:Live.close_sealed"), NEW),
    Point("when the file is sealed", Strike("execute.live:Live.close_sealed", "after"), NEW),
    Point("before the proof is kept", Strike("execute.session:keep"), ANY),
    Point("before the proof gets its place", Strike("observe.keep:os.replace", saying="looked"), ANY),
    Point("when the proof is kept", Strike("execute.session:keep", "after"), ANY),
)
MIGRATED = ("migrated",)
_STATEMENT, _SHAPE = "execute.runners.migrate:_carry_out", "execute.single:verify_shape"
MIGRATION = (
    Point("before a table is altered", Strike("execute.single:_migrate"), MIGRATED),
    Point("between two statements that alter", Strike(_STATEMENT, "after"), MIGRATED),
    Point("when rows are laid aside", Strike(_STATEMENT, "after", 4), MIGRATED),
    Point("when the old tables are gone", Strike(_STATEMENT, "after", 6), MIGRATED),
    Point("between two tables that are filled again", Strike(_STATEMENT, "after", 12), MIGRATED),
    Point("before an altered table is looked at again", Strike(_SHAPE), MIGRATED),
    Point("when a table that was made anew is as declared", Strike(_SHAPE, "after", 2), MIGRATED),
    Point("when an altered table is trusted, before the commit", Strike(_GRANT, "after"), MIGRATED),
    Point("the same, of one made anew", Strike(_GRANT, "after", 2), MIGRATED),
    Point("when an alteration is committed", Strike("execute.transaction:read_back"), MIGRATED),
    Point("when tables made anew are committed", Strike("execute.transaction:read_back", nth=2), MIGRATED),
    Point("between an altered table and its readers", Strike("execute.walk:Walk.finished", "after", 2), MIGRATED),
)
PYTHON = (
    Point("before a python step's child", Strike("execute.single:run_python"), FRESH),
    Point("in the child, before the effect", Strike(_MARK, "after", inside=PYTHON_WORKER), FRESH),
    Point("in the child, before the commit", Strike(_GRANT, "after", inside=PYTHON_WORKER), FRESH),
    Point("in the child, after the commit", Strike("execute.transaction:read_back", inside=PYTHON_WORKER), FRESH),
    Point(
        "in the child, before it tells",
        Strike("execute.inside:Inside.tell", saying="done", inside=PYTHON_WORKER),
        FRESH,
    ),
    Point(
        "the child alone, before the commit", Strike(_GRANT, "after", inside=PYTHON_WORKER, spares_parent=True), FRESH
    ),
    Point(
        "the child alone, after the commit",
        Strike("execute.inside:Inside.tell", saying="done", inside=PYTHON_WORKER, spares_parent=True),
        FRESH,
    ),
    Point("when the child has told", Strike("execute.single:run_python", "after"), FRESH),
)
RESTARTS = (
    Point("before a restart withdraws", Strike("execute.restart:withdraw_run"), ("died",), RESTART),
    Point("in a restart, before its commit", Strike("execute.restart:withdraw", "after"), ("died",), RESTART),
    Point("when a restart has withdrawn", Strike("execute.restart:withdraw_run", "after"), ("died",), RESTART),
    Point("between a restart and its run_begun", Strike(_WRITE), ("died",), RESTART),
    Point("when a restart has begun", Strike(_SYNC, "after"), ("died",), RESTART),
    Point("when a restart has made again", Strike("execute.walk:Walk.finished", "after"), ("died",), RESTART),
)
# An apply with dbt takes seconds. These are tried in every default run ...
DEAR = (
    Point("in the worker, after a node", Strike("execute.dbt_nodes:Nodes.finish", "after", 4, inside=DBT_WORKER), DBT),
    Point(
        "the worker alone, after a node",
        Strike("execute.dbt_nodes:Nodes.finish", "after", 4, inside=DBT_WORKER, spares_parent=True),
        DBT,
    ),
    Point("in the middle of accepting", Strike("execute.aside:_let_go", "after", 2), DBT),
)
# ... and these in the campaign alone.
DEARER = (
    Point("in the middle of putting aside", Strike("execute.aside:withdraw", "after", 3), DBT),
    Point("between accepting and unit_ended", Strike(_WRITE, saying="unit_ended"), DBT),
    Point("before dbt's graph is kept", Strike("observe.dbt.cache:write_whole"), DBT),
    Point("before tables are put aside for dbt", Strike("execute.dbt_units:put_aside", nth=2), DBT),
    Point("when tables are put aside", Strike("execute.dbt_units:put_aside", "after", 2), DBT),
    Point("before dbt is asked to run", Strike("execute.dbt_client:DbtWorker.run", nth=2), DBT),
    Point("in the worker, before it invokes dbt", Strike("execute.dbt_choose:choose", nth=2, inside=DBT_WORKER), DBT),
    Point(
        "in the worker, when all nodes are done",
        Strike("execute.inside:Inside.tell", nth=3, saying="'done'", inside=DBT_WORKER),
        DBT,
    ),
    Point(
        "the worker alone, when all nodes are done",
        Strike("execute.inside:Inside.tell", nth=3, saying="'done'", inside=DBT_WORKER, spares_parent=True),
        DBT,
    ),
    Point(
        "the worker alone, before any node",
        Strike("execute.dbt_choose:choose", inside=DBT_WORKER, spares_parent=True),
        DBT,
    ),
    Point("after dbt, before its nodes are accepted", Strike("execute.dbt_settle:accept", nth=2), DBT),
    Point("when nodes are accepted, before it is read back", Strike("execute.aside:are_on_record", nth=2), DBT),
    Point("in keeping what dbt parsed", Strike("execute.dbt_parse:os.replace"), DBT),
)
POINTS = (*LOCK, *CREATION, *JOURNAL, *RECOVERY, *RUN, *MIGRATION, *PYTHON, *RESTARTS, *DEAR, *DEARER)

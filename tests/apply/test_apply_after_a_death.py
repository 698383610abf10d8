"""After a death: what apply says that it found, and a restart that is killed itself, at every point of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import Project, ran, shop

from provisioner import Event
from provisioner.execute import journal, restart, single, stamps
from provisioner.execute.events import Noted, RunFinished, RunStarted, UnitFinished, UnitStarted
from provisioner.execute.journal import Journal

Killer = Callable[[Event], None]
# A call that is never made: what it is of, its name, and the how manieth; or an event that nobody else hears.
Place = tuple[object, str, int] | Killer


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def apply_in_a_fork(project: Project, patch: Callable[[], object] = lambda: None, **wishes: Any) -> bool:
    """Apply in a process of its own, where `patch` was called before; whether it was killed. Fails when it failed."""
    child = os.fork()
    if child == 0:
        try:
            patch()
            project.apply(**wishes)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def at(kind: type, unit: str = "") -> Killer:
    """Dies at the event of this kind, and of this unit where one is named."""

    def listen(event: Event) -> None:
        if isinstance(event, kind) and getattr(event, "unit", "").endswith(unit):
            die()

    return listen


def dies_at(place: Place, project: Project, **wishes: Any) -> bool:
    """Whether an apply came to that place."""
    if isinstance(place, tuple):
        return apply_in_a_fork(project, lambda: die_at_call(*place), **wishes)
    return apply_in_a_fork(project, on_event=place, **wishes)


def die_at_call(where: object, name: str, number: int) -> None:
    real, calls = getattr(where, name), [0]

    def call(*words: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == number:
            die()
        return real(*words, **more)

    setattr(where, name, call)


def notes(project: Project, **wishes: Any) -> list[str]:
    """What apply notes on its way."""
    heard: list[Event] = []
    project.apply(on_event=heard.append, **wishes)
    return [event.text for event in heard if isinstance(event, Noted)]


def without_run(text: str) -> str:
    return " ".join(word for word in text.split() if not word.startswith("20"))


# Where the run dies, and what is said of it. Events are heard before the journal has them.
DEATHS: dict[str, tuple[Place, str]] = {
    "before it is on record": (at(RunStarted), ""),
    "before its first unit": (at(UnitStarted), "before its first unit, 0 of 5 done: going on with all 5"),
    "in a unit": ((single, "_make", 2), "in the middle of doubled, 2 of 5 done: going on with the other 3"),
    "between two units": (at(UnitStarted, "doubled"), "between two units, 2 of 5 done: going on with the other 3"),
    "between stamp and journal": (
        at(UnitFinished, "doubled"), "in the middle of doubled, 3 of 5 done: going on with the other 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("death", DEATHS)
def test_apply_says_in_one_line_where_a_run_ended_and_what_is_left_of_it(tmp_path: Path, death: str) -> None:
    place, said = DEATHS[death]
    project = shop(tmp_path)
    assert dies_at(place, project)
    assert [without_run(text) for text in notes(project)] == ([f"run ended {said}"] if said else [])
    assert notes(project) == []


def test_a_run_that_died_after_its_last_unit_is_not_worth_a_word(tmp_path: Path) -> None:
    project = shop(tmp_path)
    assert apply_in_a_fork(project, on_event=at(RunFinished))
    project.sql("DROP VIEW shown")
    assert notes(project) == []


def test_what_a_target_leaves_out_is_not_said_to_be_gone_on_with(tmp_path: Path) -> None:
    project = shop(tmp_path)
    assert apply_in_a_fork(project, on_event=at(UnitStarted, "doubled"))
    assert notes(project, target=["doubled"])[0].endswith("2 of 5 done: going on with 1 of the other 3")


def test_a_run_that_failed_and_ended_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("doubled.sql", "SELECT nothing FROM sales")
    project.refused()
    project.write("doubled.sql", "SELECT id, v::HUGEINT * 2 AS v FROM sales")
    assert notes(project) == []


def test_a_journal_that_says_too_little_or_too_much_changes_no_plan(tmp_path: Path) -> None:
    """What is done is asked of the stamps: here the journal never heard of the end of a run that was done."""
    project = shop(tmp_path)
    assert apply_in_a_fork(project, on_event=at(UnitStarted, "counts"))
    path = project.folder / "shop.duckdb.journal"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert notes(project)[0].endswith("done: going on with the other one")


POINTS: dict[str, Place] = {
    "before trust is taken back": (restart, "withdraw_run", 1),
    "while trust is taken back": (restart, "withdraw", 2),
    "before that is committed": (stamps, "now", 3),
    "with trust taken back, before the run is on record": (Journal, "_open", 1),
    "in the first line of the journal": (journal, "seal", 1),
    "in its first unit": at(UnitStarted, "sales"),
    "between stamp and journal": at(UnitFinished, "sales"),
    "after its last unit": at(UnitFinished, "counts"),
    "at its end": at(RunFinished),
}


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The shop after a run that died in its last unit; its tables carry a row that no other run would make."""
    project = shop(tmp_path_factory.mktemp("unfinished"))
    assert apply_in_a_fork(project, on_event=at(UnitFinished, "shown"))
    project.sql("INSERT INTO sales VALUES (4, 40)", "INSERT INTO notes (id) VALUES (1)")
    return project


@pytest.mark.parametrize("again", [False, True], ids=["then plain", "then --restart"])
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_restart_ends_as_an_undisturbed_one(
    tmp_path: Path, unfinished: Project, point: str, again: bool
) -> None:
    project = copy_of(unfinished, tmp_path)
    assert dies_at(POINTS[point], project, restart=True)
    if not again and point in TOO_EARLY:
        assert set(ran(project.apply())) == {"counts"}, "the wish died with its process, and nothing was changed"
        return
    project.apply(restart=again)
    assert project.rows("SELECT count(*) FROM sales") == [(3,)], "made again"
    assert project.rows("SELECT total FROM summed") == [(50,)]
    assert project.rows("SELECT id FROM notes") == [(1,)], "the users' rows stay"
    assert project.plan().converged


TOO_EARLY = ("before trust is taken back", "while trust is taken back", "before that is committed")


def copy_of(project: Project, folder: Path) -> Project:
    shutil.copytree(project.folder, folder, dirs_exist_ok=True)
    return Project(folder, dict(project.manifest))


def test_a_restart_makes_again_what_the_dead_run_made_and_says_so(tmp_path: Path, unfinished: Project) -> None:
    project = copy_of(unfinished, tmp_path)
    heard: list[Event] = []
    run = project.apply(restart=True, on_event=heard.append)
    assert set(ran(run)) == {"sales", "doubled", "shown", "counts"}
    (said,) = [without_run(event.text) for event in heard if isinstance(event, Noted)]
    assert said == "restarting run which ended in the middle of shown: 3 tables of it to make again"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "is not there, and nobody else knows what run"),
        (lambda path: path.write_text("a poem\n"), "is not a journal of provision, and nobody else knows"),
        (lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), "nobody else knows what the last run made"),
        (
            lambda path: path.write_bytes(path.read_bytes()[:600] + b"#" + path.read_bytes()[601:]),
            "is damaged at byte",
        ),
    ],
    ids=["deleted", "foreign", "its first byte changed", "damaged"],
)
def test_without_a_sound_journal_a_restart_makes_nothing_again_and_says_why(
    tmp_path: Path, unfinished: Project, damage: Callable[[Path], object], said: str
) -> None:
    project = copy_of(unfinished, tmp_path)
    damage(project.folder / "shop.duckdb.journal")
    heard: list[Event] = []
    run = project.apply(restart=True, on_event=heard.append)
    assert set(ran(run)) == {"counts"}, "it goes on from what is done, and no done unit runs again"
    first = next(event for event in heard if isinstance(event, Noted))
    assert first.warning and first.text.startswith("nothing is restarted: ") and said in first.text
    assert "name them with --rebuild" in first.text


def test_a_journal_older_than_the_database_restarts_nothing(tmp_path: Path) -> None:
    project = shop(tmp_path)
    assert apply_in_a_fork(project, on_event=at(UnitStarted, "doubled"))
    path = project.folder / "shop.duckdb.journal"
    old = path.read_bytes()
    project.apply()
    path.write_bytes(old)
    assert "does not know run" in notes(project, restart=True)[0]
    assert project.apply(restart=True).id == ""

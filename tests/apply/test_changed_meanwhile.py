"""A file that changes while an apply is under way: what was made of it is not trusted as made of the old one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project, make, planned

from provisioner import Event
from provisioner.execute.events import RunStarted

CODE = "def build(connection, context):\n    connection.execute(\"CREATE TABLE py AS FROM 'in.csv'\")\n"
FILES = {"rows.csv": "id\n1\n", "in.csv": "id\n1\n", "q.sql": "SELECT 1 AS id\n", "work.py": CODE}
STEPS = {
    "rows": {"load": "rows*.csv"},
    "q": {"sql": "q.sql", "inputs": ["in.csv"]},
    "py": {"python": "work:build", "inputs": ["in.csv"]},
}
TABLES = {name: {"tier": "one", "step": name} for name in STEPS}


def project_of(folder: Path, **files: str) -> Project:
    return make(folder, STEPS, TABLES, FILES | files)


def at_start(act: Callable[[], object]) -> Callable[[Event], None]:
    """What does this when the plan is made and nothing is done yet."""

    def listen(event: Event) -> None:
        if isinstance(event, RunStarted):
            act()

    return listen


@pytest.mark.parametrize(
    ("name", "text", "told", "due"),
    [
        ("q.sql", "SELECT 2 AS id\n", "q.sql", {"q"}),
        ("work.py", CODE + "\n", "work:build", {"py"}),
        ("rows.csv", "id\n2\n", "rows*.csv:rows.csv", {"rows"}),
        ("rows2.csv", "id\n2\n", "rows*.csv:rows2.csv", {"rows"}),
        ("in.csv", "id\n2\n", "in.csv", {"py", "q"}),
    ],
)
def test_what_changed_before_its_unit_began_is_refused(
    tmp_path: Path, name: str, text: str, told: str, due: set[str]
) -> None:
    project = project_of(tmp_path)
    error = project.refused(on_event=at_start(lambda: project.write(name, text)))
    assert f"{told} changed before" in error.message
    assert set(planned(project.plan())) == due
    project.apply()
    assert project.plan().converged


def test_an_edit_that_is_taken_back_before_its_unit_begins_is_none(tmp_path: Path) -> None:
    project = project_of(tmp_path)

    def edit_and_take_back() -> None:
        for text in ("SELECT 2 AS id\n", FILES["q.sql"]):
            project.write("q.sql", text)

    project.apply(on_event=at_start(edit_and_take_back))
    assert project.rows("FROM q") == [(1,)] and project.plan().converged


WHILE = {
    "a script that writes what it reads": (
        "q", {"q.sql": "COPY (SELECT 7 AS id) TO 'HERE/in.csv';\nCREATE TABLE q AS FROM 'in.csv'\n"},
    ),
    "code that edits its module": ("py", {"work.py": CODE + "    open('work.py', 'a').write('#')\n"}),
    "code that writes its input, and puts it back": (
        "py",
        {"work.py": CODE + "    for text in ('id\\n9\\n', 'id\\n1\\n'):\n        open('in.csv', 'w').write(text)\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WHILE)
def test_what_changes_while_its_unit_is_made_is_rolled_back(tmp_path: Path, case: str) -> None:
    unit, files = WHILE[case]
    project = project_of(tmp_path, **{name: text.replace("HERE", str(tmp_path)) for name, text in files.items()})
    error = project.refused(target=[unit])
    assert "changed while" in error.message and "the tables are what they were before" in str(error)
    assert project.rows(f"SELECT count(*) FROM duckdb_tables() WHERE table_name = '{unit}'") == [(0,)]
    assert unit in planned(project.plan())

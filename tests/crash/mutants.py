"""Our own protocol, broken on purpose: each time in one place, with the tests that must find it out."""

from __future__ import annotations

from dataclasses import dataclass

_FAILPOINT = "crash/test_failpoints.py::test_after_a_kill_the_same_command_ends_as_if_nobody_had_disturbed_it"
_POWER = "crash/test_power_failure.py"
_PROTOCOL = "crash/test_protocol.py"
_ASIDE = "aside/test_putting_aside.py"
_CHANGED = "apply/test_changed_meanwhile.py"
_LOCK = "lock/test_lock_exclusion.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """name: what is broken. file: below provisioner/. old: a text that it has once; new: what takes its place.

    caught_by: tests, as pytest takes them, below tests/; one of them must fail.
    """

    name: str
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def _killed(*points: str) -> tuple[str, ...]:
    return tuple(f"{_FAILPOINT}[{point}]" for point in points)


_COMMIT = '        connection.execute("COMMIT")\n        connection.execute("BEGIN TRANSACTION")\n'

MUTANTS = (
    Mutant(
        "stamp granted before the effect, and committed by itself",
        "execute/transaction.py",
        "        begun = _transaction_id(connection)\n        shape = effect()\n",
        f"        grant(connection, stamps)\n{_COMMIT}"
        "        begun = _transaction_id(connection)\n        shape = effect()\n",
        _killed("in the middle of a script"),
    ),
    Mutant(
        "effect committed before it is verified",
        "execute/transaction.py",
        'provision commits what was verified.",\n            )\n',
        f'provision commits what was verified.",\n            )\n{_COMMIT}',
        _killed("after the effect, before it is verified"),
    ),
    Mutant(
        "no mark before the effect",
        "execute/transaction.py",
        "        withdraw(connection, marks_of(connection, unit, stamps))\n",
        "",
        (f"{_PROTOCOL}::test_what_commits_by_itself_and_dies_is_interrupted_and_never_adopted",),
    ),
    Mutant(
        "no read-back after COMMIT",
        "execute/transaction.py",
        "    if not are_on_record(connection, stamps):",
        "    if False:",
        (f"{_PROTOCOL}::test_a_commit_that_did_not_hold_is_found_out",),
    ),
    Mutant(
        "no read-back behind a child",
        "execute/aside.py",
        "    if not are_on_record(connection, [stamp for made in things for stamp in made.stamps]):",
        "    if False:",
        (f"{_PROTOCOL}::test_a_commit_that_did_not_hold_is_found_out_behind_a_child_too",),
    ),
    Mutant(
        "no ROLLBACK after an error",
        "execute/transaction.py",
        '            connection.execute("ROLLBACK")',
        "            pass",
        (f"{_ASIDE}::test_a_successor_that_is_not_as_wanted_gives_way_to_the_old_one",),
    ),
    Mutant(
        "no withdrawal before dbt",
        "execute/aside.py",
        "                withdraw(connection, [_keep(connection, unit, table, catalog, run, structures)])",
        "                _keep(connection, unit, table, catalog, run, structures)",
        (f"{_ASIDE}::test_after_a_death_the_old_table_is_back_and_its_unit_is_due",),
    ),
    Mutant(
        "put back without restoring",
        "execute/aside.py",
        "                    _restore(connection, replace(mark, structure=()) if mark.table in bare else mark)\n",
        "",
        (f"{_ASIDE}::test_a_successor_that_is_not_as_wanted_gives_way_to_the_old_one",),
    ),
    Mutant(
        "recovery not in one transaction",
        "execute/aside.py",
        "            with transaction(connection):\n                create_records(connection)",
        "            if True:\n                create_records(connection)",
        _killed("when a mark is taken away, before the new one"),
    ),
    Mutant(
        "recovery left out",
        "execute/aftermath.py",
        "        restored = recover(connection, catalog, ",
        "        restored = (lambda *_: ())(connection, catalog, ",
        ("crash/test_second_kills.py",),
    ),
    Mutant(
        "accepting in several transactions",
        "execute/aside.py",
        "    with transaction(connection), bounded:\n        rows = verify_all(connection, units)",
        "    with bounded:\n        rows = verify_all(connection, units)",
        (f"{_ASIDE}::test_of_several_that_are_accepted_together_all_are_or_none", _PROTOCOL),
    ),
    Mutant(
        "no look at the files after the effect",
        "execute/single.py",
        '        refuse_changes(watch.changed(), f"while {unit.id} was made")\n',
        "",
        (f"{_CHANGED}::test_what_changes_while_its_unit_is_made_is_rolled_back[a script that writes what it reads]",),
    ),
    Mutant(
        "no look at the files after a python step",
        "execute/python_worker.py",
        '        refuse_changes(work.watch.changed(), f"while {unit.id} was made")\n',
        "",
        (f"{_CHANGED}::test_what_changes_while_its_unit_is_made_is_rolled_back[code that edits its module]",),
    ),
    Mutant(
        "a link followed anew under the lock",
        "execute/locked.py",
        "        self._live = Live(database, ",
        "        self._live = Live(session.manifest.database, ",
        ("apply/test_apply_places.py::test_a_link_that_is_led_elsewhere_meanwhile_changes_nothing_for_the_run",),
    ),
    Mutant(
        "journal not synced",
        "execute/journal.py",
        "            _sync(self._file)",
        "            pass",
        (_POWER,),
    ),
    Mutant(
        "a torn line of the journal not cut off",
        "execute/journal.py",
        "            os.ftruncate(self._file, found.end)\n        self._chain",
        "            pass\n        self._chain",
        ("journal",),
    ),
    Mutant(
        "new database not synced before it gets its name",
        "observe/database.py",
        "        sync(new)\n",
        "",
        (_POWER,),
    ),
    Mutant(
        "new database's name not synced",
        "observe/database.py",
        "        os.replace(new, real)\n        sync(real.parent)\n",
        "        os.replace(new, real)\n",
        (_POWER, *_killed("when the folder is synced")),
    ),
    Mutant(
        "database made under its own name",
        "observe/database.py",
        '    new = real.with_name(f"{real.name}.creating")\n    try:\n        real.parent',
        "    new = real\n    try:\n        real.parent",
        ("crash/test_failpoints.py::test_a_new_database_has_another_name_until_it_is_whole",),
    ),
    Mutant(
        "lock taken late",
        "execute/lock.py",
        "        lock.acquire(timeout, on_wait, should_stop)\n        yield lock",
        "        yield lock\n        lock.acquire(timeout, on_wait, should_stop)",
        (_LOCK,),
    ),
    Mutant(
        "guard not inherited by children",
        "execute/child.py",
        "inherited = (events_end,) if guard_fd is None else (events_end, guard_fd)",
        "inherited = (events_end,)",
        ("dbt/test_child.py", "apply/test_apply_python_steps.py"),
    ),
    Mutant(
        "hard links not refused",
        "observe/database.py",
        "    if facts.st_nlink > 1:",
        "    if False:",
        ("observe/test_what_is_no_database.py::test_a_file_with_two_hard_links_is_refused",),
    ),
)

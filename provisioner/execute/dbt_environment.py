"""What the environment may say to dbt, and what it may not; and what dbt may leave in the system.

Each of dbt's options has variables that set it: DBT_EMPTY makes empty tables, DBT_DEFER reads another database. The
manifest decides what dbt does, and a stamp says nothing of them. So dbt's options do not see these; `env_var()` does.
Those for dbt's own developers, who record and replay what it does, it does not see at all.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

_FOR_DEVELOPERS = ("DBT_RECORDER_", "DBT_PP_", "DBT_MACRO_DEBUGGING")


def without_developers_own(variables: Mapping[str, str]) -> Mapping[str, str] | None:
    """The environment without what is for dbt's own developers; None where there is nothing to take out of it."""
    kept = {name: value for name, value in variables.items() if not name.startswith(_FOR_DEVELOPERS)}
    return None if len(kept) == len(variables) else kept


def close_to_environment(command: Any) -> None:
    """Let no option of dbt's command, or of those below it, read a variable. command: a command of click's."""
    for option in command.params:
        option.envvar = None
    for below in getattr(command, "commands", {}).values():
        close_to_environment(below)


def leave_no_semaphores() -> None:
    """To be called in the worker before dbt is imported.

    dbt's locks are semaphores with a name in /dev/shm, which outlive a process that is killed. Those of the way to
    start processes that dbt never uses lose their name as soon as they are made.
    """
    with suppress(ImportError, AttributeError, ValueError):
        import dbt.mp_context

        dbt.mp_context._MP_CONTEXT = multiprocessing.get_context("fork")  # type: ignore[assignment]

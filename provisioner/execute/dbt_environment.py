"""Inside the dbt worker: what the environment may say to dbt, and what it may not.

Each of dbt's options has variables that set it: DBT_EMPTY makes empty tables, DBT_DEFER reads another database. The
manifest decides what dbt does, and a stamp says nothing of them. So dbt's options do not see these; `env_var()` does.
"""

from __future__ import annotations

from typing import Any


def close_to_environment(command: Any) -> None:
    """Let no option of dbt's command, or of those below it, read a variable. command: a command of click's."""
    for option in command.params:
        option.envvar = None
    for below in getattr(command, "commands", {}).values():
        close_to_environment(below)

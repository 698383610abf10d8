"""A trap: this process kills itself with SIGKILL before or after a named function is called for the nth time.

Nothing of it is in provision: a function is wrapped in the process that is to die, and nowhere else. Only the standard
library is imported here, since a trap may be set before anything else is.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

VARIABLE = "CRASH_TRAP"

# target: "module:name", "module:Class.method" or "module:os.fsync", the last as that module sees it.
# moment: "before" or "after". nth: of the calls. saying: of the calls whose arguments' repr has it; "" for all.
# spares_parent: whether the process that started this one lives on. struck: a file that is made just before the end;
# where it is there already, the trap is sprung and does no more.
Trap = Mapping[str, Any]

# What is done just before the end; for tests of what a failure of power takes with it.
LAST_ACTS: list[Callable[[], None]] = []


def set_trap(trap: Trap) -> None:
    """Wrap the function. Raises AttributeError where there is none of that name."""
    module, _, path = trap["target"].partition(":")
    _set(importlib.import_module(module), path, trap)


def set_trap_when_imported(trap: Trap) -> None:
    """Wrap the function as soon as its module is imported. Raises then as `set_trap`."""
    sys.meta_path.insert(0, _Watcher(trap))


def _set(module: ModuleType, path: str, trap: Trap) -> None:
    owner: Any = module
    *outer, name = path.split(".")
    for part in outer:
        found = getattr(owner, part)
        if isinstance(found, ModuleType):
            # A module that this one imports: nobody else is to see it changed.
            found = _Seen(found)
            setattr(owner, part, found)
        owner = found
    setattr(owner, name, _wrapped(getattr(owner, name), trap))


class _Seen:
    """Another module, as one module sees it."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _wrapped(function: Callable[..., Any], trap: Trap) -> Callable[..., Any]:
    calls = 0

    @functools.wraps(function)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += trap["saying"] in repr((arguments, keywords)) if trap["saying"] else 1
        due = calls == trap["nth"]
        if due and trap["moment"] == "before":
            _strike(trap)
        answer = function(*arguments, **keywords)
        if due and trap["moment"] == "after":
            _strike(trap)
        return answer

    return wrapper


def _strike(trap: Trap) -> None:
    with suppress(FileExistsError):
        os.close(os.open(trap["struck"], os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        for act in LAST_ACTS:
            act()
        if not trap["spares_parent"]:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


class _Watcher(importlib.abc.MetaPathFinder):
    """Finds the module as Python does, and sets the trap in it when it is loaded."""

    def __init__(self, trap: Trap) -> None:
        self._trap = trap

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        module, _, within = self._trap["target"].partition(":")
        if name != module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def exec_module(loaded: ModuleType) -> None:
            load(loaded)
            _set(loaded, within, self._trap)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

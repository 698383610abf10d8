"""Where a python step's function lives, and which local files its result depends on. Nothing is imported."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from provisioner.declare.suggest import did_you_mean, nearest
from provisioner.errors import InputError
from provisioner.observe.files import read_bytes
from provisioner.observe.notes import Notes

_BLOCKS = (ast.If, ast.Try, ast.With)


@dataclass(frozen=True, slots=True)
class PythonSource:
    """files: the module's file and every file in the manifest's folder that it imports, directly or not; sorted."""

    module: str
    function: str
    path: Path
    files: tuple[Path, ...]


def locate_function(source: str, folder: Path, notes: Notes) -> PythonSource:
    """source: `module:function`, the module in folder or in an installed package.

    Raises InputError: python_source (not of that form), python_missing (no module), python_syntax, python_function.
    """
    module, _, function = source.partition(":")
    sound = function.isidentifier() and all(part.isidentifier() for part in module.split("."))
    if not sound or module.endswith(".py"):
        cure = "Write for example `python: hazards:build` for the function build in hazards.py."
        raise InputError(
            f"`{source}` does not name a python function: expected module:function.", code="python_source", cure=cure
        )
    path = _module_file(module, folder, notes) or _installed(module, notes)
    if path is None:
        expected = folder / Path(*module.split("."))
        raise InputError(
            f"The python module {module} of `{source}` is not there: expected {expected}.py, or an installed package.",
            code="python_missing",
            cure=f"Write {expected}.py, or install the package.",
        )
    _check_function(function, path, notes)
    return PythonSource(module, function, path, tuple(sorted(_closure(module, path, folder, notes))))


def _module_file(module: str, folder: Path, notes: Notes) -> Path | None:
    base = folder / Path(*module.split("."))
    return _first((base / "__init__.py", base.with_suffix(".py")), notes)


def _first(paths: Iterable[Path], notes: Notes) -> Path | None:
    """The first that is there, in the order in which Python looks; one that is not may come to be."""
    for path in paths:
        notes.saw(path)
        if os.path.isfile(path):
            return path
    return None


def _installed(module: str, notes: Notes) -> Path | None:
    """A package is walked by hand from its top-level folder, for finding a submodule would import its parents."""
    top, _, rest = module.partition(".")
    home = notes.package(top)
    if home is None:
        return _single_file(top, notes) if not rest else None
    return _module_file(rest, home, notes) if rest else _first((home / "__init__.py",), notes)


def _single_file(module: str, notes: Notes) -> Path | None:
    spec = PathFinder.find_spec(module)
    return _first((Path(spec.origin),), notes) if spec and spec.origin and spec.origin.endswith(".py") else None


def _check_function(function: str, path: Path, notes: Notes) -> None:
    names = _contents(path, notes)["names"]
    if function not in names:
        raise InputError(
            f"{path} has no function {function} at its top level.",
            code="python_function",
            cure=_cure(function, names),
        )


def _cure(function: str, names: list[str]) -> str:
    if nearest(function, names):
        return did_you_mean(function, names, "functions")
    return f"Write `def {function}(connection, context):` there."


def _contents(path: Path, notes: Notes) -> dict[str, Any]:
    """What is in a module, as JSON values. names: at its top level. imports: each level, module and names."""
    return dict(notes.fact(path, "module", _read_module))


def _read_module(path: Path) -> dict[str, Any]:
    tree = _parse(path)
    return {"names": list(_names(tree.body)), "imports": list(_imports(tree))}


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(read_bytes(path), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        words = getattr(error, "msg", None) or str(error)
        raise InputError(
            f"{path}:{line}: {words}", code="python_syntax", cure=f"Mend {path} at line {line}."
        ) from error


def _names(body: list[ast.stmt]) -> Iterator[str]:
    """Names bound at module level to what may be a function; branches of `if` and `try` included."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, _BLOCKS):
            yield from _names([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])
            yield from _names([child for clause in getattr(node, "handlers", ()) for child in clause.body])


def _closure(module: str, path: Path, folder: Path, notes: Notes) -> set[Path]:
    """Breadth first over what each file imports, as far as it lies in folder."""
    found, waiting = {path}, [(module, path)]
    while waiting:
        name, file = waiting.pop()
        for imported in _imported(name, file, notes):
            for parent in _with_parents(imported):
                target = _module_file(parent, folder, notes)
                if target is not None and target not in found:
                    found.add(target)
                    waiting.append((parent, target))
    return found


def _imports(tree: ast.Module) -> Iterator[tuple[int, str, list[str]]]:
    """`import a` as it would be without a level and with no names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]


def _imported(module: str, path: Path, notes: Notes) -> Iterator[str]:
    """Dotted names that may be modules: those imported, and of `from a import b` both a and a.b."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for level, source, names in _contents(path, notes)["imports"]:
        base = ".".join(filter(None, (_upward(package, level), source)))
        yield from filter(None, (base, *(f"{base}.{name}" if base else name for name in names)))


def _upward(package: str, level: int) -> str:
    """The package that a relative import starts from; level 0 is absolute."""
    if level == 0:
        return ""
    parts = package.split(".") if package else []
    return ".".join(parts[: len(parts) - level + 1])


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[: count + 1]) for count in range(len(parts)) if all(part.isidentifier() for part in parts))

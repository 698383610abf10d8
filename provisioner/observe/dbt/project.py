"""A dbt project's files, read without dbt: what dbt_project.yml says, and one key for all that parsing depends on."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from provisioner.declare.reading import read_chunks
from provisioner.declare.values import DbtProject
from provisioner.errors import InputError
from provisioner.observe.catalog_name import catalog_name
from provisioner.observe.digest import digest
from provisioner.observe.installation import installed_version
from provisioner.observe.notes import Notes

PROJECT_FILE = "dbt_project.yml"
_READ = (".sql", ".py", ".yml", ".yaml", ".md", ".jinja", ".jinja2", ".dbtignore")
_NAMED = (".csv",)
_PATHS = ("model", "seed", "snapshot", "macro", "analysis", "test", "docs", "function")
_SKIPPED = ("__pycache__", "node_modules")
_ASKS_FOR_PACKAGES = re.compile(rb"^packages:[ \t]*(?:#.*)?(?:\n[ \t]*(?:#.*)?)*\n[ \t]*-", re.M)
_ENV_VAR = re.compile(rb"""env_var\s*\(\s*['"]([^'"]+)['"]""")
_COMPUTES_ENV_VAR = re.compile(rb"""\benv_var\s*\((?!\s*(?:'[^'"]*'|"[^'"]*")\s*[,)]|\s*\))\s*(?:['"](\w*)['"])?""")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What dbt_project.yml says. profile: as written. vars: by name, and under a package's name those of that package.

    ignored: folders that dbt writes to, absolute. outside: source folders that lie outside the project, absolute.
    """

    name: str
    profile: str | None
    packages: Path
    vars: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[Path] = frozenset()
    outside: tuple[Path, ...] = ()


def read_project(project: DbtProject) -> ProjectFile:
    """What dbt_project.yml says. Raises InputError when the project is not there, not sound, or lacks its packages."""
    folder = project.project_dir
    said = read_yaml(folder / PROJECT_FILE, project)
    if not isinstance(said.get("name"), str):
        raise InputError(f"{folder / PROJECT_FILE} has no `name`.", cure="Add `name:` to it.", code="dbt_project")
    packages = folder / str(said.get("packages-install-path") or "dbt_packages")
    _check_packages(folder, packages)
    written = [folder / str(said.get("target-path") or "target"), folder / str(said.get("log-path") or "logs")]
    variables = said.get("vars")
    return ProjectFile(
        said["name"],
        said["profile"] if isinstance(said.get("profile"), str) else None,
        packages,
        variables if isinstance(variables, dict) else {},
        frozenset(map(_plain, written)),
        tuple(_outside(folder, said, packages)),
    )


def read_yaml(path: Path, project: DbtProject) -> dict[str, Any]:
    """A YAML file of dbt's that must hold a mapping. Raises InputError with the place."""
    try:
        text = b"".join(read_chunks(path)).decode()
        said = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        cure = "Set dbt.project_dir to the folder that holds dbt_project.yml."
        if path.name != PROJECT_FILE:
            cure = f"Write it, or take dbt.profiles_dir out of the manifest ({project.place})."
        raise InputError(f"{project.place}: there is no {path}.", cure=cure, code="dbt_project") from None
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as problem:
        fact = f"{path} cannot be read: {_one_line(problem)}."
        raise InputError(fact, cure="Mend that file.", code="dbt_project") from problem
    if not isinstance(said, dict):
        raise InputError(f"{path} does not hold a mapping.", cure="Mend that file.", code="dbt_project")
    return said


def project_key(project: DbtProject, database: Path, variables: Mapping[str, str], notes: Notes) -> str:
    """One digest of all that dbt's graph of the project depends on, taken without importing dbt.

    Left out: what is in CSV files, for a seed's rows do not change the graph. Raises InputError.
    """
    said, total, names = read_project(project), hashlib.blake2b(digest_size=20), set[str]()
    files = sorted(_files(project, said, notes))
    for path in files:
        total.update(str(path).encode(errors="surrogateescape") + b"\0")
        if not path.name.endswith(_NAMED):
            content, named = notes.fact(path, "dbt", _look_into)
            names.update(named)
            total.update(content.encode())
    names |= _meant_by_computed(names, files, [project.vars, said.vars], notes)
    surroundings = {
        "vars": dict(project.vars),
        "target": project.target,
        "profiles": str(project.profiles_dir),
        "database": catalog_name(database),
        "env": {name: variables.get(name) for name in names},
        "versions": versions(),
    }
    total.update(digest(surroundings).encode())
    return total.hexdigest()


def _look_into(path: Path) -> tuple[str, list[str]]:
    """The digest of a file's content, and the environment variables that it names; `X*` for one named `'X' ~ y`."""
    body = _read(path)
    named = {name.decode(errors="replace") for name in _ENV_VAR.findall(body)}
    named |= {f"{name.decode(errors='replace')}*" for name in _COMPUTES_ENV_VAR.findall(body)}
    return hashlib.blake2b(body, digest_size=20).hexdigest(), sorted(named)


def _meant_by_computed(
    names: set[str], files: list[Path], variables: list[Mapping[str, Any]], notes: Notes
) -> set[str]:
    """The environment variables that a computed name may mean; most projects compute none."""
    beginnings = {name.removesuffix("*") for name in names if name.endswith("*")}
    if not beginnings:
        return set()
    from provisioner.observe.dbt.variables import candidates, values_in

    words = {word for path in files if not path.name.endswith(_NAMED) for word in notes.fact(path, "words", _words)}
    return candidates(beginnings, words | values_in(variables))


def _words(path: Path) -> list[str]:
    from provisioner.observe.dbt.variables import quoted_words

    return sorted(quoted_words(_read(path).decode(errors="replace")))


def versions() -> Mapping[str, str]:
    """The installed versions that shape what dbt makes of a project. Raises InputError."""
    found = {}
    for name in ("dbt-core", "dbt-duckdb"):
        version = installed_version(name)
        if version is None:
            fact = f"{name} is not installed, and the manifest has a dbt project."
            raise InputError(fact, cure="pip install dbt-core dbt-duckdb", code="dbt_missing")
        found[name] = version
    return found


def package_vars(said: ProjectFile) -> Mapping[str, Mapping[str, Any]]:
    """The vars that installed packages set for themselves, by package name."""
    found = {}
    for path in sorted(said.packages.glob(f"*/{PROJECT_FILE}")):
        try:
            body = yaml.load(_read(path), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except (ValueError, yaml.YAMLError, RecursionError):
            continue  # dbt will say so, with more to say about it
        if isinstance(body, dict) and isinstance(body.get("vars"), dict):
            found[str(body.get("name"))] = body["vars"]
    return found


def _check_packages(folder: Path, packages: Path) -> None:
    for name in ("packages.yml", "dependencies.yml"):
        if _ASKS_FOR_PACKAGES.search(_read(folder / name)) and not packages.is_dir():
            fact = f"{folder / name} asks for packages, and {packages} is not there."
            raise InputError(fact, cure=f"dbt deps --project-dir {folder}", code="dbt_packages")


def _outside(folder: Path, said: Mapping[str, Any], packages: Path) -> Iterator[Path]:
    if not _plain(packages).is_relative_to(_plain(folder)):
        yield _plain(packages)
    for kind in _PATHS:
        named = said.get(f"{kind}-paths")
        for name in named if isinstance(named, list) else ():
            path = _plain(folder / str(name))
            if not path.is_relative_to(_plain(folder)):
                yield path


def _files(project: DbtProject, said: ProjectFile, notes: Notes) -> Iterator[Path]:
    seen: set[str] = set()
    for root in (project.project_dir, *said.outside):
        yield from walk(root, said.ignored, seen, notes)
    if project.profiles_dir is not None:
        yield project.profiles_dir / "profiles.yml"


def walk(root: Path, ignored: frozenset[Path], seen: set[str], notes: Notes) -> Iterator[Path]:
    """Links are followed, since local packages are links; a folder that was seen is not entered again."""
    notes.saw(root)  # it may not be there yet
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        notes.saw(Path(folder))
        folders[:] = sorted(
            name for name in folders
            if not name.startswith(".") and name not in _SKIPPED and _plain(Path(folder, name)) not in ignored
        )  # fmt: skip
        yield from (Path(folder, name) for name in files if name.endswith(_READ + _NAMED) and name != ".user.yml")


def _read(path: Path) -> bytes:
    try:
        return b"".join(read_chunks(path))
    except OSError:
        return b""  # gone or not for us: dbt will say so when it matters


def _plain(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())

"""The profile that dbt runs with: the project's own, pointed at the manifest's database; or the user's, checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from provisioner.declare.values import DbtProject
from provisioner.errors import DbtError, InputError
from provisioner.observe.catalog_name import catalog_name
from provisioner.observe.dbt.profile_output import Target
from provisioner.observe.dbt.project import PROJECT_FILE, read_project, read_yaml

PROFILES_FILE = "profiles.yml"


@dataclass(frozen=True, slots=True)
class Profile:
    """What dbt is to be told. folder: of the profiles.yml. target: the one of its targets that is for the database."""

    folder: Path
    target: str


def write_profile(project: DbtProject, database: Path, private: Path, variables: Mapping[str, str]) -> Profile:
    """The profile to use: in `private`, where one is written for this database; or the user's in profiles_dir.

    The one written has the chosen target alone: the others may be for other databases, and dbt is not to find them.
    Settings other than the path are kept as written, Jinja too. Raises InputError when they are not sound, and
    DbtError `profile_mismatch` when the user's profile is for another database.
    """
    name = _profile_name(project, variables)
    if project.profiles_dir is not None:
        folder = project.profiles_dir
        profile = _find_profile(read_yaml(folder / PROFILES_FILE, project), name, folder)
        target, output = _find_target(profile, name, project, variables)
        _check_path(project, output, database, variables)
        return Profile(folder, target)
    profile = _own_profile(project, name)
    target, output = _find_target(profile, name, project, variables)
    _check_duckdb(output, name, project, variables)
    # dbt derives the database's name from the path and refuses any other; DuckDB, from the file that a link leads to.
    output.pop("database", None)
    output["path"] = os.path.realpath(database)
    _write(private, {name: {"target": target, "outputs": {target: output}}})
    return Profile(private, target)


def read_target(project: DbtProject, variables: Mapping[str, str]) -> Target:
    """The target that dbt will run with, Jinja filled in where that can be done. Raises InputError."""
    name, folder = _profile_name(project, variables), project.profiles_dir
    if folder is None:
        profile = _own_profile(project, name)
    else:
        profile = _find_profile(read_yaml(folder / PROFILES_FILE, project), name, folder)
    target, output = _find_target(profile, name, project, variables)
    return Target(target, {key: _filled_in(value, project, variables) for key, value in output.items()})


def _filled_in(value: Any, project: DbtProject, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled_in(one, project, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled_in(one, project, variables) for one in value]
    with suppress(InputError):
        return _render(value, project, variables) if isinstance(value, str) else value
    return value


def _profile_name(project: DbtProject, variables: Mapping[str, str]) -> str:
    said = read_project(project).profile
    if said is None:
        where = project.project_dir / PROJECT_FILE
        raise InputError(f"{where} names no profile.", cure="Add `profile:` with a name to it.", code="dbt_profile")
    return _render(said, project, variables)


def _own_profile(project: DbtProject, name: str) -> dict[str, Any]:
    if not os.path.exists(project.project_dir / PROFILES_FILE):
        target = project.target or "dev"
        return {"target": target, "outputs": {target: {"type": "duckdb"}}}
    return _find_profile(read_yaml(project.project_dir / PROFILES_FILE, project), name, project.project_dir)


def _find_profile(profiles: Mapping[str, Any], name: str, folder: Path) -> dict[str, Any]:
    profile = profiles.get(name)
    if isinstance(profile, dict) and isinstance(profile.get("outputs"), dict):
        return profile
    cure = f"Add `{name}:` with `outputs:` to it, or set `profile:` in {PROJECT_FILE}."
    raise InputError(f"{folder / PROFILES_FILE} has no profile {name!r}.", cure=cure, code="dbt_profile")


def _find_target(
    profile: Mapping[str, Any], name: str, project: DbtProject, variables: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    target = project.target or _render(str(profile.get("target", "default")), project, variables)
    output = profile["outputs"].get(target)
    if isinstance(output, dict):
        return target, output
    known = ", ".join(sorted(map(str, profile["outputs"]))) or "none"
    fact = f"{project.place}: the dbt profile {name!r} has no target {target!r}; it has {known}."
    raise InputError(fact, cure="Set dbt.target in the manifest, or add the target to the profile.", code="dbt_profile")


def _check_duckdb(output: Mapping[str, Any], name: str, project: DbtProject, variables: Mapping[str, str]) -> None:
    kind = _render(str(output.get("type", "nothing")), project, variables)
    if kind != "duckdb":
        fact = f"{project.place}: the dbt profile {name!r} is for {kind}, expected `type: duckdb`."
        raise DbtError(fact, cure="Set dbt.target to a target of type duckdb.", code="dbt_adapter")


def _check_path(project: DbtProject, output: Mapping[str, Any], database: Path, variables: Mapping[str, str]) -> None:
    _check_duckdb(output, read_project(project).profile or "", project, variables)
    path = _render(str(output.get("path", ":memory:")), project, variables)
    # dbt runs in the project's folder, and DuckDB takes a relative path from there.
    meant = project.project_dir / os.path.expanduser(path) if path != ":memory:" else Path(path)
    if os.path.realpath(meant) != os.path.realpath(database):
        fact = f"{project.place}: the dbt profile in {project.profiles_dir} is for {meant}, not for {database}."
        cure = "Make `path` of the profile and `database` of the manifest the same, or take dbt.profiles_dir out."
        raise DbtError(fact, cure=cure, code="profile_mismatch")
    if catalog_name(meant) != Path(path).name.lstrip(".").split(".")[0]:
        fact = (
            f"{project.place}: the dbt profile in {project.profiles_dir} names {path}, a link to"
            f" {os.path.realpath(meant)}: dbt would call the database by the one name, DuckDB by the other."
        )
        cure = f"Let `path` of the profile be {os.path.realpath(meant)}, or take dbt.profiles_dir out."
        raise DbtError(fact, cure=cure, code="profile_mismatch")


def _render(text: str, project: DbtProject, variables: Mapping[str, str]) -> str:
    """Text of a profile as dbt sees it: Jinja with env_var and var."""
    if "{{" not in text and "{%" not in text:
        return text
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    jinja = SandboxedEnvironment(undefined=StrictUndefined)
    jinja.filters.update(dict.fromkeys(("as_text", "as_native", "as_bool", "as_number"), lambda value: value))

    def look_up(values: Mapping[str, Any], kind: str, name: str, default: Any = None) -> Any:
        if (value := values.get(name, default)) is None:
            raise TemplateError(f"{kind} {name!r} is not set")
        return value

    jinja.globals["env_var"] = lambda name, default=None: look_up(variables, "the environment variable", name, default)
    jinja.globals["var"] = lambda name, default=None: look_up(project.vars, "the var", name, default)
    try:
        return str(jinja.from_string(text).render())
    except Exception as problem:  # whatever a template may do: call, divide, index
        cure = "Set it, or give it a default in the profile."
        fact = f"{project.place}: {text!r} of the dbt profile cannot be filled in: {problem}."
        raise InputError(fact, cure=cure, code="dbt_profile") from problem


def _write(private: Path, profiles: Mapping[str, Any]) -> None:
    """Only the owner may read it: profiles hold secrets."""
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    private.chmod(0o700)
    path = private / PROFILES_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        yaml.safe_dump(dict(profiles), file, allow_unicode=True, sort_keys=False)

"""What an application calls: load_manifest, plan, apply, ensure. The command line walks the same path."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from provisioner.declare.load import load_manifest as _load
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.values import HazardKind, Manifest, TableName
from provisioner.errors import UsageError
from provisioner.execute.events import Event, Listener
from provisioner.execute.interrupt import Stop
from provisioner.execute.run import Terms
from provisioner.execute.run import apply as _apply
from provisioner.execute.session import Session, Surroundings
from provisioner.execute.values import Run
from provisioner.reconcile.values import Plan, Request


def load_manifest(path: str | Path, *, env: str | None = None, variables: Mapping[str, str] | None = None) -> Manifest:
    """The manifest in a file, checked.

    env: the environment to overlay, default PROVISION_ENV. variables: for `${NAME}`, default the process environment.
    Raises ManifestError with everything that is wrong with it, UsageError when there is no such file or environment.
    """
    variables = os.environ if variables is None else variables
    return _load(Path(path), environment=env or variables.get("PROVISION_ENV") or None, variables=variables)


def plan(
    manifest: str | Path | Manifest,
    *,
    target: Iterable[str] = (),
    rebuild: Iterable[str] = (),
    prune: bool = False,
    env: str | None = None,
    cache: bool = True,
    on_event: Listener | None = None,
) -> Plan:
    """What is missing, stale or wrong in the live database, and the fewest actions that mend it. Changes nothing.

    target: tables, steps or tiers to look at alone. rebuild: tables to make again although they are trusted.
    prune: drop what nothing declares any more.
    Raises ProvisionError; BusyError when another process has the database to itself.
    """
    declared = manifest if isinstance(manifest, Manifest) else load_manifest(manifest, env=env)
    with Session(declared, surroundings(cache), on_event or _ignore) as session:
        return session.observe(make_request(declared, target, rebuild, prune)).plan


def apply(
    manifest: str | Path | Manifest,
    *,
    target: Iterable[str] = (),
    rebuild: Iterable[str] = (),
    prune: bool = False,
    allow: Iterable[str] = (),
    restart: bool = False,
    fail_fast: bool = False,
    timeout: float | None = 300.0,
    env: str | None = None,
    cache: bool = True,
    on_event: Listener | None = None,
    stop: Stop | None = None,
) -> Run:
    """Make the database what the manifest says, under the lock.

    allow: kinds of hazards that may be carried out. timeout: seconds to wait for the lock, None waits for ever.
    Raises what went wrong, after everything that could be done is done.
    """
    declared = manifest if isinstance(manifest, Manifest) else load_manifest(manifest, env=env)
    terms = Terms(
        make_request(declared, target, rebuild, prune),
        frozenset(map(_hazard_kind, allow)),
        fail_fast=fail_fast,
        restart=restart,
        lock_timeout=timeout,
        command="provisioner.apply",
    )
    with Session(declared, surroundings(cache), on_event or _ignore, stop) as session:
        run = _apply(session, terms)
    if run.error is not None:
        raise run.error
    return run


def ensure(
    manifest: str | Path | Manifest,
    *,
    on_event: Listener | None = None,
    timeout: float | None = 300.0,
    env: str | None = None,
    stop: Stop | None = None,
) -> Run:
    """See to it that every table of the manifest is there and as declared; call it before you work with the database.

    timeout: seconds to wait for another process that is at it, None waits for ever. Returns what was missing and made;
    nothing is written when nothing is to do. Raises ProvisionError with the cure; close your own connections before.
    """
    return apply(manifest, on_event=on_event, timeout=timeout, env=env, stop=stop)


def make_request(manifest: Manifest, target: Iterable[str], rebuild: Iterable[str], prune: bool = False) -> Request:
    """From the names that a user gives. Raises UsageError for one that the manifest does not have."""
    targets = [table for name in target for table in _find_tables(manifest, name)]
    tables = frozenset(_find_rebuild(manifest, name) for name in rebuild)
    return Request(frozenset(targets) if targets else None, tables, prune)


def _find_tables(manifest: Manifest, name: str) -> list[TableName]:
    found = [table.name for table in manifest.tables if name in (table.step, table.tier)]
    found += [table.name for table in manifest.tables if table.name == _parsed(name)]
    if not found:
        known = [*map(str, (table.name for table in manifest.tables)), *(step.name for step in manifest.steps)]
        raise UsageError(
            f"{name} is neither a table nor a step nor a tier of {manifest.path.name}.",
            cure=did_you_mean(name, {*known, *manifest.tiers}, "names"),
        )
    return found


def _find_rebuild(manifest: Manifest, name: str) -> TableName:
    table = next((table for table in manifest.tables if table.name == _parsed(name)), None)
    if table is None:
        cure = did_you_mean(name, [str(table.name) for table in manifest.tables], "tables")
        raise UsageError(f"{name} is not a table of {manifest.path.name}.", cure=cure)
    if table.step is None:
        raise UsageError(
            f"{name} is a declared table: no step makes it, and its rows are its users'.",
            cure="Rebuild tables that a step makes; to empty this one, DELETE FROM it.",
        )
    return table.name


def _hazard_kind(name: str) -> HazardKind:
    try:
        return HazardKind(name)
    except ValueError:
        cure = did_you_mean(name, [str(kind) for kind in HazardKind], "kinds of hazards")
        raise UsageError(f"{name} is not a kind of hazard.", cure=cure) from None


def _parsed(name: str) -> TableName | None:
    try:
        return TableName.parse(name)
    except ValueError:
        return None


def surroundings(cache: bool = True) -> Surroundings:
    """From the process environment: its variables, and the user's cache folder (XDG_CACHE_HOME)."""
    home = os.path.expanduser("~")
    # A user without a home, as in many containers, keeps the cache among its temporary files.
    default = Path(home, ".cache") if os.path.isabs(home) else Path(tempfile.gettempdir(), f"cache-{os.getuid()}")
    base = Path(os.environ.get("XDG_CACHE_HOME") or default)
    return Surroundings(dict(os.environ), base / "provision", cache)


def _ignore(event: Event) -> None:
    """For callers who do not listen."""

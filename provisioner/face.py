"""What an application calls: load_manifest, plan, apply, ensure. The command line walks the same path."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

# What tells that a database is converged is imported here; everything else is slow to import, and may not be needed.
from provisioner.errors import UsageError
from provisioner.observe.proof import Proof, check_proof, kept_path, read_kept

if TYPE_CHECKING:
    from provisioner.declare.values import HazardKind, Manifest
    from provisioner.execute.events import Event, Listener
    from provisioner.execute.interrupt import Stop
    from provisioner.execute.session import Surroundings
    from provisioner.execute.values import Run
    from provisioner.reconcile.values import Plan


def load_manifest(path: str | Path, *, env: str | None = None, variables: Mapping[str, str] | None = None) -> Manifest:
    """The manifest in a file, checked.

    env: the environment to overlay, default PROVISION_ENV. variables: for `${NAME}`, default the process environment.
    Raises ManifestError with everything that is wrong with it, UsageError when there is no such file or environment.
    """
    from provisioner.declare.load import load_manifest as load

    variables = os.environ if variables is None else variables
    return load(Path(path), environment=_environment(env, variables), variables=variables)


def find_proof(manifest: str | Path | Manifest, *, env: str | None = None) -> Proof | None:
    """The proof, left by an earlier look, that the database is as declared; None when there is none or it is in doubt.

    It opens no database, and takes milliseconds. Raises nothing.
    """
    if isinstance(manifest, str | Path):
        path, environment, digest = Path(manifest), _environment(env, os.environ), None
    else:
        path, environment, digest = manifest.path, manifest.environment, manifest.digest
    try:
        kept = read_kept(kept_path(_cache_dir(), path, environment), path, environment)
    except OSError:  # the working directory is gone
        return None
    return check_proof(kept, os.environ, digest=digest)


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
    from provisioner.reconcile.values import Plan

    target, rebuild = tuple(target), tuple(rebuild)
    if cache and not target and not rebuild and find_proof(manifest, env=env):
        return Plan()
    from provisioner.execute.request import check_names
    from provisioner.execute.session import Session
    from provisioner.execute.turn import turn

    declared = _declared(manifest, env)
    with turn(declared.database, None), Session(declared, surroundings(cache), on_event or _ignore) as session:
        return session.observe(check_names(declared, target, rebuild, prune)).plan


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
    from provisioner.execute.events import Outcome
    from provisioner.execute.values import Run
    from provisioner.reconcile.values import Plan

    begun, allowed = time.monotonic(), frozenset(map(_hazard_kind, allow))
    target, rebuild = tuple(target), tuple(rebuild)
    if cache and not target and not rebuild and not restart and find_proof(manifest, env=env):
        return Run("", Plan(), Outcome.DONE, time.monotonic() - begun)
    from provisioner.execute.request import check_names
    from provisioner.execute.run import apply as carry_out
    from provisioner.execute.session import Session
    from provisioner.execute.terms import Terms
    from provisioner.execute.turn import turn

    declared = _declared(manifest, env)
    terms = Terms(
        check_names(declared, target, rebuild, prune),
        allowed,
        fail_fast=fail_fast,
        restart=restart,
        lock_timeout=timeout,
        command="provisioner.apply",
    )
    around = surroundings(cache)
    with turn(declared.database, timeout), Session(declared, around, on_event or _ignore, stop) as session:
        run = carry_out(session, terms)
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
    the database is not written to when nothing is to do; that takes milliseconds where an earlier look left its proof.
    Raises ProvisionError with the cure; close your own connections before.
    """
    return apply(manifest, on_event=on_event, timeout=timeout, env=env, stop=stop)


def _declared(manifest: str | Path | Manifest, env: str | None) -> Manifest:
    return load_manifest(manifest, env=env) if isinstance(manifest, str | Path) else manifest


def _environment(env: str | None, variables: Mapping[str, str]) -> str | None:
    return env or variables.get("PROVISION_ENV") or None


def _hazard_kind(name: str) -> HazardKind:
    from provisioner.declare.suggest import did_you_mean
    from provisioner.declare.values import HazardKind

    try:
        return HazardKind(name)
    except ValueError:
        cure = did_you_mean(name, [str(kind) for kind in HazardKind], "kinds of hazards")
        raise UsageError(f"{name} is not a kind of hazard.", cure=cure) from None


def surroundings(cache: bool = True) -> Surroundings:
    """From the process environment: its variables, and where the cache is kept."""
    from provisioner.execute.session import Surroundings

    return Surroundings(dict(os.environ), _cache_dir(), cache)


def _cache_dir() -> Path:
    """The user's cache folder (XDG_CACHE_HOME); without a home, as in many containers, among the temporary files."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # By the rules of XDG a relative one does not count.
    if not os.path.isabs(base) and os.path.isabs(home := os.path.expanduser("~")):
        base = os.path.join(home, ".cache")
    return Path(base, "provision") if os.path.isabs(base) else _temporary_cache()


def _temporary_cache() -> Path:
    """Where anybody may write, only a folder that is ours and closed to others is believed; else there is no cache."""
    import tempfile

    folder = Path(tempfile.gettempdir(), f"provision-cache-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077
    except OSError:
        ours = False
    return folder if ours else Path(os.devnull, "no cache")


def _ignore(event: Event) -> None:
    """For callers who do not listen."""

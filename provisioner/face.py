"""What an application calls: load_manifest, plan, apply, ensure. The command line walks the same path."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

# What tells that a database is converged is imported here; everything else is slow to import, and may not be needed.
from provisioner.errors import ProvisionError, UsageError
from provisioner.observe.own import is_own_folder
from provisioner.observe.proof import Proof, check_proof, kept_path, read_kept

if TYPE_CHECKING:
    from provisioner.declare.values import Allowance, Manifest
    from provisioner.execute.events import Event, Listener
    from provisioner.execute.interrupt import Stop
    from provisioner.execute.kept_plan import KeptPlan
    from provisioner.execute.request import Names
    from provisioner.execute.session import Surroundings
    from provisioner.execute.values import Run
    from provisioner.reconcile.values import Plan

_NO_CACHE = Path(os.devnull, "no cache")
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def _discreet(call: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Let no error out that tells a secret of the environment."""

    @wraps(call)
    def called(*given: _Given.args, **named: _Given.kwargs) -> _Result:
        try:
            return call(*given, **named)
        except ProvisionError as error:
            from provisioner.declare.redact import find_secrets, redact_error

            redact_error(error, find_secrets(os.environ))
            raise

    return called


@_discreet
def load_manifest(path: str | Path, *, env: str | None = None, variables: Mapping[str, str] | None = None) -> Manifest:
    """The manifest in a file, checked.

    env: the environment to overlay, default PROVISION_ENV. variables: for `${NAME}`, default the process environment.
    Raises ManifestError with everything that is wrong with it, UsageError when there is no such file or environment.
    """
    from provisioner.declare.load import load_manifest as load

    if not isinstance(path, str | Path):
        raise _no_manifest(path)
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


@_discreet
def plan(
    manifest: str | Path | Manifest,
    *,
    target: Iterable[str] = (),
    rebuild: Iterable[str] = (),
    prune: bool = False,
    rehearse: bool = False,
    out: str | Path | None = None,
    env: str | None = None,
    cache: bool = True,
    on_event: Listener | None = None,
    stop: Stop | None = None,
) -> Plan:
    """What is missing, stale or wrong in the live database, and the fewest actions that mend it. Changes nothing.

    target: tables, steps or tiers to look at alone. rebuild: tables to make again although they are trusted.
    prune: drop what nothing declares any more. rehearse: change declared tables with their rows in a transaction that
    is undone; `Plan.rehearsed` says how it went. It needs the lock, and room for what is written anew.
    out: a file to save the plan to, for `apply(plan=…)`; none is saved where the rehearsal failed.
    Raises ProvisionError; BusyError when another process has the database to itself.
    """
    from provisioner.reconcile.values import Plan

    _refuse_unusable(manifest)
    target, rebuild = tuple(target), tuple(rebuild)
    if cache and not target and not rebuild and out is None and find_proof(manifest, env=env):
        return Plan()
    from provisioner.execute.request import check_names
    from provisioner.execute.session import Session
    from provisioner.execute.turn import turn

    declared = _declared(manifest, env)
    with turn(declared.database, None), Session(declared, surroundings(cache), on_event or _ignore, stop) as session:
        names = check_names(declared, target, rebuild, prune)
        if rehearse:
            from provisioner.execute.rehearsal import observe_and_rehearse

            seen = observe_and_rehearse(session, names)
        else:
            seen = session.observe(names)
    if out is not None and not any(one.error for one in seen.plan.rehearsed):
        from provisioner.execute.kept_plan import save

        with session.stop.at_once():
            save(seen, names, declared, Path(out), session.secrets)
    return seen.plan


@_discreet
def apply(
    manifest: str | Path | Manifest,
    *,
    target: Iterable[str] = (),
    rebuild: Iterable[str] = (),
    prune: bool = False,
    allow: Iterable[str] = (),
    plan: str | Path | None = None,
    restart: bool = False,
    recreate: bool = False,
    without_wal: bool = False,
    fail_fast: bool = False,
    timeout: float | None = 300.0,
    env: str | None = None,
    cache: bool = True,
    on_event: Listener | None = None,
    stop: Stop | None = None,
) -> Run:
    """Make the database what the manifest says, under the lock.

    allow: hazards that may be carried out, each `kind` or `kind:table`. plan: a file that `plan(out=…)` wrote; that
    plan is carried out, or none: PlanError. recreate: set a damaged database aside and make a new one.
    without_wal: go on without a WAL that cannot be replayed.
    timeout: seconds to wait for the lock, and for a program that has the database open; None waits for ever.
    Raises what went wrong, after everything that could be done is done.
    """
    from provisioner.execute.events import Outcome
    from provisioner.execute.values import Run
    from provisioner.reconcile.values import Plan

    begun, allowed = time.monotonic(), frozenset(map(_allowance, allow))
    _refuse_unusable(manifest, timeout)
    target, rebuild = tuple(target), tuple(rebuild)
    if plan is not None and (restart or recreate):
        raise UsageError("A saved plan is carried out as it is.", cure="Leave out recreate and restart.")
    asked = target or rebuild or restart or recreate or plan is not None
    if cache and not asked and find_proof(manifest, env=env):
        return Run("", Plan(), Outcome.DONE, time.monotonic() - begun)
    from provisioner.execute.run import apply as carry_out
    from provisioner.execute.session import Session
    from provisioner.execute.terms import Terms
    from provisioner.execute.turn import turn

    declared = _declared(manifest, env)
    names, kept = find_names(declared, target, rebuild, prune, plan)
    terms = Terms(
        names,
        allowed,
        fail_fast=fail_fast,
        restart=restart,
        recreate=recreate,
        without_wal=without_wal,
        lock_timeout=timeout,
        command="provisioner.apply",
        kept=kept,
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

    timeout: seconds to wait for another process that has the database, None waits for ever. Returns what was missing
    and made; the database is not written to when nothing is to do, which takes milliseconds where an earlier look left
    its proof. Raises ProvisionError with the cure; close your own connections before.
    """
    return apply(manifest, on_event=on_event, timeout=timeout, env=env, stop=stop)


def _declared(manifest: str | Path | Manifest, env: str | None) -> Manifest:
    return load_manifest(manifest, env=env) if isinstance(manifest, str | Path) else manifest


def _refuse_unusable(manifest: object, timeout: object = None) -> None:
    """Raises UsageError for what callers without type checks hand in."""
    if not isinstance(manifest, str | Path):
        from provisioner.declare.values import Manifest

        if not isinstance(manifest, Manifest):
            raise _no_manifest(manifest)
    if timeout is not None and not (isinstance(timeout, int | float) and timeout >= 0):
        raise UsageError(f"{timeout!r} is no time to wait.", cure="Give seconds, 0 or more, or None to wait for ever.")


def _no_manifest(given: object) -> UsageError:
    return UsageError(
        f"a {type(given).__name__} is no manifest.",
        cure="Name its file, as a str or a Path, or hand in what `load_manifest` returned.",
        code="no_manifest",
    )


def _environment(env: str | None, variables: Mapping[str, str]) -> str | None:
    return env or variables.get("PROVISION_ENV") or None


def find_names(
    manifest: Manifest, target: Iterable[str], rebuild: Iterable[str], prune: bool, plan: str | Path | None
) -> tuple[Names, KeptPlan | None]:
    """What is narrowed or added, and the saved plan that says so where one is given. Raises UsageError, PlanError."""
    from provisioner.execute.request import check_names

    names = check_names(manifest, target, rebuild, prune)
    if plan is None:
        return names, None
    from provisioner.execute.kept_plan import fetch

    kept = fetch(Path(plan), manifest, names, surroundings().variables)
    return check_names(manifest, kept.names.target, kept.names.rebuild, kept.names.prune), kept


def _allowance(text: str) -> Allowance:
    from provisioner.declare.allowance import parse_allowance

    try:
        return parse_allowance(text)
    except ValueError as error:
        raise UsageError(f"allow: {error}", cure="Give a kind of hazard, or kind:table.") from None


@_discreet
def import_database(path: str | Path, *, tables: Iterable[str] = ()) -> str:
    """The text of a manifest that declares what the database in a file holds. It is opened to read only.

    tables: these alone, and what their foreign keys refer to. What a manifest cannot say is told of in comments at its
    end. Raises DatabaseError, BusyError, and UsageError for a table that is not there.
    """
    from provisioner.importing import describe_database

    return describe_database(Path(path), tables).text


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
    folder = Path(base, "provision") if os.path.isabs(base) else _temporary_cache()
    return folder if is_own_folder(folder) else _NO_CACHE


def _temporary_cache() -> Path:
    """Where anybody may write, a folder is believed only when it is no link either; else there is no cache."""
    import tempfile

    folder = Path(tempfile.gettempdir(), f"provision-cache-{os.geteuid()}")
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
    return _NO_CACHE if folder.is_symlink() else folder


def _ignore(event: Event) -> None:
    """For callers who do not listen."""

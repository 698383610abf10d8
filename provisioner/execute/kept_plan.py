"""A saved plan before it is carried out: is it for this manifest and database, and is it still what is to be done?"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from provisioner.declare.redact import Secrets, find_secrets, redact
from provisioner.declare.values import Manifest
from provisioner.errors import PlanError, UsageError
from provisioner.execute.plan_file import read_plan_file, write_plan_file
from provisioner.execute.plan_json import PlanFile
from provisioner.execute.provenance import versions
from provisioner.execute.request import Names
from provisioner.execute.session import Observed
from provisioner.observe.values import Catalog
from provisioner.reconcile.agreement import Moved, compare, still_to_rebuild
from provisioner.reconcile.saved import Saved, SavedAction, find_promises, summarize
from provisioner.reconcile.wording import many

# Of facts that moved, the first are told.
_NAMED = 20


def save(seen: Observed, names: Names, manifest: Manifest, path: Path, secrets: Secrets) -> None:
    """Write the plan to a file, without secrets. Raises InputError (plan_not_written)."""
    saved = _masked(summarize(seen.plan, seen.catalog, seen.findings), secrets)
    write_plan_file(path, replace(_described(manifest, path, secrets), names=names, saved=saved))


def _described(manifest: Manifest, path: Path, secrets: Secrets) -> PlanFile:
    """What a plan of this manifest says about it, as yet with nothing to do."""
    base = os.path.dirname(os.path.abspath(path))
    return PlanFile(
        _versions(),
        redact(manifest.name, secrets),
        redact(os.path.relpath(manifest.path, base), secrets),
        manifest.digest,
        manifest.environment,
        redact(os.path.realpath(manifest.database), secrets),
        Names(),
        Saved(),
    )


def _versions() -> dict[str, str]:
    found = versions(dbt=False)
    return {name: found[name] for name in ("provision", "duckdb")}


def fetch(path: Path, manifest: Manifest, names: Names, variables: Mapping[str, str]) -> KeptPlan:
    """The plan in the file, if it is one of this manifest.

    names: given beside it, which it does not bear. variables: the process environment, for the secrets in it.
    Raises UsageError, PlanError (plan_unreadable, plan_format, plan_of_other_manifest).
    """
    if names != Names():
        raise UsageError(
            f"{path} says already which tables it is about.",
            cure="Leave out --target, --rebuild and --prune, or make another plan with them.",
        )
    kept = KeptPlan(path, read_plan_file(path), find_secrets(variables))
    kept.check(manifest)
    return kept


class KeptPlan:
    """A saved plan, and the file it stands in."""

    def __init__(self, path: Path, plan: PlanFile, secrets: Secrets) -> None:
        self._path, self._plan, self._secrets = path, plan, secrets

    @property
    def names(self) -> Names:
        return self._plan.names

    def check(self, manifest: Manifest) -> None:
        """Whether it is for this manifest, database and provision. Raises PlanError."""
        expected, plan = _described(manifest, self._path, self._secrets), self._plan
        if plan.versions != expected.versions:
            pairs = (f"{name} {plan.versions.get(name)}, here is {found}" for name, found in expected.versions.items())
            raise self._refused(f"was made with {'; '.join(pairs)}", "plan_format")
        if plan.environment != expected.environment:
            was, now = (one.environment or "no environment" for one in (plan, expected))
            raise self._refused(f"is for {was}, asked for is {now}", "plan_of_other_manifest")
        if plan.digest != expected.digest:
            fact = f"is not of {manifest.path} as it is now, but of {plan.name} with the digest {plan.digest[:12]}"
            raise self._refused(fact, "plan_of_other_manifest")
        if plan.database != expected.database:
            fact = f"is for the database {plan.database}, asked for is {expected.database}"
            raise self._refused(fact, "plan_of_other_manifest")

    def names_left(self, catalog: Catalog) -> Names:
        """What is still asked for: what a run of this plan made again before it died is not made again once more."""
        names = self._plan.names
        return replace(names, rebuild=still_to_rebuild(names.rebuild, self._plan.saved, catalog))

    def confirm(self, seen: Observed) -> None:
        """Whether the plan made now is this one, or what is left of it. Raises PlanError (plan_outdated)."""
        if not seen.plan.actions and not seen.plan.by_hand:
            return
        saved = self._plan.saved
        also = {*saved.facts, *saved.by_hand}
        now = _masked(summarize(seen.plan, seen.catalog, seen.findings, also), self._secrets)
        if moved := compare(saved, now, find_promises(seen.findings)):
            raise self._refused(f"is outdated. {_told(moved)}", "plan_outdated")

    def _refused(self, fact: str, code: str) -> PlanError:
        command = f"provision plan{self.names.typed()} --out {shlex.quote(str(self._path))}"
        return PlanError(
            f"{self._path} {fact}. Nothing was done.", code=code, cure=f"Make it anew, and look at it: {command}"
        )


def _told(moved: Sequence[Moved]) -> str:
    rest = f"; and {many(len(moved) - _NAMED, 'fact')} more" if len(moved) > _NAMED else ""
    return "; ".join(map(str, moved[:_NAMED])) + rest


def _masked(saved: Saved, secrets: Secrets) -> Saved:
    """Without secrets, also before it is compared: then it is what was written."""
    if not secrets:
        return saved

    def mask(text: str) -> str:
        return redact(text, secrets)

    def masked(action: SavedAction) -> SavedAction:
        return replace(
            action,
            reasons=tuple(replace(one, fact=mask(one.fact), place=mask(one.place)) for one in action.reasons),
            hazards=tuple(replace(one, fact=mask(one.fact)) for one in action.hazards),
            statements=tuple(map(mask, action.statements)),
        )

    facts = {table: {name: mask(fact) for name, fact in found.items()} for table, found in saved.facts.items()}
    return Saved(tuple(map(masked, saved.actions)), facts, saved.by_hand)

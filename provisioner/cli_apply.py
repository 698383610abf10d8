"""`provision apply`."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.console import (
    ask,
    ask_recreate,
    leaving,
    listening,
    painter,
    show,
    show_converged,
    show_plan,
    tell_error,
)
from provisioner.errors import EXIT_DONE, ProvisionError, UsageError
from provisioner.options import Allowed, Duration, Wishes, common, narrowing
from provisioner.report.converged import NOTHING_TO_DO, dump, empty_run_json

if TYPE_CHECKING:
    from provisioner.declare.values import Allowance, Manifest
    from provisioner.execute.session import Session
    from provisioner.execute.terms import Terms
    from provisioner.execute.values import Run


@click.command()
@common
@narrowing
@click.argument("plan_file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--resume/--restart",
    "resume",
    default=True,
    help="After a run that died: go on from what is done (default), or make again what it made.",
)
@click.option(
    "--recreate",
    is_flag=True,
    help="Set a database aside that is damaged, and make a new one. It is kept under another name.",
)
@click.option(
    "--without-wal",
    is_flag=True,
    help="Go on without a write-ahead log that cannot be replayed. It is kept under another name.",
)
@click.option("--fail-fast", is_flag=True, help="Start nothing more once a unit has failed.")
@click.option(
    "--lock-timeout",
    type=Duration(),
    default="5m",
    show_default=True,
    help="How long to wait for another apply, or for a program that has the database open: 0, 30s, 10m.",
)
@click.option(
    "--allow",
    multiple=True,
    type=Allowed(),
    help="Carry out hazards of this kind without asking, for all tables or this one. May be repeated.",
)
@click.option("--yes", is_flag=True, help="Agree to the hazards that would be asked about.")
def apply(
    wishes: Wishes, resume: bool, recreate: bool, without_wal: bool, fail_fast: bool, lock_timeout: float,
    allow: tuple[Allowance, ...], yes: bool,
) -> int:  # fmt: skip
    """Make the database what the manifest says.

    It does nothing when it already is. What is done stays done: after a failure or a crash, the same command goes on
    from there.

    With PLAN_FILE, which `provision plan --out` wrote: that plan, and nothing when it would be another one by now.
    """
    begun = time.monotonic()
    if resume and not recreate and (subject := wishes.find_proof()):
        show_converged(empty_run_json(subject, time.monotonic() - begun), NOTHING_TO_DO, wishes)
        return EXIT_DONE
    from provisioner.execute.interrupt import interruptible
    from provisioner.execute.session import Session
    from provisioner.execute.terms import Terms
    from provisioner.face import find_names, surroundings

    with interruptible() as stop, listening(wishes) as on_event:
        with stop.at_once():
            manifest = wishes.load()
        narrow = wishes.narrow
        names, kept = find_names(manifest, narrow.target, narrow.rebuild, narrow.prune, narrow.plan_file)
        if kept and (recreate or not resume):
            raise UsageError("A saved plan is carried out as it is.", cure="Leave out --recreate and --restart.")
        terms = Terms(
            names,
            frozenset(allow),
            agree=lambda plan: yes or ask(plan, manifest),
            show=lambda plan: show_plan(plan, manifest) if wishes.level > 0 else None,
            fail_fast=fail_fast,
            restart=not resume,
            recreate=recreate,
            without_wal=without_wal,
            lock_timeout=lock_timeout,
            command=leaving(" ".join(["provision", *sys.argv[1:]])),
            kept=kept,
        )
        with Session(manifest, surroundings(not wishes.narrow.no_cache), on_event, stop) as session:
            run = _carry_out(session, terms)
    if not run.id and run.error is None and not run.plan.orphans:
        show_converged(empty_run_json(manifest, run.seconds), NOTHING_TO_DO, wishes)
        return EXIT_DONE
    return _show_run(run, manifest, wishes)


def _show_run(run: Run, manifest: Manifest, wishes: Wishes) -> int:
    """Print how a run ended; its exit code."""
    from provisioner.report.json import run_json
    from provisioner.report.run_text import run_text

    for error in {error for error in (*(result.error for result in run.units), run.error) if error is not None}:
        error.cure = wishes.complete(error.cure)
    show(dump(run_json(run, manifest)) if wishes.json else run_text(run, manifest, painter(sys.stdout)))
    if run.error is not None and not wishes.json:
        tell_error(run.error)
    return EXIT_DONE if run.error is None else run.error.exit_code


def _carry_out(session: Session, terms: Terms) -> Run:
    """Of a database that cannot be used a person at a terminal is asked whether to begin with a new one."""
    from provisioner.execute.run import apply as carry_out

    try:
        return carry_out(session, terms)
    except ProvisionError as error:
        if terms.recreate or not ask_recreate(error, session.manifest):
            raise
    return carry_out(session, replace(terms, recreate=True))

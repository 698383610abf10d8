"""The command line: reads words, calls the library, prints what comes back, and turns errors into exit codes."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from provisioner.console import (
    abandon_stdout,
    ask,
    ask_recreate,
    leaving,
    listening,
    painter,
    show,
    show_converged,
    show_plan,
    tell,
    tell_error,
)
from provisioner.errors import EXIT_DONE, EXIT_DRIFT, EXIT_FAILED, EXIT_USAGE, ProvisionError, UsageError
from provisioner.options import Duration, Wishes, common, narrowing
from provisioner.report.converged import NOTHING_TO_DO, dump, empty_plan_json, empty_plan_text, empty_run_json

if TYPE_CHECKING:
    from provisioner.declare.values import Manifest
    from provisioner.execute.session import Session
    from provisioner.execute.terms import Terms
    from provisioner.execute.values import Run

# As shells say that SIGINT ended a process.
EXIT_INTERRUPTED = 130
HAZARDS = ("drops_table", "drops_column", "lossy_type", "rewrites_table", "breaks_view", "loses_history")


class Commands(click.Group):
    """Commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="provisioner", prog_name="provision")
def cli() -> None:
    """Make a DuckDB database be what a manifest says it must be.

    \b
    provision plan      what is missing, stale or wrong, why, and the fewest steps that mend it
    provision apply     does exactly that: once, under a lock, resumable after any crash
    provision check     is the manifest sound? Needs no database

    Exit codes: 0 converged or done, 1 failed, 2 drift (plan --detailed-exitcode), 3 busy, 64 wrong usage.
    """


@cli.command()
@common
@narrowing
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there is something to do.")
def plan(wishes: Wishes, detailed_exitcode: bool) -> int:
    """Show what apply would do, and why.

    It looks at the manifest, the steps' files and the live database, and changes nothing.

    \b
    Signs: + make what is missing   ~ make again   = adopt   - drop   ! hazard
    """
    if subject := wishes.find_proof():
        show_converged(empty_plan_json(subject), empty_plan_text(subject, painter(sys.stdout)), wishes)
        return EXIT_DONE
    from provisioner import face
    from provisioner.execute.interrupt import interruptible

    with interruptible() as stop, listening(wishes) as on_event:
        manifest = wishes.load()
        found = face.plan(
            manifest,
            target=wishes.narrow.target,
            rebuild=wishes.narrow.rebuild,
            prune=wishes.narrow.prune,
            cache=not wishes.narrow.no_cache,
            on_event=on_event,
            stop=stop,
        )
    if found.converged and not found.orphans:
        show_converged(empty_plan_json(manifest), empty_plan_text(manifest, painter(sys.stdout)), wishes)
    elif wishes.json:
        from provisioner.report.json import plan_json

        show(dump(plan_json(found, manifest)))
    else:
        from provisioner.report.plan_text import plan_summary, plan_text

        show(wishes.complete(f"{plan_text(found, manifest, painter(sys.stdout))}\n\n{plan_summary(found)}"))
    return EXIT_DRIFT if detailed_exitcode and not found.converged else EXIT_DONE


@cli.command()
@common
@narrowing
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
    type=click.Choice(HAZARDS),
    help="Carry out hazards of this kind without asking. May be repeated.",
)
@click.option("--yes", is_flag=True, help="Agree to the hazards that would be asked about.")
def apply(
    wishes: Wishes, resume: bool, recreate: bool, without_wal: bool, fail_fast: bool, lock_timeout: float,
    allow: tuple[str, ...], yes: bool,
) -> int:  # fmt: skip
    """Make the database what the manifest says.

    It does nothing when it already is. What is done stays done: after a failure or a crash, the same command goes on
    from there.
    """
    begun = time.monotonic()
    if resume and not recreate and (subject := wishes.find_proof()):
        show_converged(empty_run_json(subject, time.monotonic() - begun), NOTHING_TO_DO, wishes)
        return EXIT_DONE
    from provisioner.declare.values import HazardKind
    from provisioner.execute.interrupt import interruptible
    from provisioner.execute.request import check_names
    from provisioner.execute.session import Session
    from provisioner.execute.terms import Terms
    from provisioner.face import surroundings

    with interruptible() as stop, listening(wishes) as on_event:
        manifest = wishes.load()
        terms = Terms(
            check_names(manifest, wishes.narrow.target, wishes.narrow.rebuild, wishes.narrow.prune),
            frozenset(map(HazardKind, allow)),
            agree=lambda plan: yes or ask(plan, manifest),
            show=lambda plan: show_plan(plan, manifest) if wishes.level > 0 else None,
            fail_fast=fail_fast,
            restart=not resume,
            recreate=recreate,
            without_wal=without_wal,
            lock_timeout=lock_timeout,
            command=leaving(" ".join(["provision", *sys.argv[1:]])),
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


@cli.command()
@common
def check(wishes: Wishes) -> int:
    """Is the manifest sound? Needs no database.

    It reads the manifest, its SQL, its python steps and its dbt project.
    """
    from provisioner.execute.interrupt import interruptible
    from provisioner.execute.session import Session
    from provisioner.face import surroundings
    from provisioner.reconcile.wording import many
    from provisioner.report.graph_text import graph_text

    with interruptible() as stop, listening(wishes) as on_event:
        manifest = wishes.load()
        with Session(manifest, surroundings(), on_event, stop) as session:
            graph = session.graph()
    found = {"tables": len(graph.tables), "steps": len(manifest.steps), "units": len(graph.units)}
    if wishes.json:
        show(dump({"format": 1, "sound": True, **found}))
    else:
        counts = ", ".join(many(count, thing.removesuffix("s")) for thing, count in found.items())
        show(f"{manifest.path.name} is sound: {counts}.")
        if wishes.level > 0:
            show(graph_text(graph, manifest))
    return EXIT_DONE


@cli.command()
@common
@click.argument("run", required=False)
def history(wishes: Wishes, run: str | None) -> int:
    """Show the runs on record, or RUN with its units."""
    from provisioner.execute.history import History, journal_path, read_journal
    from provisioner.report.history_text import history_text, run_record_text
    from provisioner.report.json import history_json

    manifest = wishes.load()
    found = read_journal(journal_path(manifest.database))
    if found.damage:
        tell(f"warning: {found.damage}")
    record = next((one for one in found.runs if one.run == run), None)
    if run is not None and record is None:
        raise UsageError(
            f"No run {run} is on record for {manifest.database}.", cure="List them with: provision history"
        )
    if wishes.json:
        show(dump(history_json(History((record,)) if record else found)))
    else:
        paint = painter(sys.stdout)
        show(run_record_text(record, paint) if record else history_text(found, paint))
    return EXIT_DONE


@cli.command()
def schema() -> int:
    """Print the JSON Schema of the manifest.

    Editors complete and check a manifest with it.
    """
    from provisioner.declare.schema import schema_text

    show(schema_text().rstrip("\n"))
    return EXIT_DONE


def _open_standard_streams() -> None:
    """A closed standard stream would lend its number to the database file, and what is printed would go there."""
    for number, mode, name in ((0, "r", "stdin"), (1, "w", "stdout"), (2, "w", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def main() -> None:
    """The entry point of `provision`. Exit codes are those of `errors.py`; click's own complaints are wrong usage."""
    _open_standard_streams()
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except click.Abort as stopped:
        click.echo("stopped", err=True)
        # click's own word for Ctrl-C; without one, a question was left unanswered.
        code = EXIT_INTERRUPTED if isinstance(stopped.__cause__, KeyboardInterrupt) else EXIT_FAILED
    except BrokenPipeError:
        abandon_stdout()
        code = EXIT_FAILED
    except ProvisionError as error:
        tell_error(error)
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else EXIT_DONE)


if __name__ == "__main__":
    main()

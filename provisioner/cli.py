"""The command line: reads words, calls the library, prints what comes back, and turns errors into exit codes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.errors import (
    EXIT_DONE,
    EXIT_DRIFT,
    EXIT_FAILED,
    EXIT_USAGE,
    ProvisionError,
    UsageError,
)

if TYPE_CHECKING:
    from provisioner.declare.values import Manifest
    from provisioner.execute.events import Event, Listener
    from provisioner.reconcile.values import Plan

HAZARDS = ("drops_table", "drops_column", "lossy_type", "rewrites_table", "breaks_view", "loses_history")
STYLES: dict[str, dict[str, Any]] = {"bold": {"bold": True}, "dim": {"dim": True}}


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options that every command has. level: -1 quiet, 0 as usual, 1 verbose."""

    manifest: Path | None
    env: str | None
    json: bool
    log_json: bool
    debug: bool
    level: int

    def load(self) -> Manifest:
        from provisioner.declare.locate import find_manifest
        from provisioner.library import load_manifest

        return load_manifest(self.manifest or find_manifest(Path()), env=self.env)


class Duration(click.ParamType):
    """A time such as 0, 30s, 10m or 1h30m, in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from provisioner.declare.scalars import seconds

        if not re.fullmatch(r"\d+(\.\d+)?|(?=\d)(\d+h)?(\d+m)?(\d+s)?", str(value)):
            self.fail(f"{value} is not a time. Write 0, 30s, 10m or 1h30m.", param, ctx)
        return seconds(str(value))


class Commands(click.Group):
    """Commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def common(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that all have, handed over as one value, and turn its errors into words and exit codes."""

    @wraps(command)
    def call(
        manifest: Path | None, env: str | None, output: str, log_format: str, debug: bool, quiet: bool, verbose: bool,
        **rest: Any,
    ) -> int:  # fmt: skip
        level = -1 if quiet else int(verbose)
        wishes = Wishes(manifest, env, output == "json", log_format == "json", debug, level)
        try:
            return command(wishes, **rest)
        except ProvisionError as error:
            return report(error, wishes)
        except (click.ClickException, click.Abort):
            raise
        except Exception as error:
            return report(unexpected(error), wishes)

    for option in reversed(COMMON):
        call = option(call)
    return call


COMMON = (
    click.option("--manifest", "-m", type=click.Path(path_type=Path), help="The manifest. Default: the only file in manifests/, or provision.yaml."),
    click.option("--env", metavar="NAME", help="The environment of the manifest to overlay. Default: PROVISION_ENV."),
    click.option("--format", "output", type=click.Choice(("text", "json")), default="text", help="What is printed to stdout."),
    click.option("--log-format", type=click.Choice(("text", "json")), default="text", help="What is told on stderr while it works."),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    click.option("-q", "--quiet", is_flag=True, help="Tell nothing on stderr but errors."),
    click.option("-v", "--verbose", is_flag=True, help="Show the plan before it is carried out."),
)  # fmt: skip


def narrowing(command: Callable[..., int]) -> Callable[..., int]:
    """The options of plan and apply."""
    for option in reversed(NARROWING):
        command = option(command)
    return command


NARROWING = (
    click.option("--target", multiple=True, metavar="TABLE|STEP|TIER", help="Look at these alone, and what they need. May be repeated."),
    click.option("--rebuild", multiple=True, metavar="TABLE", help="Make this table again although it is trusted. May be repeated."),
    click.option("--prune", is_flag=True, help="Drop tables that provision made and that nothing declares any more."),
    click.option("--no-cache", is_flag=True, help="Read everything anew, dbt's project too."),
)  # fmt: skip


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
def plan(
    wishes: Wishes, target: tuple[str, ...], rebuild: tuple[str, ...], prune: bool, no_cache: bool, detailed_exitcode: bool
) -> int:
    """Show what is missing, stale or wrong, and what apply would do. Changes nothing.

    \b
    Signs: + make what is missing   ~ make again   = adopt   - drop   ! hazard
    """
    from provisioner import library
    from provisioner.report.json import dump, plan_json
    from provisioner.report.text import plan_text

    manifest = wishes.load()
    with listening(wishes) as tell:
        found = library.plan(manifest, target=target, rebuild=rebuild, prune=prune, cache=not no_cache, on_event=tell)
    show(dump(plan_json(found, manifest)) if wishes.json else plan_text(found, manifest, painter(sys.stdout)))
    return EXIT_DRIFT if detailed_exitcode and not found.converged else EXIT_DONE


@cli.command()
@common
@narrowing
@click.option("--resume/--restart", "resume", default=True, help="After a run that died: go on from what is done (default), or make again what it made.")
@click.option("--fail-fast", is_flag=True, help="Start nothing more once a unit has failed.")
@click.option("--lock-timeout", type=Duration(), default="5m", show_default=True, help="How long to wait for another apply: 0, 30s, 10m.")
@click.option("--allow", multiple=True, type=click.Choice(HAZARDS), help="Carry out hazards of this kind without asking. May be repeated.")
@click.option("--yes", is_flag=True, help="Agree to whatever would be asked.")
def apply(
    wishes: Wishes, target: tuple[str, ...], rebuild: tuple[str, ...], prune: bool, no_cache: bool, resume: bool,
    fail_fast: bool, lock_timeout: float, allow: tuple[str, ...], yes: bool,
) -> int:  # fmt: skip
    """Make the database what the manifest says. Does nothing when it already is.

    What is done stays done: after a failure or a crash, the same command goes on from there.
    """
    from provisioner.declare.values import HazardKind
    from provisioner.execute.interrupt import interruptible
    from provisioner.execute.run import Order
    from provisioner.execute.run import apply as carry_out
    from provisioner.execute.session import Session
    from provisioner.library import make_request, surroundings
    from provisioner.report.json import dump, run_json
    from provisioner.report.text import run_text

    manifest = wishes.load()
    with interruptible() as stop, listening(wishes) as tell:
        order = Order(
            make_request(manifest, target, rebuild, prune),
            frozenset(map(HazardKind, allow)),
            agree=lambda plan: yes or ask(plan, manifest),
            fail_fast=fail_fast,
            restart=not resume,
            lock_timeout=lock_timeout,
            command=" ".join(["provision", *sys.argv[1:]]),
        )
        with Session(manifest, surroundings(not no_cache), tell) as session:
            run = carry_out(session, order, stop)
    show(dump(run_json(run, manifest)) if wishes.json else run_text(run, manifest, painter(sys.stdout)))
    if run.error is not None and not wishes.json:
        tell_error(run.error)
    return EXIT_DONE if run.error is None else run.error.exit_code


@cli.command()
@common
def check(wishes: Wishes) -> int:
    """Is the manifest sound? Reads it, its SQL, its python steps and its dbt project, and no database."""
    from provisioner.execute.session import Session
    from provisioner.library import surroundings
    from provisioner.report.json import dump
    from provisioner.report.words import many

    manifest = wishes.load()
    with listening(wishes) as tell, Session(manifest, surroundings(), tell) as session:
        graph = session.graph()
    found = {"tables": len(manifest.tables), "steps": len(manifest.steps), "units": len(graph.units)}
    if wishes.json:
        show(dump({"format": 1, "sound": True, **found}))
    else:
        counts = ", ".join(many(count, thing.removesuffix("s")) for thing, count in found.items())
        show(f"{manifest.path.name} is sound: {counts}.")
    return EXIT_DONE


@cli.command()
@common
@click.argument("run", required=False)
def history(wishes: Wishes, run: str | None) -> int:
    """Show the runs on record, the newest last; with RUN, one of them with its units."""
    from provisioner.execute.history import journal_path, read_journal
    from provisioner.report.json import dump, history_json
    from provisioner.report.text import history_text, run_record_text

    manifest = wishes.load()
    found = read_journal(journal_path(manifest.database))
    if found.damage:
        click.echo(f"warning: {found.damage}", err=True)
    record = next((one for one in found.runs if one.run == run), None)
    if run is not None and record is None:
        raise UsageError(f"No run {run} is on record for {manifest.database}.", cure="List them with: provision history")
    if wishes.json:
        show(dump(history_json(found)))
    else:
        paint = painter(sys.stdout)
        show(run_record_text(record, paint) if record else history_text(found, paint))
    return EXIT_DONE


@cli.command()
def schema() -> int:
    """Print the JSON Schema of the manifest, for editors to complete from."""
    from provisioner.declare.schema import schema_text

    show(schema_text().rstrip("\n"))
    return EXIT_DONE


@contextmanager
def listening(wishes: Wishes) -> Iterator[Listener]:
    """Where events go: progress lines, a structured log, or nowhere."""
    if wishes.log_json:
        from provisioner.report.log import json_listener

        yield json_listener(sys.stderr)
    elif wishes.level < 0:
        yield lambda event: None
    else:
        from provisioner.report.progress import Progress

        progress = Progress(sys.stderr, painter(sys.stderr))
        try:
            yield progress
        finally:
            progress.close()


def ask(plan: Plan, manifest: Manifest) -> bool:
    """Show the hazards to a person at a terminal; anyone else has to allow them by name."""
    from provisioner.report.text import plan_text

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    click.echo(plan_text(plan, manifest, painter(sys.stderr)), err=True)
    return click.confirm("Carry it out, hazards and all?", default=False, err=True)


def painter(stream: Any) -> Callable[[str, str], str]:
    """Colours on a terminal; plain text in a pipe, and where NO_COLOR is set."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return lambda text, colour: text
    return lambda text, colour: click.style(text, **STYLES.get(colour, {"fg": colour}))


def show(text: str) -> None:
    click.echo(text)


def tell_error(error: ProvisionError) -> None:
    from provisioner.report.text import error_text

    click.echo(error_text(error, painter(sys.stderr)), err=True)


def report(error: ProvisionError, wishes: Wishes) -> int:
    """Tell an error the way the user asked for. Raises it again with --debug, for the traceback."""
    if wishes.debug:
        raise error
    if wishes.json:
        from provisioner.report.json import dump, error_json

        show(dump(error_json(error)))
    else:
        tell_error(error)
    return error.exit_code


def unexpected(error: Exception) -> ProvisionError:
    """A defect of ours, in one line."""
    wrapped = ProvisionError(
        f"provision met something it does not know: {type(error).__name__}: {error}",
        code="unexpected",
        cure="This is a defect of provision. Run it again with --debug and report what it prints.",
    )
    wrapped.__cause__ = error
    return wrapped


def main() -> None:
    """The entry point of `provision`. Exit codes are those of `errors.py`; click's own complaints are wrong usage."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = EXIT_FAILED
    sys.exit(code if isinstance(code, int) else EXIT_DONE)


if __name__ == "__main__":
    main()

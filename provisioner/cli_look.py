"""The commands that only look: check, history and schema."""

from __future__ import annotations

import sys

import click

from provisioner.console import listening, painter, show, tell
from provisioner.errors import EXIT_DONE, UsageError
from provisioner.options import Wishes, common
from provisioner.report.converged import dump


@click.command()
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
        with stop.at_once():
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


@click.command()
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


@click.command()
@click.option("--plan", "of_plan", is_flag=True, help="That of a saved plan instead.")
def schema(of_plan: bool) -> int:
    """Print the JSON Schema of the manifest.

    Editors complete and check a manifest with it.
    """
    from provisioner.declare.schema import schema_text
    from provisioner.execute.plan_json import plan_schema_text

    show((plan_schema_text() if of_plan else schema_text()).rstrip("\n"))
    return EXIT_DONE

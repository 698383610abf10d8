"""`provision plan`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from provisioner.console import listening, painter, show, show_converged
from provisioner.errors import EXIT_DONE, EXIT_DRIFT, EXIT_FAILED
from provisioner.options import Wishes, common, narrowing
from provisioner.report.converged import dump, empty_plan_json, empty_plan_text


@click.command()
@common
@narrowing
@click.option("--rehearse", is_flag=True, help="Try what changes declared tables, with their rows, and undo it.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there is something to do.")
@click.option(
    "--out",
    "-o",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the plan as well, to be carried out as it is: provision apply FILE",
)
def plan(wishes: Wishes, rehearse: bool, detailed_exitcode: bool) -> int:
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
        with stop.at_once():
            manifest = wishes.load()
        found = face.plan(
            manifest,
            target=wishes.narrow.target,
            rebuild=wishes.narrow.rebuild,
            prune=wishes.narrow.prune,
            rehearse=rehearse,
            out=wishes.narrow.plan_file,
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

        text = plan_text(found, manifest, painter(sys.stdout), statements=wishes.level > 0)
        show(wishes.complete(f"{text}\n\n{plan_summary(found)}"))
    if any(one.error for one in found.rehearsed):
        return EXIT_FAILED
    return EXIT_DRIFT if detailed_exitcode and not found.converged else EXIT_DONE

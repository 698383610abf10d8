"""`provision import`, which needs no manifest: it writes one."""

from __future__ import annotations

import re
from pathlib import Path

import click

from provisioner.console import show_exactly, tell
from provisioner.errors import EXIT_DONE
from provisioner.options import Narrow, Wishes, telling


@click.command("import")
@click.option(
    "--database",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The DuckDB database to read. It is opened to read only.",
)
@click.option(
    "--tables",
    multiple=True,
    metavar="NAMES",
    help="Take these alone: names, parted by commas. May be repeated. What their foreign keys refer to comes along.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("-q", "--quiet", is_flag=True, help="Tell nothing on stderr but errors.")
def import_command(database: Path, tables: tuple[str, ...], debug: bool, quiet: bool) -> int:
    """Write a manifest of what a database holds.

    \b
    provision import --database shop.duckdb > shop.yaml
    provision apply --manifest shop.yaml

    It declares every table and view, as they are. The first apply adopts them and changes nothing; after that, edit
    the manifest, and `provision plan` shows what would be changed. The path of the database is written as it is given
    here: keep the manifest in this folder, or change `database` in it.

    What a manifest cannot say, macros for example, is told of on stderr and in comments at the end.
    """
    return _import(Wishes(None, None, False, False, debug, -1 if quiet else 0, Narrow()), database, tables)


@telling
def _import(wishes: Wishes, database: Path, tables: tuple[str, ...]) -> int:
    from provisioner.importing import describe_database

    found = describe_database(database, [name for text in tables for name in _parted(text)])
    for one in found.left_out if wishes.level >= 0 else ():
        tell(f"left out: {one}")
    show_exactly(found.text.rstrip("\n"))
    return EXIT_DONE


def _parted(text: str) -> list[str]:
    """The names in a list with commas; one within double quotes is part of a name."""
    return [name.strip() for name in re.findall(r'(?:"(?:[^"]|"")*"|[^,"])+', text)]

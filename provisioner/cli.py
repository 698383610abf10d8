"""The command line: reads words, calls the library, prints what comes back, and turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from provisioner.console import abandon_stdout, tell_error, tell_usage
from provisioner.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, ProvisionError

# Where each command stands, in the order in which a newcomer meets them. One alone is imported: imports take time.
COMMANDS = {
    "plan": "provisioner.cli_plan:plan",
    "apply": "provisioner.cli_apply:apply",
    "check": "provisioner.cli_look:check",
    "import": "provisioner.cli_import:import_command",
    "history": "provisioner.cli_look:history",
    "schema": "provisioner.cli_look:schema",
}


class Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return find_command(cmd_name)
        self.commands = {name: find_command(name) for name in COMMANDS}  # where click looks for what was meant
        return None


def find_command(name: str) -> click.Command:
    """One of COMMANDS."""
    module, _, function = COMMANDS[name].partition(":")
    command: click.Command = getattr(import_module(module), function)
    return command


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
    for name in {*sys.argv[1:2]} & COMMANDS.keys():
        find_command(name)  # before click begins, which would have a word to say at a Ctrl-C
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        tell_usage(error)
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

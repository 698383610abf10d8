"""What every command takes: from words typed to values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.console import report, unexpected
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from provisioner.declare.values import Allowance, Manifest
    from provisioner.observe.proof import Proof


@dataclass(frozen=True, slots=True)
class Narrow:
    """The options that plan and apply share. plan_file: where plan saves it, what apply carries out."""

    target: tuple[str, ...] = ()
    rebuild: tuple[str, ...] = ()
    prune: bool = False
    no_cache: bool = False
    plan_file: Path | None = None

    def typed(self) -> str:
        """As the user typed what narrows, or adds to, what is looked at."""
        from provisioner.execute.request import Names

        return Names(self.target, self.rebuild, self.prune).typed()


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options that a command was given. level: -1 quiet, 0 as usual, 1 verbose."""

    manifest: Path | None
    env: str | None
    json: bool
    log_json: bool
    debug: bool
    level: int
    narrow: Narrow

    def load(self) -> Manifest:
        """The manifest that was named, or the only one that there is."""
        from provisioner.declare.locate import find_manifest
        from provisioner.face import load_manifest

        return load_manifest(self.manifest or find_manifest(Path()), env=self.env)

    def find_proof(self) -> Proof | None:
        """The proof that nothing is to do, where an earlier look has left one and no option asks for another look."""
        from provisioner.declare.locate import find_manifest
        from provisioner.face import find_proof

        if self.narrow.no_cache or self.narrow.target or self.narrow.rebuild or self.narrow.plan_file:
            return None
        return find_proof(self.manifest or find_manifest(Path()), env=self.env)

    def complete(self, text: str) -> str:
        """The text with its commands as this user has to type them: for the same manifest, environment and tables."""
        options = (("--manifest", self.manifest), ("--env", self.env))
        given = "".join(f" {option} {shlex.quote(str(value))}" for option, value in options if value is not None)
        typed = {"plan": self.narrow.typed(), "apply": self.narrow.typed()}
        if (saved := self.narrow.plan_file) is not None:
            # A saved plan has its options in it.
            text = re.sub(r"(?<=provision apply)(?! --prune)", f" {shlex.quote(str(saved))}".replace("\\", r"\\"), text)
            typed["apply"] = ""
        commands = r"(?<=provision )(check|history|plan|apply)\b"
        return re.sub(commands, lambda found: found[0] + given + typed.get(found[0], ""), text)


class Duration(click.ParamType[float]):
    """A time such as 0, 30s, 10m or 1h30m, in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from provisioner.declare.duration import seconds

        if not re.fullmatch(r"\d+(\.\d+)?|(?=\d)(\d+h)?(\d+m)?(\d+s)?", str(value)):
            self.fail(f"{value} is not a time. Write 0, 30s, 10m or 1h30m.", param, ctx)
        return seconds(str(value))


class Allowed(click.ParamType["Allowance"]):
    """A kind of hazard, or `kind:table`."""

    name = "kind[:table]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Allowance:
        from provisioner.declare.allowance import parse_allowance

        try:
            return parse_allowance(str(value))
        except ValueError as error:
            self.fail(f"{error}", param, ctx)


def telling(command: Callable[..., int]) -> Callable[..., int]:
    """Turn the errors of a command, which takes the wishes first, into words and exit codes."""

    @wraps(command)
    def call(wishes: Wishes, *given: Any, **named: Any) -> int:
        try:
            return command(wishes, *given, **named)
        except ProvisionError as error:
            return report(error, wishes)
        except (click.ClickException, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            return report(unexpected(error), wishes)

    return call


def common(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that all have, as one value, and turn its errors into words and exit codes."""
    told = telling(command)

    @wraps(command)
    def call(
        manifest: Path | None, env: str | None, output: str, log_format: str, debug: bool, quiet: bool, verbose: bool,
        **rest: Any,
    ) -> int:  # fmt: skip
        level = -1 if quiet else int(verbose)
        narrow = Narrow(**{option: rest.pop(option) for option in Narrow.__slots__ if option in rest})
        wishes = Wishes(manifest, env, output == "json", log_format == "json", debug, level, narrow)
        return told(wishes, **rest)

    for option in reversed(COMMON):
        call = option(call)
    return call


COMMON = (
    click.option(
        "--manifest",
        "-m",
        type=click.Path(path_type=Path),
        help="The manifest. Default: the only file in manifests/, or provision.yaml.",
    ),
    click.option("--env", metavar="NAME", help="The environment of the manifest to overlay. Default: PROVISION_ENV."),
    click.option(
        "--format", "output", type=click.Choice(("text", "json")), default="text", help="What is printed to stdout."
    ),
    click.option(
        "--log-format",
        type=click.Choice(("text", "json")),
        default="text",
        help="What is told on stderr while it works.",
    ),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    click.option("-q", "--quiet", is_flag=True, help="Tell nothing on stderr but errors."),
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Show more: the SQL that changes tables, the plan before it is carried out, the units of a manifest.",
    ),
)


def narrowing(command: Callable[..., int]) -> Callable[..., int]:
    """The options of plan and apply."""
    for option in reversed(NARROWING):
        command = option(command)
    return command


NARROWING = (
    click.option(
        "--target",
        multiple=True,
        metavar="TABLE|STEP|TIER",
        help="Look at these alone, and what they need. May be repeated.",
    ),
    click.option(
        "--rebuild",
        multiple=True,
        metavar="TABLE",
        help="Make this table again although it is trusted. May be repeated.",
    ),
    click.option("--prune", is_flag=True, help="Drop tables that provision made and that nothing declares any more."),
    click.option(
        "--no-cache", is_flag=True, help="Look at every file and at the database, whatever an earlier look has found."
    ),
)

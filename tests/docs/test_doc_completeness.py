"""Nothing that a user can meet is left undocumented, and nothing is documented that does not exist."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import click
import doc_pages
import pytest
import yaml

from provisioner import cli, errors
from provisioner.declare.schema import schema_text
from provisioner.declare.values import HazardKind
from provisioner.execute.events import Outcome
from provisioner.reconcile.values import Mend, Reason

ROOT = doc_pages.ROOT
SCHEMA = json.loads(schema_text())
# The sections of docs/manifest.md, and where the schema has their keys.
SECTIONS = {
    "The whole file": SCHEMA["properties"],
    "dbt": SCHEMA["$defs"]["dbt"]["properties"],
    "Steps": SCHEMA["$defs"]["step"]["properties"],
    "Tables": SCHEMA["$defs"]["table"]["properties"],
    "Tables from dbt": SCHEMA["$defs"]["selection"]["properties"],
    "Foreign keys": SCHEMA["$defs"]["foreign_key"]["properties"],
    "Indexes": SCHEMA["$defs"]["index"]["properties"],
    "Sequences": SCHEMA["$defs"]["sequence"]["properties"],
    "Columns": SCHEMA["$defs"]["column"]["properties"],
    "Expectations": SCHEMA["$defs"]["expect"]["properties"],
    "Environments": SCHEMA["$defs"]["environment"]["properties"],
    "Policy": SCHEMA["$defs"]["policy"]["properties"],
}
COMMANDS = {name: cli.find_command(name) for name in cli.COMMANDS}
# Functions that take an error's code as their second argument.
CODED = {"Problem", "add", "fail", "refuse", "_Complaint"}


def options_of(name: str) -> set[str]:
    """Every way to write an option of the command."""
    options = (param for param in COMMANDS[name].params if isinstance(param, click.Option))
    return {word for option in options for word in (*option.opts, *option.secondary_opts)}


COMMON = set.intersection(*(options_of(name) for name in COMMANDS if name not in ("schema", "import")))


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def sections(page: str) -> Mapping[str, str]:
    """The text under each heading, up to the next one."""
    prose = re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S)
    parts = re.split(r"^#{1,4} (.+)$", prose, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The words in backquotes that stand in the first cell of each row of the tables."""
    cells = re.findall(r"^\|((?:\\\||[^|\n])*)\|", text, flags=re.M)
    return [words for cell in cells if (words := re.findall(r"`([^`]+)`", cell))]


def named(text: str) -> set[str]:
    return {word.split("=")[0].split(" ")[0] for words in rows(text) for word in words}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_manifest_page_has_the_keys_of_the_schema(section: str) -> None:
    assert named(sections("docs/manifest.md")[section]) == set(SECTIONS[section])


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_the_schema_stands_in_an_example(section: str) -> None:
    used: set[str] = set()
    for block in doc_pages.read_blocks(read("docs/manifest.md")):
        if block.language == "yaml" and not block.foreign:
            used |= set(_used(SCHEMA, yaml.safe_load(block.text), SECTIONS[section]))
    assert set(SECTIONS[section]) - used - set(doc_pages.HEAD) == set()


def _used(rule: Mapping[str, Any], value: Any, wanted: Mapping[str, Any]) -> Iterator[str]:
    """The keys that the value uses of the wanted object of the schema."""
    rule = _resolved(rule)
    own = rule.get("properties", {})
    if isinstance(value, list):
        for item in value:
            yield from _used(rule.get("items", {}), item, wanted)
    elif isinstance(value, dict):
        for key, part in value.items():
            if own is wanted and key in own:
                yield key
            yield from _used(own.get(key, rule.get("additionalProperties") or {}), part, wanted)


def _resolved(rule: Any) -> Mapping[str, Any]:
    if not isinstance(rule, dict):
        return {}
    return SCHEMA["$defs"][rule["$ref"].removeprefix("#/$defs/")] if "$ref" in rule else rule


@pytest.mark.parametrize("name", COMMANDS)
def test_the_commands_page_has_the_options_of_the_command(name: str) -> None:
    arguments = {str(param.name).upper() for param in COMMANDS[name].params if isinstance(param, click.Argument)}
    assert named(sections("docs/commands.md")[f"provision {name}"]) == (options_of(name) - COMMON) | arguments


def test_the_commands_page_has_the_options_that_all_commands_share() -> None:
    assert named(sections("docs/commands.md")["Options that commands share"]) == COMMON


def test_the_commands_page_has_no_command_that_does_not_exist() -> None:
    told = {title for title in sections("docs/commands.md") if title.startswith("provision ")}
    assert told == {f"provision {name}" for name in COMMANDS}


def test_the_exit_codes_are_documented() -> None:
    exits = {str(value) for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert named(sections("docs/commands.md")["Exit codes"]) == exits


def test_every_error_code_of_the_package_is_documented() -> None:
    documented = {code for words in rows(read("docs/errors.md")) for code in words}
    assert codes_of_the_package() - documented == set()


def test_no_error_code_is_documented_that_the_package_does_not_have() -> None:
    documented = {code for words in rows(read("docs/errors.md")) for code in words}
    texts = {text for path in sources() for text in re.findall(r'"(\w+)"', path.read_text(encoding="utf-8"))}
    assert documented - texts == set()


def sources() -> list[Path]:
    return sorted((ROOT / "provisioner").rglob("*.py"))


def codes_of_the_package() -> set[str]:
    """Every code that an error, or a problem of a manifest, may carry."""
    return {code for path in sources() for code in _codes(path)}


def _codes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            found += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CODED and len(node.args) > 1:
                found.append(node.args[1])
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "code" for target in node.targets):
            found.append(node.value)
        elif isinstance(node, ast.Return) and path.name == "paths.py":
            found += [part.elts[0] for part in ast.walk(node) if isinstance(part, ast.Tuple) and len(part.elts) == 3]
        for one in found:
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value:
                yield one.value


CLOSED_SETS = [
    ("docs/guarantees.md", "Reasons", {str(reason) for reason in Reason}),
    ("docs/guarantees.md", "Hazards", {str(kind) for kind in HazardKind}),
    ("docs/guarantees.md", "What a plan does", {str(mend) for mend in Mend}),
    ("docs/recovery.md", "How a unit ends", {str(outcome) for outcome in Outcome}),
]


@pytest.mark.parametrize(("page", "section", "words"), CLOSED_SETS, ids=[section for _, section, _ in CLOSED_SETS])
def test_a_closed_set_is_documented_word_for_word(page: str, section: str, words: set[str]) -> None:
    assert named(sections(page)[section]) == words


def test_the_page_about_the_inside_names_every_folder_of_the_package() -> None:
    folders = {str(path.parent.relative_to(ROOT)) + "/" for path in (ROOT / "provisioner").rglob("__init__.py")}
    assert {folder for folder in folders if f"`{folder}`" not in read("docs/inside.md")} == set()


def test_the_page_about_the_inside_names_no_file_that_is_gone() -> None:
    files = {path.name for folder in ("provisioner", "tests") for path in (ROOT / folder).rglob("*.*")}
    words = re.findall(r"`(?:[\w/]+/)?(\w[\w.]*\.(?:py|json))`", read("docs/inside.md"))
    assert set(words) - files == set()


MARKDOWN = [
    str(page.relative_to(ROOT))
    for page in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")), *(ROOT / "dbt").glob("*.md"))
]


@pytest.mark.parametrize("page", MARKDOWN)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https://)([^)]+)\)", read(page))
    assert [link for link in links if not _leads(page, link)] == []


def _leads(page: str, link: str) -> bool:
    name, _, anchor = link.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    if not path.exists() or not anchor:
        return path.exists()
    titles = re.findall(r"^#{1,4} (.+)$", path.read_text(encoding="utf-8"), flags=re.M)
    return anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def written_commands() -> Iterator[tuple[str, str]]:
    """Every call of provision that stands in a page, wherever it stands."""
    call = re.compile(rf"(?:^|[`$&\s/])provision ((?:{'|'.join(COMMANDS)})\b[^`\n&|;>\"'()]*)", re.M)
    for page in MARKDOWN:
        yield from ((page, line.strip()) for line in call.findall(read(page)))


def test_every_call_of_provision_in_the_pages_has_options_that_exist() -> None:
    wrong = []
    for page, line in written_commands():
        name, *options = shlex.split(line, comments=True)
        known = options_of(name) | {"--help"}
        wrong += [f"{page}: provision {line}" for word in options if word.startswith("-") and word not in known]
    assert wrong == []


def test_the_readme_has_the_line_that_sets_up_and_provisions_and_the_line_that_tests() -> None:
    install = "python3 -m venv .venv && .venv/bin/pip install -q"
    assert f"{install} . && .venv/bin/provision apply --manifest manifests/workforce.yaml" in read("README.md")
    assert f"{install} tox && .venv/bin/tox" in read("README.md")
    assert f"{install} tox && .venv/bin/tox" in read(".ci/run")


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", read("CHANGELOG.md"), flags=re.M)
    assert versions[0] == config["metadata"]["version"]

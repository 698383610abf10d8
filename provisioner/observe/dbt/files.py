"""The data files that dbt nodes and sources read, as written, found in text without running anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any

from provisioner.observe.dbt.definition import Texts
from provisioner.observe.dbt.variables import Variables, named_vars

Node = Mapping[str, Any]

_ENDINGS = (".csv", ".tsv", ".parquet", ".json", ".ndjson", ".jsonl", ".xlsx", ".gz", ".zst")
_LITERAL = re.compile(r"""'((?:[^'\n]|'')*)'|"([^"\n]*)\"""")


def read_files(node: Node, texts: Texts, variables: Variables, project_dir: Path) -> set[str]:
    """What a node reads by itself: a seed's CSV, literals in its code and macros, vars they use, `meta.inputs`.

    The file that it makes is left out.
    """
    package = node["package_name"]
    found = set(_data_files(_literals(variables.fill_in(text, package) for text in texts.all)))
    found |= set(_data_files(_strings([variables.get(name, package) for name in named_vars(texts.all)])))
    found |= set(_strings((node["config"].get("meta") or {}).get("inputs")))
    if node["resource_type"] == "seed":
        found.add(_seed_file(node, project_dir))
    # Where dbt writes an external model to. As an input it would change with every run.
    return found - set(_data_files([variables.fill_in(str(node["config"].get("location")), package)]))


def source_files(source: Node) -> set[str]:
    """The files behind a source that is no relation."""
    settings = source_settings(source)
    if "external_location" not in settings and "plugin" not in settings:
        return set()
    texts = [_filled_in(text, settings) for text in _strings(list(settings.values()))]
    return set(_data_files(texts)) | set(_data_files(_literals(texts)))


def source_parts(source: Node) -> list[Any] | None:
    """What the rows of a source that is no relation hang on beside its files; None for a relation."""
    settings = source_settings(source)
    if "plugin" in settings:
        return [settings]
    return [_filled_in(str(settings["external_location"]), settings)] if "external_location" in settings else None


def source_settings(source: Node) -> dict[str, Any]:
    """What dbt-duckdb knows of a source: its names, and its meta and config as one."""
    config = source.get("config") or {}
    own = {name: source.get(name) for name in ("name", "identifier", "schema", "database")}
    metas: list[Node] = [source.get("source_meta") or {}, source.get("meta") or {}, config, config.get("meta") or {}]
    return {name: value for settings in (own, *metas) for name, value in settings.items()}


def _filled_in(text: str, settings: Mapping[str, Any]) -> str:
    try:
        match settings.get("formatter", "newstyle"):
            case "oldstyle":
                return text % settings
            case "template":
                return Template(text).substitute(settings)
            case _:
                return text.format_map(settings)
    except (KeyError, ValueError, IndexError, TypeError, AttributeError):
        return text


def _seed_file(node: Node, project_dir: Path) -> str:
    """Relative to the project, as long as it lies in it."""
    path = Path(node.get("root_path") or project_dir, node["original_file_path"])
    return path.relative_to(project_dir).as_posix() if path.is_relative_to(project_dir) else str(path)


def _literals(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for single, double in _LITERAL.findall(text):
            yield single.replace("''", "'") or double


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)


def _data_files(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        name = text.strip("'")
        written = "://" not in name and "{" not in name and "(" not in name and name.isprintable()
        if written and PurePosixPath(name).suffix.lower() in _ENDINGS:
            yield name

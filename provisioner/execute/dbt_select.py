"""Inside the dbt worker: which nodes dbt selects, resolved by dbt's own selectors over the manifest that it parsed.

One `dbt ls` costs a quarter of a second for a thousand models, nearly all of it to link the graph. Here the graph is
linked once for all selections. What a selector of selectors.yml means is asked of `dbt ls`, which reads that file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.observe.dbt.graph import COMMANDS

Said = Mapping[str, Any]
# Runs `dbt ls` with these words, and returns dbt's own result.
List = Callable[[Sequence[str]], Any]


def resolve(manifest: Any, selections: Iterable[Said], project_dir: str, list_nodes: List) -> list[dict[str, Any]]:
    """For each selection its `nodes`, by unique id and sorted, or in dbt's words why it is `refused`.

    `known`, where nothing is selected: what could have been written. manifest: dbt's own object.
    """
    # Only the worker imports dbt. These are dbt's own, but no promise of dbt: the tests hold them against `dbt ls`.
    from dbt.compilation import Linker
    from dbt.graph.selector import NodeSelector
    from dbt_common.events.contextvars import task_contextvars

    selector = NodeSelector(Linker().get_graph(manifest), manifest)
    found = []
    with task_contextvars(project_root=project_dir):
        for said in selections:
            try:
                nodes = _named(said["selector"], list_nodes) if said["selector"] else _selected(said, selector)
            except Exception as refusal:
                found.append({"nodes": [], "refused": _words(refusal), "known": []})
                continue
            made = sorted(node for node in nodes if _leaves_a_relation(manifest, node))
            found.append({"nodes": made, "refused": "", "known": [] if made else _known(manifest)})
    return found


def _words(refusal: Exception) -> str:
    """dbt's own, without the kind of error that dbt puts above them."""
    return str(getattr(refusal, "msg", "") or refusal).strip() or type(refusal).__name__


def _selected(said: Said, selector: Any) -> set[str]:
    from dbt.graph.cli import parse_difference

    chosen: set[str] = selector.get_selected(parse_difference(said["select"], said["exclude"]), warn_on_no_nodes=False)
    return chosen


def _named(name: str, list_nodes: List) -> set[str]:
    # As one word, or dbt would take a name that begins with a dash for an option.
    outcome = list_nodes((f"--selector={name}", "--output", "json", "--output-keys", "unique_id"))
    if outcome.exception is not None:
        raise outcome.exception
    return {json.loads(line)["unique_id"] for line in outcome.result or ()}


def _leaves_a_relation(manifest: Any, unique_id: str) -> bool:
    """dbt runs no node without code."""
    node = manifest.nodes.get(unique_id)
    return node is not None and str(node.resource_type) in COMMANDS and not node.empty


def _known(manifest: Any) -> list[str]:
    nodes = [node for node in manifest.nodes.values() if str(node.resource_type) in COMMANDS]
    words = {node.name for node in nodes} | {f"tag:{tag}" for node in nodes for tag in node.tags}
    folders = {folder.as_posix() for node in nodes for folder in Path(node.original_file_path).parents}
    return sorted(words | (folders - {"."}) | {f"path:{folder}" for folder in folders - {"."}})

"""Whether the rows that a dbt node left matter to its next run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioner.observe.dbt.definition import Texts, names_macro
from provisioner.observe.dbt.jinja import in_jinja, without_config

# dbt's own that make everything anew. What one of the project's does cannot be told from its text.
_MADE_ANEW = ("table", "view", "ephemeral", "seed", "external", "materialized_view", "clone")
_CHANGES_ROWS = re.compile(r"\b(insert|update|delete|merge)\b", re.I)
_LOOKS_UP = re.compile(r"\b(get_relation|load_relation|load_cached_relation)\b")


def has_memory(node: Mapping[str, Any], texts: Texts) -> bool:
    """Whether the rows that are there matter to the next run: then a node is run again, never made afresh by itself."""
    if not _is_made_anew(node, texts):
        return True
    if node.get("language") == "python" and re.search(r"\bdbt\.this\b", texts.code):
        return True
    code = () if node.get("language") == "python" else (without_config(texts.code),)
    if any(_looks_at_what_is_there(text) for text in (*code, *(texts.macros[name] for name in texts.called))):
        return True
    named = [text for name, text in texts.macros.items() if any(names_macro(name, hook) for hook in texts.hooks)]
    return any(_CHANGES_ROWS.search(text) for text in (*texts.hooks, *named))


def _is_made_anew(node: Mapping[str, Any], texts: Texts) -> bool:
    if node["resource_type"] == "snapshot" or node["config"].get("materialized", "table") not in _MADE_ANEW:
        return False
    return not any(name.rpartition(".")[2].startswith("materialization_") for name in texts.macros)


def _looks_at_what_is_there(text: str) -> bool:
    return in_jinja("this", text) or bool(_LOOKS_UP.search(text))

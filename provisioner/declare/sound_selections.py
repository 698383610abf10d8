"""What must hold of one entry of `tables_from`. Whether it selects anything is for dbt to say."""

from __future__ import annotations

import re
from collections.abc import Callable

from provisioner.declare.outline import Outline, kind_of, texts
from provisioner.declare.problems import Problems, show
from provisioner.declare.suggest import did_you_mean
from provisioner.declare.yaml_tree import DictNode

SelectionCheck = Callable[[Outline, int, DictNode, Problems], None]

_METHOD = re.compile(r"@?(?:\d*\+)?(?P<method>[A-Za-z_]+)(?:\.[\w.]+)?:")
_RUN = "compares with the files of another run of dbt, which a manifest does not know."
_BY_WHAT_IT_IS = "Select by what a node is, with tag:, path: and the like; what is stale is found out anyhow."
_NEEDS_A_RUN = {method: (f"{method}: {_RUN}", _BY_WHAT_IT_IS) for method in ("state", "result", "source_status")}
_REFUSED = {
    **_NEEDS_A_RUN,
    "selector": ("dbt has no method selector:.", "Write `selector: NAME` in the place of select."),
}


def _is_in_a_known_tier(outline: Outline, number: int, entry: DictNode, problems: Problems) -> None:
    known = outline.tiers
    for tier in texts(entry, "tier"):
        if known is not None and tier.text not in known:
            cure, path = did_you_mean(tier.text, known, "tiers"), ("tables_from", number, "tier")
            problems.add(tier.place, "unknown_tier", f"there is no tier {show(tier.text)}.", cure, path)


def _has_a_dbt_step(outline: Outline, number: int, entry: DictNode, problems: Problems) -> None:
    path = ("tables_from", number, "step")
    for step in texts(entry, "step"):
        known = outline.steps.get(step.text)
        if step.text not in outline.step_names:
            if not problems.is_broken("steps"):
                cure = did_you_mean(step.text, _dbt_steps(outline), "dbt steps")
                problems.add(step.place, "unknown_step", f"there is no step {show(step.text)}.", cure, path)
        elif known is not None and kind_of(known) != "dbt":
            ours = _dbt_steps(outline)
            message = f"only dbt selects, and {show(step.text)} is a {kind_of(known)} step."
            cure = did_you_mean("", ours, "dbt steps") if ours else "Write its tables under `tables:`."
            problems.add(step.place, "selection", message, cure, path)


def _dbt_steps(outline: Outline) -> list[str]:
    return [name for name, node in outline.steps.items() if kind_of(node) == "dbt"]


def _needs_no_other_run(outline: Outline, number: int, entry: DictNode, problems: Problems) -> None:
    for key in ("select", "exclude"):
        for text in texts(entry, key):
            methods = [found["method"] for part in re.split(r"[\s,]+", text.text) if (found := _METHOD.match(part))]
            if refused := next((_REFUSED[method] for method in methods if method in _REFUSED), None):
                problems.add(text.place, "selection", *refused, ("tables_from", number, key))


def _holds_no_option(outline: Outline, number: int, entry: DictNode, problems: Problems) -> None:
    """`--exclude` and the like are words of dbt's command line; dbt would take them for names that nothing has."""
    for key in ("select", "exclude"):
        for text in texts(entry, key):
            if option := next((term for term in text.text.split() if term.startswith("-")), None):
                message = f"no selection begins with -, as {show(option)} does."
                cure = "Write what is to be left out under the key `exclude`, without a -."
                problems.add(text.place, "selection", message, cure, ("tables_from", number, key))


SELECTION_CHECKS: tuple[SelectionCheck, ...] = (
    _is_in_a_known_tier,
    _has_a_dbt_step,
    _needs_no_other_run,
    _holds_no_option,
)

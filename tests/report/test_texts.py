"""What people and programs are shown."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from provisioner.declare.values import Manifest, Place, TableName
from provisioner.errors import ManifestError, Problem, StepError
from provisioner.execute.events import NodeFinished, Noted, Outcome, RunFinished, RunStarted, UnitFinished, UnitStarted
from provisioner.execute.values import Run, UnitResult
from provisioner.observe.values import UnitKind
from provisioner.reconcile.values import Action, Drift, Mend, Plan, Reason
from provisioner.reconcile.wording import many
from provisioner.report.converged import plain
from provisioner.report.json import error_json, plan_json, run_json
from provisioner.report.log import json_listener
from provisioner.report.plan_text import plan_summary, plan_text
from provisioner.report.progress import Progress
from provisioner.report.run_text import error_text, run_text
from provisioner.report.words import seconds, short

MANIFEST = Manifest(
    "shop", Path("/p/shop.yaml"), Path("/p"), Path("/p/shop.duckdb"), ("seed", "mart"), (), (), "digest"
)
ORDERS, REPORT = TableName("main", "orders"), TableName("main", "report")


def drift(table: TableName, reason: Reason, mend: Mend, fact: str) -> Drift:
    return Drift(table, reason, mend, fact, "shop.yaml:7", str(table))


PLAN = Plan(
    (
        Action(
            Mend.RUN, "orders", UnitKind.LOAD, 0, (ORDERS,), (drift(ORDERS, Reason.MISSING, Mend.RUN, "is not there"),),
            estimate=0.5,
        ),
        Action(
            Mend.RUN, "report", UnitKind.SQL, 1, (REPORT,),
            (
                drift(REPORT, Reason.DEFINITION_CHANGED, Mend.RUN, "report.sql changed"),
                drift(REPORT, Reason.UPSTREAM_CHANGED, Mend.RUN, "orders changed"),
            ),
            estimate=1.25,
        ),
    )
)  # fmt: skip


def test_a_plan_is_aligned_tier_by_tier_with_every_reason_and_place() -> None:
    assert plan_text(PLAN, MANIFEST).splitlines() == [
        "shop  /p/shop.duckdb",
        "",
        "seed",
        "  + orders  load  missing             is not there  (shop.yaml:7)",
        "",
        "mart",
        "  ~ report  sql   definition_changed  report.sql changed  (shop.yaml:7)",
        "                  upstream_changed    orders changed  (shop.yaml:7)",
    ]
    assert plan_summary(PLAN) == "2 to run, about 2 s. Carry it out with: provision apply"


def test_paint_changes_nothing_but_colours() -> None:
    painted = plan_text(PLAN, MANIFEST, lambda text, colour: f"<{colour}>{text}</>")
    assert "<yellow>  ~</> report" in painted and "<green>  +</> orders" in painted
    for colour in ("bold", "dim", "yellow", "green", "red", "cyan"):
        painted = painted.replace(f"<{colour}>", "")
    assert painted.replace("</>", "") == plan_text(PLAN, MANIFEST)


def test_a_colour_parts_no_fact() -> None:
    """Else a secret with a bracket in it would not be found any more."""
    reason = drift(ORDERS, Reason.MISSING, Mend.RUN, "holds ab  (cd")
    plan = Plan((Action(Mend.RUN, "orders", UnitKind.LOAD, 0, (ORDERS,), (reason,)),))
    painted = plan_text(plan, MANIFEST, lambda text, colour: f"<{colour}>{text}</>")
    assert painted.endswith("holds ab  (cd<dim>  (shop.yaml:7)</>")


def test_nothing_to_do_is_said_in_a_line() -> None:
    assert plan_summary(Plan()) == "Nothing to do: the database is as declared."
    assert run_text(Run("", Plan(), Outcome.DONE, 0.1), MANIFEST) == "Nothing to do: the database is as declared."


def test_a_plan_as_json_has_the_same_words_as_its_text() -> None:
    body = json.loads(json.dumps(plan_json(PLAN, MANIFEST)))
    assert body["converged"] is False and body["estimate_seconds"] == 1.75
    assert [action["tier"] for action in body["actions"]] == ["seed", "mart"]
    assert body["actions"][1]["reasons"][0] == {
        "table": "report", "reason": "definition_changed", "fact": "report.sql changed", "place": "shop.yaml:7",
    }  # fmt: skip


def test_a_failed_run_tells_its_error_with_code_and_cure() -> None:
    error = StepError("orders failed", code="sql_failed", cure="Mend it.")
    run = Run(
        "r1",
        PLAN,
        Outcome.FAILED,
        2.0,
        (UnitResult("orders", "load", (ORDERS,), Outcome.FAILED, error=error),),
        error=error,
    )
    body = run_json(run, MANIFEST)
    assert body["error"] == {"code": "sql_failed", "message": "orders failed", "cure": "Mend it."}
    assert body["units"][0]["outcome"] == "failed"
    assert run_text(run, MANIFEST) == "shop is not as declared: 1 failed in 2.00 s."
    assert error_text(error, plain) == "error: orders failed\n  cure: Mend it."


def test_every_problem_of_a_manifest_is_shown_with_its_place() -> None:
    error = ManifestError(
        (Problem(str(Place("m.yaml", 3, 1)), "unknown_key", "tierr is unknown.", "Did you mean tier?"),)
    )
    assert (
        error_text(error)
        == "error: the manifest has 1 problem\nm.yaml:3:1: tierr is unknown.\n  cure: Did you mean tier?"
    )
    assert error_json(error)["problems"][0]["place"] == "m.yaml:3:1"


EVENTS = (
    RunStarted("r1", 1, 0.5),
    UnitStarted("r1", "model.shop.orders", "dbt", 1, 1),
    NodeFinished("r1", "model.shop.orders", "success", 0.24, 1, 1, 0.0),
    UnitFinished("r1", "model.shop.orders", "dbt", Outcome.DONE, 0.25, 1, 1, rows=1200),
    Noted("the disk is nearly full", warning=True),
    RunFinished("r1", Outcome.DONE, 0.3),
)


def test_progress_is_a_line_for_each_start_and_end() -> None:
    out = io.StringIO()
    progress = Progress(out, plain)
    for event in EVENTS:
        progress(event)
    progress.close()
    assert out.getvalue().splitlines() == [
        "run r1: 1 action, about 1 s",
        "    1/1  made     orders  0.24 s",
        "    1/1  done     orders  0.25 s  1,200 rows",
        "warning: the disk is nearly full",
    ]


def test_the_structured_log_is_one_json_object_an_event() -> None:
    out = io.StringIO()
    tell = json_listener(out)
    for event in EVENTS:
        tell(event)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        "run_started",
        "unit_started",
        "node_finished",
        "unit_finished",
        "noted",
        "run_finished",
    ]
    assert (lines[2]["number"], lines[2]["of"], lines[2]["left"]) == (1, 1, 0.0)
    assert (lines[3]["unit"], lines[3]["outcome"], lines[3]["seconds"]) == ("model.shop.orders", "done", 0.25)
    assert lines[4]["level"] == "WARNING"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "0.00 s"), (9.99, "9.99 s"), (59.9, "59.9 s"), (245, "4 min 05 s"), (3725, "1 h 02 min")],
)
def test_durations_are_read_at_a_glance(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("model.shop.orders", "orders"),
        ("table:app_notes", "app_notes"),
        ("orders", "orders"),
        ("model.shop.o.v1", "o.v1"),
    ],
)
def test_units_are_named_by_what_a_person_knows(unit: str, text: str) -> None:
    assert short(unit) == text


def test_counts_have_their_plural() -> None:
    assert (many(1, "row"), many(2654, "row")) == ("1 row", "2,654 rows")

"""A run as events, written to a journal and read back."""

from __future__ import annotations

from pathlib import Path

from provisioner.execute.events import Event, Noted, Outcome, RunFinished, RunStarted, UnitFinished, UnitStarted
from provisioner.execute.history import History, journal_path, read_journal
from provisioner.execute.journal import Journal, RunFacts

FACTS = RunFacts(
    command="provision apply",
    manifest="shop",
    digest="d1",
    who="ada@saturn 4711",
    planned=("load_orders", "totals"),
    versions={"provision": "0.1.0", "duckdb": "2.0.0"},
    commit="abc123",
    clean=False,
)


def run_of(run: str) -> list[Event]:
    return [
        RunStarted(run, 2, None),
        UnitStarted(run, "load_orders", "load", 1, 2),
        UnitFinished(run, "load_orders", "load", Outcome.DONE, 1.25, 1, 2, rows=16),
        Noted("never kept"),
        UnitStarted(run, "totals", "sql", 2, 2),
        UnitStarted(run, "totals", "sql", 2, 2, attempt=2),
        UnitFinished(run, "totals", "sql", Outcome.FAILED, 0.5, 2, 2, error="Binder Error: no x\nLINE 1", cure="look"),
        RunFinished(run, Outcome.FAILED, 2.0, error="1 unit failed"),
    ]


def write(database: Path, events: list[Event]) -> list[Event]:
    """Append to the journal; what it had to say is returned."""
    told: list[Event] = []
    with Journal(database, FACTS, told.append) as journal:
        listen = journal.listener()
        for event in events:
            listen(event)
    return told


def history_of(database: Path) -> History:
    return read_journal(journal_path(database))

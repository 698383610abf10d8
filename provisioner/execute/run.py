"""One apply from the lock to the last word.

glance -> (converged: nothing is written) -> lock -> recover -> plan again -> agree -> carry out -> look again -> unlock
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

from provisioner.errors import BusyError
from provisioner.execute.events import Noted, Outcome
from provisioner.execute.holder import Holder
from provisioner.execute.lock import held
from provisioner.execute.locked import Locked, needs_dbt
from provisioner.execute.request import Names, make_request
from provisioner.execute.session import NotCached, Observed, Session
from provisioner.execute.terms import Terms
from provisioner.execute.values import Run
from provisioner.observe.database import FileCondition, inspect_file


def apply(session: Session, terms: Terms) -> Run:
    """Make the database what the manifest says. What failed is in the result; errors before it began are raised."""
    begun, stop = time.monotonic(), session.stop
    seen = None if terms.restart else _glance(session, terms)
    if seen is not None and seen.plan.converged and not seen.catalog.marks:
        return Run("", seen.plan, Outcome.DONE, time.monotonic() - begun)
    run = _new_id()

    waited: list[Holder] = []

    def on_wait(holder: Holder) -> None:
        waited.append(holder)
        session.tell(Noted(f"waiting for {holder}"))

    with held(
        session.manifest.database,
        command=terms.command,
        run=run,
        timeout=terms.lock_timeout,
        on_wait=on_wait,
        should_stop=lambda: stop.requested,
    ) as lock:
        session.guard = lock.guard_fd
        # Files may have changed while we waited; otherwise what was read a moment ago still holds.
        graph = seen.graph if seen and not waited else None
        if seen and graph and needs_dbt(seen.plan):
            session.worker().parse_ahead()  # dbt takes seconds to get ready: meanwhile we look again
        return Locked(session, terms, run, graph).apply(begun)


def _glance(session: Session, terms: Terms) -> Observed | None:
    """The plan without a lock, where that is cheap; None when only the lock can tell."""
    if inspect_file(session.manifest.database) is not FileCondition.PRESENT:
        if session.manifest.tables_from and terms.names != Names():
            # Only dbt knows all tables; a name that leads nowhere is told before anything is made.
            make_request(terms.names, session.graph().tables, session.manifest)
            session.dismiss_worker()
        return None
    try:
        return session.observe(terms.names, may_parse=False)
    except (NotCached, BusyError):
        return None


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"

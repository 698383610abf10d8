"""One apply from the lock to the last word.

glance -> (converged: nothing is written) -> lock -> recover -> plan again -> agree -> carry out -> look again -> unlock
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from provisioner.declare.redact import redact_error
from provisioner.errors import BusyError, DatabaseError, ProvisionError
from provisioner.execute.events import Outcome
from provisioner.execute.request import Names, make_request
from provisioner.execute.session import NotCached, Observed, Session
from provisioner.execute.terms import Terms
from provisioner.execute.values import Run
from provisioner.observe.database import FileCondition, inspect_file
from provisioner.observe.wal import wal_files


def apply(session: Session, terms: Terms) -> Run:
    """Make the database what the manifest says. What failed is in the result; errors before it began are raised."""
    begun = time.monotonic()
    seen = None if terms.restart or terms.recreate else _glance(session, terms)
    if seen is not None and seen.plan.converged and not seen.catalog.marks:
        folded = _fold(session, terms, seen, begun) if wal_files(session.manifest.database) else None
        return folded or Run("", seen.plan, Outcome.DONE, time.monotonic() - begun)
    # Imported late, with all that it takes to write: most applies find nothing to do.
    from provisioner.execute.locked import apply_locked

    return _discreet(apply_locked(session, terms, seen, begun), session)


def _discreet(run: Run, session: Session) -> Run:
    """Its errors without secrets."""
    for error in (*(result.error for result in run.units), run.error):
        if error is not None:
            redact_error(error, session.secrets)
    return run


def _fold(session: Session, terms: Terms, seen: Observed, begun: float) -> Run | None:
    """What a dead run committed last may be in its WAL alone: write it into the file, unless someone is at work."""
    from provisioner.execute.locked import apply_locked

    with suppress(ProvisionError):
        return _discreet(apply_locked(session, replace(terms, lock_timeout=0), seen, begun), session)
    return None


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
    except DatabaseError as error:
        if error.code == "database_wal":
            return None
        raise

"""Random tables that become other random tables, killed at a point within, and gone on with."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import neighbours  # noqa: F401  so that the next line finds its module
from examples import examples
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st
from strike import NotStruck, Strike, kill
from worlds import differences, facts_of

import provisioner

sys.path.append(str(Path(__file__).resolve().parents[1] / "migrate"))

from random_tables import Pair, pairs
from test_random_migrations import WITHOUT_SHRINKING, declare, fill, in_the_way

STRIKES = [
    *(Strike("execute.runners.migrate:_carry_out", "after", nth) for nth in (1, 2, 3, 5)),
    Strike("execute.single:verify_shape"),
    Strike("execute.single:verify_shape", "after", 2),
    Strike("execute.transaction:grant", "after"),
    Strike("execute.transaction:read_back"),
    Strike("execute.transaction:read_back", nth=2),
    Strike("execute.live:Live.rest"),
]


@examples(3, phases=WITHOUT_SHRINKING, suppress_health_check=list(HealthCheck))
@given(st.lists(pairs(), min_size=2, max_size=4), st.sampled_from(STRIKES))
def test_killed_within_any_change_the_next_apply_makes_the_rest_of_it(found: list[Pair], strike: Strike) -> None:
    with TemporaryDirectory() as text:
        folder, undisturbed = Path(text, "killed"), Path(text, "undisturbed")
        folder.mkdir()
        tables = {f"s{number}.t": pair for number, pair in enumerate(found)}
        provisioner.apply(declare(folder, {name: pair.before for name, pair in tables.items()}), cache=False)
        fill(folder, tables)
        path = declare(folder, {name: pair.after for name, pair in tables.items()})
        plan = provisioner.plan(path, cache=False)
        assume(plan.actions and not in_the_way(plan))
        allow = sorted({str(hazard.kind) for hazard in plan.hazards})
        shutil.copytree(folder, undisturbed)
        provisioner.apply(undisturbed / path.name, allow=allow, cache=False)
        try:
            kill(path, strike, "apply", *(word for kind in allow for word in ("--allow", kind)))
        except NotStruck as missed:
            assume("never came to" not in str(missed))
            raise
        provisioner.apply(path, allow=allow, cache=False)
        assert (
            differences(facts_of(undisturbed / "build" / "shop.duckdb"), facts_of(folder / "build" / "shop.duckdb"))
            == []
        )
        assert provisioner.plan(path, cache=False).converged

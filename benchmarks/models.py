"""A dbt project of 1,000 models: built once, converged, and with one leaf edited."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from findings import Finding, in_turn, seconds
from generate import ModelsShape, write_models
from place import Place, Sample
from workforce import converged_plans, expect_made

SHAPE = ModelsShape()


def models(folder: Path, runs: int) -> list[Finding]:
    """Built once by provision and once by dbt itself; then everything is measured on what provision built."""
    manifest = write_models(folder, SHAPE)
    place = Place(folder, manifest, folder / "build" / "synthetic.duckdb", folder / "dbt")
    size = f"{SHAPE.models:,} models"
    return [_built(place, size), *converged_plans(place, size, runs, 2.5, None), *_edited(place, size, runs)]


def _built(place: Place, size: str) -> Finding:
    """Told and not judged: it is too long to be run often."""
    place.forget_database()
    place.dbt("parse")
    theirs = place.dbt("seed").then(place.dbt("run"))
    place.forget_database()
    ours = place.provision("apply", "--format", "json")
    if len(ours.json()["units"]) != SHAPE.models + SHAPE.seeds:
        raise RuntimeError(f"expected every model and seed to run, and {len(ours.json()['units'])} units did")
    return Finding(f"{size}, first apply", "dbt seed, run", [ours.seconds], [theirs.seconds], None)


def _edited(place: Place, size: str, runs: int) -> list[Finding]:
    leaf = SHAPE.layer(SHAPE.layers)[-1]
    edit = _editor(place.folder / "dbt" / "models" / f"layer_{SHAPE.layers}" / f"{leaf}.sql")

    def planned() -> Sample:
        edit()
        sample = place.provision("plan", "--format", "json")
        if [action["tables"] for action in sample.json()["actions"]] != [[leaf]]:
            raise RuntimeError(f"expected {leaf} alone in the plan: {sample.printed}")
        return sample

    def parsed() -> Sample:
        edit()
        return place.dbt("parse")

    def applied() -> Sample:
        edit()
        return expect_made(place.provision("apply", "--format", "json"), leaf)

    def ran() -> Sample:
        edit()
        return place.dbt("run", "--select", leaf)

    plan, parse, apply, run = map(seconds, in_turn(runs, planned, parsed, applied, ran))
    return [
        Finding(f"{size}, a leaf edited, plan", "dbt parse", plan, parse, 1.1),
        Finding(f"{size}, a leaf edited, apply", "dbt run --select", apply, run, None),
    ]


def _editor(path: Path) -> Callable[[], None]:
    """What edits the model another time, so that its rows stay and its SQL does not."""
    text, numbers = path.read_text(encoding="utf-8"), count(1000)

    def edit() -> None:
        path.write_text(f"{text}limit {next(numbers)}\n", encoding="utf-8")

    return edit

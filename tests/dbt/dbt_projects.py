"""Small dbt projects that the tests of this folder write."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from provisioner.declare.values import DbtProject, Place

PLACE = Place("shop.yaml", 4, 1)
SLOW = "select sum(a.range * b.range) as s from range(10000000) a, range(100000) b"
BASE = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nvars: {year: 2025}\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: own.duckdb, threads: 1}\n",
    "seeds/ages.csv": "id,label\n1,young\n2,old\n",
    "models/stg_ages.sql": "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('ages') }}\n",
    "models/bands.sql": (
        "{{ config(materialized='table') }}\nselect id, label, {{ var('year') }} as y from {{ ref('stg_ages') }}\n"
    ),
    "models/shown.sql": "select * from {{ ref('bands') }}\n",
}

Write = Callable[..., DbtProject]


def write_files(folder: Path, files: Mapping[str, str | None]) -> None:
    """Make each file, or with None remove it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text)


def make_project(folder: Path, files: Mapping[str, str | None], **settings: Any) -> DbtProject:
    write_files(folder, files)
    return DbtProject(folder, PLACE, **settings)


def is_gone(pid: int, within: float = 1.0) -> bool:
    """Whether the process ends within so many seconds. A zombie has ended, once the last of its threads has."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            threads = list(Path(f"/proc/{pid}/task").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z" and len(threads) == 1:
            return True
        time.sleep(0.02)
    return False

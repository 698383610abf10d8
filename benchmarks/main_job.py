"""How long the main job takes: first apply, converged plan, repair of one table, for both bundled manifests.

    python benchmarks/main_job.py [RUNS]

Every run is a process of its own, with a cache and a database that begin empty. Each command takes turns with the
yardstick, a process that imports duckdb, opens the database read-only and lists its tables; `x` is the median of the
command over the median of the yardstick. Memory is that of its largest single process, dbt's worker included.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DROPPED = {"workforce": "int_baseline_workforce", "flights": "delay_by_weather"}
YARDSTICK = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); c.execute('FROM duckdb_tables()').fetchall()"
)


def timed(command: list[str], cache: Path) -> tuple[float, float]:
    """Wall seconds and peak MiB of one process. Raises when it fails."""
    begun = time.monotonic()
    child = subprocess.Popen(
        command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - begun, usage.ru_maxrss / 1024


def measure(name: str, runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project, cache = Path(folder) / "project", Path(folder) / "cache"
        for part in ("manifests", "dbt"):
            shutil.copytree(ROOT / part, project / part)
        manifest, database = project / "manifests" / f"{name}.yaml", project / "build" / f"{name}.duckdb"
        provision = [sys.executable, "-m", "provisioner"]
        apply, plan = ([*provision, word, "--manifest", str(manifest)] for word in ("apply", "plan"))
        yardstick = [sys.executable, "-c", YARDSTICK, str(database)]
        drop = [
            sys.executable,
            "-c",
            "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])",
            str(database),
        ]
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(runs):
            for left in (database.parent, cache):
                shutil.rmtree(left, ignore_errors=True)
            found.setdefault("first apply", []).append(timed(apply, cache))
            found.setdefault("converged plan", []).append(timed(plan, cache))
            found.setdefault("converged apply", []).append(timed(apply, cache))
            timed([*drop, f"DROP TABLE {DROPPED[name]}"], cache)
            found.setdefault("one table repaired", []).append(timed(apply, cache))
            found.setdefault("yardstick", []).append(timed(yardstick, cache))
    base = statistics.median(seconds for seconds, _ in found["yardstick"])
    for what, all_of in found.items():
        seconds = statistics.median(one for one, _ in all_of)
        peak = max(one for _, one in all_of)
        print(f"{name:<10} {what:<18} {seconds:7.2f} s {seconds / base:7.1f} x {peak:7.0f} MiB  ({len(all_of)} runs)")


if __name__ == "__main__":
    for each in DROPPED:
        measure(each, int(sys.argv[1]) if len(sys.argv) > 1 else 5)

"""The crash campaign: each row tries every point of one kind of death or damage, against real files and processes.

    python tests/crash/run_campaign.py                    all rows, in full: hours
    python tests/crash/run_campaign.py --short            a seeded sample of each: minutes
    python tests/crash/run_campaign.py journal kills      these rows

Prints one line a row; with --record FILE appends them to a file of JSON lines, of which --table FILE makes a table in
Markdown. Ends with 1 when a row failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import duckdb
import neighbours  # noqa: F401  so that the next line finds its module
import warm_workers
from campaign import Result, Row, Scale

ROWS = (
    "failpoints",
    "syscalls",
    "second_kills",
    "kills",
    "faults",
    "processes",
    "journal",
    "ddl",
    "files",
    "manifests",
    "caches",
    "mutants",
)


def row_of(name: str) -> Row:
    """The function of a row: `campaign` in the module `campaign_<name>`."""
    row: Row = import_module(f"campaign_{name}").campaign
    return row


def main() -> int:
    options = _options()
    if options.table:
        _print_table(options.table)
        return 0
    failed = False
    warm_workers.preload_python()
    warm_workers.preload_dbt()
    for name in options.rows or ROWS:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"crash-{name}-") as folder:
            result = row_of(name)(Scale(Path(folder), options.seed, options.short, options.jobs))
        seconds = time.monotonic() - begun
        _tell(name, result, seconds)
        if options.record:
            _record(options.record, name, result, seconds, short=options.short)
        failed = failed or bool(result.failures)
    return int(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--short", action="store_true", help="a seeded sample of each row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="so many processes at once")
    parser.add_argument("--record", type=Path, help="append the results to this file, as JSON lines")
    parser.add_argument("--table", type=Path, help="print what this file records as a table, and try nothing")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    return options


def _tell(name: str, result: Result, seconds: float) -> None:
    verdict = f"{len(result.failures)} FAILED" if result.failures else "ok"
    print(f"{name:12}  {result.points:>7,} points  {seconds:8.1f} s  {verdict}  {result.note}", flush=True)
    for failure in result.failures[:50]:
        print(f"    {failure}", flush=True)


def _record(path: Path, name: str, result: Result, seconds: float, *, short: bool) -> None:
    fields = {
        "row": name,
        "duckdb": duckdb.__version__,
        "points": result.points,
        "failures": len(result.failures),
        "seconds": round(seconds, 1),
        "short": short,
        "note": result.note,
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(fields) + "\n")


def _print_table(path: Path) -> None:
    """The newest record of each row and DuckDB version, in the order of the rows."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    newest = {(ROWS.index(record["row"]), record["duckdb"]): record for record in records}
    print("| row | what is tried | DuckDB | points | failed | takes |")
    print("| --- | --- | --- | ---: | ---: | ---: |")
    for _, record in sorted(newest.items()):
        what = (import_module(f"campaign_{record['row']}").__doc__ or "").splitlines()[0].rstrip(".")
        print(
            f"| `{record['row']}` | {what} | {record['duckdb']} | {record['points']:,} | {record['failures']} "
            f"| {record['seconds']:,.0f} s |"
        )


if __name__ == "__main__":
    sys.exit(main())

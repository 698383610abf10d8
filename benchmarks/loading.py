"""One large CSV file, and the same done by hand."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

from findings import Finding, in_turn, mebibytes, seconds
from generate import SEED
from place import Place, Sample

ROWS = 500_000
COLUMNS = {
    "order_id": "BIGINT",
    "customer_id": "INTEGER",
    "ordered_on": "DATE",
    "paid_at": "TIMESTAMP",
    "status": "VARCHAR",
    "country": "VARCHAR",
    "amount": "DECIMAL(12,2)",
    "discount": "DOUBLE",
    "is_gift": "BOOLEAN",
    "note": "VARCHAR",
}
MANIFEST = """\
version: 1
name: loading
database: ../build/loading.duckdb
tiers: [raw]
steps:
  orders: {{load: ../data/orders.csv}}
tables:
  orders:
    tier: raw
    step: orders
    columns:
{columns}"""
BY_HAND = """
import duckdb, sys, time
begun = time.perf_counter()
connection = duckdb.connect(sys.argv[1])
connection.execute(f"CREATE TABLE orders AS FROM read_csv(?, header = true, columns = {sys.argv[3]})", [sys.argv[2]])
connection.close()
print(time.perf_counter() - begun)
"""


def load(folder: Path, runs: int) -> list[Finding]:
    """The file into an empty database. Compared as whole processes, and as what each spends on the load itself."""
    data = folder / "data" / "orders.csv"
    write_orders(data)
    place = Place(folder, folder / "manifests" / "loading.yaml", folder / "build" / "loading.duckdb")
    place.manifest.parent.mkdir()
    lines = "".join(f"      {name}: {kind}\n" for name, kind in COLUMNS.items())
    place.manifest.write_text(MANIFEST.format(columns=lines), encoding="utf-8")

    def ours() -> Sample:
        place.forget_database()
        return place.provision("apply", "--format", "json")

    def theirs() -> Sample:
        place.forget_database()
        return place.python(BY_HAND, str(data), str(COLUMNS))

    found, base = in_turn(runs, ours, theirs)
    alone = [sample.json()["units"][0]["seconds"] for sample in found]
    by_hand = [float(sample.printed) for sample in base]
    what, yardstick = f"load of {ROWS:,} rows", "CREATE TABLE AS FROM read_csv"
    return [
        Finding(f"{what}, whole process", yardstick, seconds(found), seconds(base), 1.3),
        Finding(f"{what}, the step alone", yardstick, alone, by_hand, None),
        Finding(f"{what}: memory", yardstick, mebibytes(found), mebibytes(base), 1.3, "MiB"),
    ]


def write_orders(path: Path) -> None:
    """The same file every time."""
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_orders(random.Random(SEED)))


def _orders(chance: random.Random) -> Iterator[tuple[object, ...]]:
    for number in range(1, ROWS + 1):
        day = f"2025-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        yield (
            number,
            chance.randint(1, 40_000),
            day,
            f"{day} {chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:00",
            chance.choice(("open", "paid", "sent", "returned")),
            chance.choice(("DE", "FR", "NL", "US", "JP")),
            chance.randint(100, 99_999) / 100,
            round(chance.random() / 4, 4),
            chance.choice(("true", "false")),
            f"left by {chance.choice(('phone', 'mail', 'web'))}, no. {chance.randint(1, 9999):04d}",
        )

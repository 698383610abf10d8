"""Changes of a declared table that holds a million rows, and the same done by hand."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from findings import Finding, in_turn, mebibytes, seconds
from place import Place, Sample

ROWS = 1_000_000
# Below this many seconds by hand, what provision does once for each unit is all that a ratio would tell.
JUDGED = 0.1
COLUMNS = {
    "id": "BIGINT",
    "customer": "INTEGER",
    "placed_on": "DATE",
    "paid_at": "TIMESTAMP",
    "status": "VARCHAR",
    "country": "VARCHAR",
    "amount": "DECIMAL(12,2)",
    "discount": "DOUBLE",
    "gift": "BOOLEAN",
    "note": "VARCHAR",
}
FILL = f"""
INSERT INTO orders SELECT i, hash(i) % 40000, DATE '2025-01-01' + (i % 365)::INTEGER,
    TIMESTAMP '2025-01-01' + INTERVAL (i % 31536000) SECOND, ['open', 'paid', 'sent'][1 + i % 3],
    ['DE', 'FR', 'NL', 'US'][1 + (hash(i + 1) % 4)::INTEGER], (100 + hash(i + 2) % 99899) / 100,
    (hash(i + 3) % 2500) / 10000, i % 7 = 0, 'left by phone, no. ' || hash(i + 4) % 9999
FROM range({ROWS}) r(i)"""
BY_HAND = """
import duckdb, json, sys, time
connection = duckdb.connect(sys.argv[1])
begun = time.perf_counter()
connection.execute("BEGIN")
for statement in json.loads(sys.argv[2]):
    connection.execute(statement)
connection.execute("COMMIT")
connection.execute("CHECKPOINT")
print(time.perf_counter() - begun)
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A change. columns, table: what is declared otherwise. by_hand: the statements of who knows DuckDB.

    made: what a new table is made with; then it is filled, and takes the old one's place. bound: of the ratio.
    """

    name: str
    columns: dict[str, str | None] | None = None
    table: str = ""
    by_hand: tuple[str, ...] = ()
    made: str = ""
    selected: str = "*"
    bound: float = 1.3
    indexed: bool = False


def _altered(name: str, columns: dict[str, str | None], statement: str, table: str = "") -> Kind:
    return Kind(name, columns, table, (f"ALTER TABLE orders {statement}",))


_INDEXES = ("CREATE INDEX by_customer ON orders (customer)", "CREATE INDEX by_day ON orders (placed_on)")
KINDS = (
    _altered("a new column", {"more": "INTEGER"}, "ADD COLUMN more INTEGER"),
    _altered(
        "a new column with a default", {"more": "{type: INTEGER, default: 7}"}, "ADD COLUMN more INTEGER DEFAULT 7"
    ),
    _altered("a column less", {"note": None}, "DROP COLUMN note"),
    _altered(
        "another name for a column",
        {"note": None, "remark": "{type: VARCHAR, renamed_from: note}"},
        "RENAME COLUMN note TO remark",
    ),
    _altered("a wider type", {"customer": "BIGINT"}, "ALTER customer TYPE BIGINT"),
    _altered("a narrower type", {"amount": "DECIMAL(9,2)"}, "ALTER amount TYPE DECIMAL(9,2)"),
    _altered("NOT NULL", {"id": "{type: BIGINT, nullable: false}"}, "ALTER id SET NOT NULL"),
    _altered("a default", {"status": "{type: VARCHAR, default: \"'open'\"}"}, "ALTER status SET DEFAULT 'open'"),
    Kind("a comment", {}, "comment: of the shop", ("COMMENT ON TABLE orders IS 'of the shop'",)),
    Kind("an index", {}, "indexes: {by_customer: [customer]}", _INDEXES[:1]),
    Kind("a primary key", {}, "primary_key: [id]", made="PRIMARY KEY (id)", bound=1.5),
    Kind("a check", {}, "check: [amount > 0]", made="CHECK (amount > 0)", bound=1.5),
    Kind(
        "a column that is filled from others",
        {"total": "{type: DOUBLE, nullable: false, backfill: amount * (1 - discount)}"},
        made="total DOUBLE NOT NULL",
        selected="*, amount * (1 - discount)",
        bound=1.5,
    ),
    Kind(
        "a wider type under two indexes",
        {"customer": "BIGINT"},
        "indexes: {by_customer: [customer], by_day: [placed_on]}",
        by_hand=_INDEXES,
        made="CHECK (true)",
        bound=1.5,
        indexed=True,
    ),
)


def change(folder: Path, runs: int) -> list[Finding]:
    """Each change alone, on a copy of the same file: what the change itself takes, and the whole process."""
    place = Place(folder, folder / "manifests" / "shop.yaml", folder / "build" / "shop.duckdb")
    place.manifest.parent.mkdir()
    found: list[Finding] = []
    for indexed in (False, True):
        base = _make_base(place, indexed)
        for kind in KINDS:
            if kind.indexed is indexed:
                found += _measure(place, base, kind, runs)
    return found


def _make_base(place: Place, indexed: bool) -> Path:
    place.forget_database()
    declare(place.manifest, dict(COLUMNS), KINDS[-1].table if indexed else "")
    place.provision("apply")
    place.sql(FILL)
    base = place.folder / f"base-{indexed}.duckdb"
    shutil.move(place.database, base)
    return base


def declare(manifest: Path, columns: dict[str, str], table: str = "") -> None:
    """The manifest with one table."""
    lines = "".join(f"      {name}: {kind}\n" for name, kind in columns.items())
    more = f"    {table}\n" if table else ""
    text = "version: 1\nname: shop\ndatabase: ../build/shop.duckdb\ntiers: [own]\ntables:\n  orders:\n    tier: own\n"
    manifest.write_text(f"{text}{more}    columns:\n{lines}", encoding="utf-8")


def _measure(place: Place, base: Path, kind: Kind, runs: int) -> list[Finding]:
    declare(place.manifest, columns_of(kind), kind.table)
    fresh = partial(shutil.copy, base, place.database)
    statements = json.dumps(statements_of(kind))

    def ours() -> Sample:
        place.forget_database()
        fresh()
        return place.provision("apply", "--allow", "drops_column", "--format", "json")

    def theirs() -> Sample:
        place.forget_database()
        fresh()
        return place.python(BY_HAND, statements)

    found, by_hand = in_turn(runs, ours, theirs)
    alone, bare = [_only_unit(sample) for sample in found], [float(sample.printed) for sample in by_hand]
    judged = sorted(bare)[len(bare) // 2] >= JUDGED
    what, yardstick = (
        f"{kind.name}, 1,000,000 rows",
        "a new table, filled by hand" if kind.made else "the bare statement",
    )
    lines = [Finding(what, yardstick, alone, bare, kind.bound if judged else None)]
    if judged:
        lines.append(Finding(f"{what}, whole process", yardstick, seconds(found), seconds(by_hand), None))
    if kind.made:
        lines.append(Finding(f"{what}: memory", yardstick, mebibytes(found), mebibytes(by_hand), 1.5, "MiB"))
    return lines


def columns_of(kind: Kind) -> dict[str, str]:
    """As declared after the change."""
    columns = {**COLUMNS, **(kind.columns or {})}
    return {name: text for name, text in columns.items() if text is not None}


def statements_of(kind: Kind) -> tuple[str, ...]:
    """The change by hand; a table that is made anew has the declared types."""
    if not kind.made:
        return kind.by_hand
    plain = {name: (kind.columns or {}).get(name) or declared for name, declared in COLUMNS.items()}
    columns = ", ".join(f"{name} {declared}" for name, declared in plain.items())
    return (
        f"CREATE TABLE renewed ({columns}, {kind.made})",
        f"INSERT INTO renewed SELECT {kind.selected} FROM orders",
        "DROP TABLE orders",
        "ALTER TABLE renewed RENAME TO orders",
        *kind.by_hand,
    )


def _only_unit(sample: Sample) -> float:
    (unit,) = sample.json()["units"]
    if unit["kind"] != "alter" or unit["outcome"] != "done":
        raise RuntimeError(f"expected one change, and it was {unit}")
    return float(unit["seconds"])

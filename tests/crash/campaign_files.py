"""Database files and WALs cut, altered, foreign and newer: the right error, and the file as it was.

Every point is tried by plan, check, history, ensure and apply. Where DuckDB does not notice the damage (not every byte
of a file means something), they must do what they always do.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from campaign import Result, Scale
from damage import Said, Shop, flip, leave_wal, mark_as_ours, rewrite_head, write_parquet, write_sqlite

BLOCK, HEADS = 262_144, 12_288
DAMAGE = frozenset(
    {"database_damaged", "database_truncated", "database_foreign", "database_newer", "database_older"}
    | {"database_encrypted", "database_is_folder"}
)


@dataclass(frozen=True, slots=True)
class Point:
    """One damage. expected: the codes of which one must be told; empty where it may go unnoticed too."""

    name: str
    act: Callable[[Shop], object]
    expected: frozenset[str] = frozenset()


def campaign(scale: Scale) -> Result:
    template = make_template(scale.folder / "template")
    points = [*scale.sample(list(_lengths(template)), 25), *scale.sample(list(_heads()), 25), *_kinds()]
    points += scale.sample(list(_blocks(template, 40 if scale.short else 600)), 25)
    points += scale.sample(list(_logs(template)), 25)
    failures, unnoticed = [], 0
    # Forked workers know the points already: what a point does to a file cannot be sent to them.
    with ProcessPoolExecutor(scale.jobs, get_context("fork"), _POINTS.extend, (points,)) as pool:
        found = pool.map(partial(_try_number, template, scale.folder), range(len(points)), chunksize=4)
        for number, (bad, seen) in enumerate(found, 1):
            failures += bad
            unnoticed += not seen
            if number % 500 == 0:
                print(f"files: {number} of {len(points)}", file=sys.stderr)
    return Result(len(points), tuple(failures), f"{unnoticed} that DuckDB does not notice")


_POINTS: list[Point] = []


def _try_number(template: Shop, where: Path, number: int) -> tuple[list[str], bool]:
    return try_point(template, where, _POINTS[number])


def every_point(template: Shop, blocks: int) -> list[Point]:
    """blocks: how many places behind the heads."""
    return [*_lengths(template), *_heads(), *_kinds(), *_blocks(template, blocks), *_logs(template)]


def make_template(folder: Path) -> Shop:
    """A shop with a database at rest, and `with-wal`: the same one with a WAL of an application that died."""
    shop = Shop(folder).write()
    assert shop.say([("apply",)])[0].code == 0
    leave_wal(shop, "INSERT INTO notes VALUES (1, 'Ada')", "INSERT INTO notes VALUES (2, 'Bob')")
    shutil.copy(shop.wal, folder / "wal-of-others")
    shutil.copy(shop.database, folder / "beside-wal")
    shop.wal.unlink()
    leave_wal(shop, "CREATE TABLE extra (id INTEGER)", "INSERT INTO extra VALUES (1)", before=mark_as_ours)
    shutil.copy(shop.wal, folder / "wal-of-ours")
    shop.wal.unlink()
    return shop


def try_point(template: Shop, where: Path, point: Point) -> tuple[list[str], bool]:
    """What was wrong, and whether the damage was noticed."""
    import tempfile

    with tempfile.TemporaryDirectory(dir=where) as folder:
        shop = Shop(Path(folder) / "shop")
        shutil.copytree(template.folder, shop.folder)
        point.act(shop)
        return judge(shop, point)


def judge(shop: Shop, point: Point) -> tuple[list[str], bool]:
    before = shop.fingerprint() if shop.database.is_file() else {}
    try:
        said = shop.say()
    except AssertionError as died:
        return [f"{point.name}: died: {str(died)[-300:]}"], True
    wrong = [f"{point.name}: {one.words}: {why}" for one in said if (why := _wrong(one, point))]
    if all(one.code for one in said if one.words not in ("check", "history")) and before:
        after = shop.fingerprint()
        if before != after:
            wrong.append(f"{point.name}: files changed: {sorted(before)} to {sorted(after)}")
    return wrong, any(one.code for one in said)


def _wrong(one: Said, point: Point) -> str:
    if "Traceback" in one.text or one.error in ("unexpected", "silent", "failed"):
        return f"{one.error}: {one.text[-300:]!r}"
    if one.words in ("check", "history"):
        return "" if one.code == 0 else f"exit {one.code} {one.error}"
    if one.code == 0:
        return f"expected {sorted(point.expected)}" if point.expected else ""
    allowed = point.expected or DAMAGE | {"database_wal"}
    return "" if one.error in allowed else f"{one.error}: {one.text[-300:]!r}"


def _lengths(template: Shop) -> Iterator[Point]:
    """Every length up to the end of the heads and a little more, and those around every block's boundary."""
    size = template.database.stat().st_size
    around = {HEADS + n * BLOCK + d for n in range((size - HEADS) // BLOCK + 1) for d in (-4096, -1, 0, 1, 8, 4096)}
    for length in sorted({*range(1, 8193), 12_287, *around} - {size}):
        if length < size:
            cut = (
                frozenset({"database_truncated"})
                if length > 12
                else frozenset({"database_truncated", "database_foreign"})
            )
            yield Point(f"cut to {length}", partial(_cut, length=length), cut if length <= HEADS else frozenset())
    yield Point("longer", lambda shop: _append(shop.database, bytes(5000)))


def _cut(shop: Shop, length: int) -> None:
    with shop.database.open("r+b") as file:
        file.truncate(length)


def _append(path: Path, more: bytes) -> None:
    with path.open("ab") as file:
        file.write(more)


def _heads() -> Iterator[Point]:
    """Every byte of the three heads that may mean something, and every field with a checksum that fits."""
    for block in range(3):
        for at in range(0, 160):
            yield Point(
                f"bit {at % 8} of byte {block * 4096 + at} flipped",
                lambda shop, at=at, block=block: flip(shop.database, block * 4096 + at, at % 8),
            )
        for at in range(8 if block else 12, 120, 8):
            for value in (0, 1, 2**31, 2**63, 2**64 - 1):
                yield Point(
                    f"head {block}, u64 at {at} set to {value}",
                    lambda shop, block=block, at=at, value=value: rewrite_head(shop.database, block, at, value),
                )
                if block:
                    yield Point(
                        f"both heads, u64 at {at} set to {value}",
                        lambda shop, at=at, value=value: [
                            rewrite_head(shop.database, one, at, value) for one in (1, 2)
                        ],
                    )


def _kinds() -> Iterator[Point]:
    def whole(make: Callable[[Path], object]) -> Callable[[Shop], object]:
        def act(shop: Shop) -> None:
            shop.database.unlink()
            make(shop.database)

        return act

    foreign = frozenset({"database_foreign"})
    yield Point("text", whole(lambda path: path.write_text("hello\nworld\n")), foreign)
    yield Point("CSV", whole(lambda path: path.write_text("id,name\n1,Ada\n" * 2000)), foreign)
    yield Point("JSON", whole(lambda path: path.write_text('[{"id": 1}]')), foreign)
    yield Point("Parquet", whole(write_parquet), foreign)
    yield Point("SQLite", whole(write_sqlite), foreign)
    yield Point("zeros", whole(lambda path: path.write_bytes(bytes(500_000))), foreign)
    yield Point("noise", whole(lambda path: path.write_bytes(random.Random(1).randbytes(500_000))), foreign)
    yield Point("a folder", whole(Path.mkdir), frozenset({"database_is_folder"}))
    for version in (5_000, 70, 200, 2**40):
        yield Point(
            f"storage version {version}",
            lambda shop, version=version: rewrite_head(shop.database, 0, 12, version),
            frozenset({"database_newer", "database_damaged"}),
        )
    for version in (0, 1, 38, 63):
        yield Point(
            f"storage version {version}",
            lambda shop, version=version: rewrite_head(shop.database, 0, 12, version),
            frozenset({"database_older", "database_damaged"}),
        )


def _blocks(template: Shop, count: int) -> Iterator[Point]:
    """Damage behind the heads: found at once, or late, or never where no table has its rows there."""
    size, chance = template.database.stat().st_size, random.Random(7)
    for number in range(count):
        at = chance.randrange(HEADS, size)
        if number % 3 == 0:
            yield Point(f"bit {at % 8} of byte {at} flipped", lambda shop, at=at: flip(shop.database, at, at % 8))
        elif number % 3 == 1:
            yield Point(f"4096 bytes of noise at {at}", lambda shop, at=at: _overwrite(shop.database, at, 4096))
        else:
            block = HEADS + (at - HEADS) // BLOCK * BLOCK
            yield Point(f"zeros in the block at {block}", lambda shop, at=block: _overwrite(shop.database, at, -BLOCK))


def _overwrite(path: Path, at: int, length: int) -> None:
    """With noise; with zeros for a negative length."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(random.Random(at).randbytes(length) if length > 0 else bytes(-length))


def _logs(template: Shop) -> Iterator[Point]:
    """The WAL of an application, and one of provision's, cut at every length and with every byte altered."""
    for name in ("wal-of-others", "wal-of-ours"):
        body = (template.folder / name).read_bytes()
        for length in range(len(body)):
            yield Point(f"{name} cut to {length}", partial(_put_wal, body=body[:length]))
        for at in range(len(body)):
            other = bytearray(body)
            other[at] ^= 1 << at % 8
            yield Point(f"{name}, bit {at % 8} of byte {at} flipped", partial(_put_wal, body=bytes(other)))
    yield Point("a WAL of text", partial(_put_wal, body=b"hello\n" * 50))
    yield Point("a WAL of zeros", partial(_put_wal, body=bytes(5000)))
    yield Point("a WAL of another database", _put_foreign_wal)


def _put_wal(shop: Shop, body: bytes) -> None:
    shop.wal.write_bytes(body)


def _put_foreign_wal(shop: Shop) -> None:
    other = Shop(shop.folder / "other").write()
    assert other.say([("apply",)])[0].code == 0
    leave_wal(other, "CREATE TABLE zebra (id INTEGER)", "INSERT INTO notes VALUES (1, 'Eve')")
    shutil.move(other.wal, shop.wal)

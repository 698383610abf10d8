"""A write-ahead log that a death left: replayed, set aside, or refused, and nobody's rows are lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from damage import Said, Shop, flip, leave_our_wal, leave_wal

from provisioner.observe.wal import own_transactions

# Neither DuckDB 1.5 nor 2.0 replays this when it opens the database; attached, both do.
ALTER = "ALTER TABLE {} ALTER word TYPE BLOB USING encode(word)"
OF_OTHERS = ("INSERT INTO notes VALUES (7, 'Ada')", f"CREATE TABLE e AS SELECT 'a' AS word; {ALTER.format('e')}")
NUMBERS = [(5000, 12497500, "9x")]
KEPT = "shop.duckdb.wal.unreplayable-*Z"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop that is as declared."""
    shop = Shop(tmp_path_factory.mktemp("template") / "shop").write()
    assert apply(shop).code == 0
    return shop


@pytest.fixture
def shop(template: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(template.folder, tmp_path / "shop")
    yield Shop(tmp_path / "shop")


def apply(shop: Shop, *words: str) -> Said:
    (said,) = shop.say([("apply", "--lock-timeout", "0", *words)])
    return said


def change(shop: Shop) -> None:
    """So that the next apply has something to do."""
    file = shop.folder / "numbers.sql"
    file.write_text(file.read_text().replace("5_000", "4_000"))


def spoil(shop: Shop) -> None:
    """Nothing replays it any more: a byte of its last transaction has another value."""
    flip(shop.wal, shop.wal.stat().st_size - 30)


def test_what_others_wrote_is_in_the_file_before_anything_is_done(shop: Shop) -> None:
    leave_wal(shop, OF_OTHERS[0])
    change(shop)
    leave_our_wal(shop, 1)
    assert own_transactions(shop.wal) == 1, "the log of a run holds nothing but its own work"
    spoil(shop)
    assert apply(shop).code == 0
    assert shop.rows() == {"notes": [(7, "Ada")], "numbers": [(4000, 7998000, "9x")]}


def test_a_log_that_can_be_replayed_only_beside_another_database_costs_nothing(shop: Shop) -> None:
    leave_wal(shop, *OF_OTHERS)
    before = shop.fingerprint()
    plan, check = shop.say([("plan",), ("check",)])
    assert (plan.code, plan.error, check.code) == (1, "database_wal", 0) and "Run `provision apply" in plan.text
    assert shop.fingerprint() == before, "without the lock nobody touches it"
    assert apply(shop).code == 0
    assert shop.rows()["notes"] == [(7, "Ada")] and not list(shop.database.parent.glob(KEPT))


def test_a_log_that_cannot_be_replayed_and_may_hold_rows_of_others_is_left_to_a_person(shop: Shop) -> None:
    leave_wal(shop, *OF_OTHERS)
    spoil(shop)
    before, body = shop.fingerprint(), shop.wal.read_bytes()
    for said in (apply(shop), *shop.say([("ensure",), ("plan",)])):
        assert (said.code, said.error) == (1, "database_wal"), said
        assert said.words == "plan" or ("what others wrote" in said.text and " --without-wal" in said.text)
    for words in ("--recreate", "--restart"):
        said = apply(shop, words)
        assert said.error == "database_wal" and " --without-wal" in said.text, said
    assert shop.fingerprint() == before
    said = apply(shop, "--without-wal")
    (kept,) = shop.database.parent.glob(KEPT)
    assert said.code == 0 and kept.name in said.text and kept.read_bytes() == body
    assert shop.rows() == {"notes": [], "numbers": NUMBERS}


@pytest.mark.parametrize("words", ["apply", "ensure"])
def test_a_log_of_a_dead_run_that_cannot_be_replayed_is_set_aside_and_its_units_run_again(
    shop: Shop, words: str
) -> None:
    shop.database.unlink()
    leave_our_wal(shop, 2)
    assert own_transactions(shop.wal) == 2
    spoil(shop)
    (plan,) = shop.say([("plan",)])
    assert plan.error == "database_wal" and shop.wal.exists()
    (said,) = shop.say([(words,)])
    assert said.code == 0, said
    (kept,) = shop.database.parent.glob(KEPT)
    assert words == "ensure" or ("2 transactions of a dead run" in said.text and kept.name in said.text)
    assert shop.rows() == {"notes": [], "numbers": NUMBERS}


def test_a_script_that_alters_a_table_leaves_nothing_in_a_log(shop: Shop) -> None:
    with (shop.folder / "numbers.sql").open("a") as file:
        file.write(f"; {ALTER.format('numbers')}; create macro twice(x) as x || x;")
        file.write("alter table numbers alter id type varchar using twice(id::varchar)")
    leave_our_wal(shop, 1)
    (plan,) = shop.say([("plan",)])
    assert plan.code == 0 and '"converged": true' in plan.text, plan


def test_moving_a_log_aside_overwrites_none_that_was_moved_before(shop: Shop) -> None:
    for number in range(2):
        leave_wal(shop, f"INSERT INTO notes VALUES ({number}, 'Ada')")
        spoil(shop)
        assert apply(shop, "--without-wal").code == 0
    assert len(list(shop.database.parent.glob(KEPT))) == 2


def cut(length: int) -> Callable[[bytes], bytes]:
    return lambda body: body[:length]


LOGS: tuple[tuple[str, Callable[[bytes], bytes], int | None], ...] = (
    ("whole", lambda body: body, 2),
    ("with a transaction that was never committed", lambda body: body + body[-200:-40], 2),
    ("cut within its last transaction", cut(-3), 1),
    ("cut within its first transaction", cut(120), None),
    ("cut within its head", cut(5), None),
    ("empty", cut(0), None),
    ("of something else", lambda body: b"hello\n" * 500, None),
    ("damaged, with a transaction behind the damage", lambda body: body[:60] + body[70:], None),
)


@pytest.mark.parametrize(("name", "alter", "expected"), LOGS, ids=[log[0] for log in LOGS])
def test_a_log_is_ours_only_when_every_transaction_in_it_is(
    our_log: bytes, tmp_path: Path, name: str, alter: Callable[[bytes], bytes], expected: int | None
) -> None:
    log = tmp_path / "log"
    log.write_bytes(alter(our_log))
    assert own_transactions(log) == expected


@pytest.fixture(scope="module")
def our_log(template: Shop, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("log") / "shop"
    shutil.copytree(template.folder, folder)
    shop = Shop(folder)
    shop.database.unlink()
    leave_our_wal(shop, 2)
    return shop.wal.read_bytes()


def test_a_log_with_one_transaction_of_an_application_is_not_ours(shop: Shop) -> None:
    shop.database.unlink()
    leave_our_wal(shop, 2)
    leave_wal(shop, OF_OTHERS[0])
    assert shop.wal.exists() and own_transactions(shop.wal) is None

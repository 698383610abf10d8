"""A damaged database: told, left as it is, and set aside only when somebody says so. In full: campaign_files."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from campaign import Scale
from campaign_files import DAMAGE, Point, every_point, make_template, try_point
from damage import Said, Shop, flip, leave_wal, write_parquet, write_sqlite

from provisioner.observe.database import reserve

SEED, POINTS = 20, 10


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make_template(tmp_path_factory.mktemp("template") / "shop")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def shop(template: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(template.folder, tmp_path / "shop")
    return Shop(tmp_path / "shop")


def test_damage_of_any_kind_is_told_with_its_code_and_changes_nothing(template: Shop, tmp_path: Path) -> None:
    points: list[Point] = Scale(tmp_path, SEED, short=True).sample(every_point(template, 40), POINTS)
    wrong = [line for point in points for line in try_point(template, tmp_path, point)[0]]
    assert wrong == []


def apply(shop: Shop, *words: str) -> Said:
    (said,) = shop.say([("apply", "--lock-timeout", "0", *words)])
    return said


def cut(shop: Shop) -> None:
    os.truncate(shop.database, 5_000)


def break_rows(shop: Shop) -> None:
    """A block in the middle; only reading every column finds it."""
    for at in range(12_288 + 4_096, shop.database.stat().st_size, 65_536):
        flip(shop.database, at)


def lose_the_head(shop: Shop) -> None:
    with shop.database.open("r+b") as file:
        file.write(os.urandom(4096))


@pytest.mark.parametrize("act", [cut, break_rows, lose_the_head], ids=lambda act: act.__name__)
def test_a_damaged_database_is_set_aside_whole_and_made_anew(shop: Shop, act: Callable[[Shop], object]) -> None:
    leave_wal(shop, "INSERT INTO notes VALUES (7, 'Ada')")
    act(shop)
    body, log = shop.database.read_bytes(), shop.wal.read_bytes()
    said = apply(shop)
    assert said.code == 1 and said.error in DAMAGE and shop.database.read_bytes() == body, said
    said = apply(shop, "--recreate")
    kept = [path for path in shop.database.parent.glob("shop.duckdb.damaged-*Z")]
    assert said.code == 0 and len(kept) == 1 and kept[0].name in said.text and "protected ones too" in said.text, said
    assert kept[0].read_bytes() == body
    assert kept[0].with_name(f"{kept[0].name}.wal").read_bytes() == log
    assert shop.rows() == {"notes": [], "numbers": [(5000, 12497500, "9x")]}


@pytest.mark.parametrize("words", ["--recreate", "killed and --recreate"])
def test_the_new_database_has_the_mode_and_the_owner_of_the_damaged_one(shop: Shop, words: str) -> None:
    """Also when the death came just after the damaged one was out of the way."""
    cut(shop)
    owner = 65_534 if os.geteuid() == 0 else os.geteuid()
    os.chown(shop.database, owner, -1)
    shop.database.chmod(0o600)
    if words == "--recreate":
        assert apply(shop, "--recreate").code == 0
    else:
        reserve(shop.database)
        shop.database.rename(shop.database.with_name("aside"))
        assert apply(shop).code == 0
    facts = shop.database.stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o600, owner)
    assert not list(shop.database.parent.glob("*.creating"))


def test_to_recreate_a_database_that_somebody_has_open_waits_for_them(shop: Shop) -> None:
    code = (
        f"import duckdb, time; c = duckdb.connect({str(shop.database)!r}); print('open', flush=True); time.sleep(1.5)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"open\n"
        assert apply(shop, "--recreate", "--lock-timeout", "0").error == "database_locked"
        assert apply(shop, "--recreate", "--lock-timeout", "30s").error == "usage", "it is sound"


def test_a_sound_database_is_not_recreated(shop: Shop) -> None:
    before = shop.fingerprint()
    said = apply(shop, "--recreate")
    assert (said.code, said.error) == (64, "usage") and "is sound" in said.text
    assert shop.fingerprint() == before


@pytest.mark.parametrize("write", [write_sqlite, write_parquet], ids=lambda write: write.__name__)
def test_a_file_of_another_kind_is_never_moved(shop: Shop, write: Callable[[Path], object]) -> None:
    shop.database.unlink()
    write(shop.database)
    before = shop.fingerprint()
    said = apply(shop, "--recreate")
    assert (said.code, said.error, shop.fingerprint()) == (1, "database_foreign", before), said

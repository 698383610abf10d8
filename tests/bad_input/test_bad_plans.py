"""Plan files that are none, that are damaged or that were forged: refused in one line, and nothing is done."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner import PlanError, load_manifest
from provisioner import plan as make_plan
from provisioner.declare.values import Manifest
from provisioner.execute.kept_plan import fetch
from provisioner.execute.plan_file import MOST_BYTES, read_plan_file
from provisioner.execute.request import Names

MANIFEST = """version: 1
name: shop
database: shop.duckdb
tiers: [seed]
steps: {loud: {sql: loud.sql}}
tables:
  loud: {tier: seed, step: loud}
  notes: {tier: seed, columns: {id: BIGINT, body: VARCHAR}}
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, bytes]:
    """A manifest, and what is in its plan file."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "provision.yaml").write_text(MANIFEST)
    (folder / "loud.sql").write_text("select 1 as x")
    manifest = load_manifest(folder / "provision.yaml")
    make_plan(manifest, out=folder / "plan.json", cache=False)
    return manifest, (folder / "plan.json").read_bytes()


def refused(manifest: Manifest, path: Path) -> PlanError:
    with pytest.raises(PlanError) as caught:
        fetch(path, manifest, Names(), {})
    error = caught.value
    assert "\n" not in error.message and len(error.message) < 1000
    assert error.cure.startswith("Make it anew")
    assert not manifest.database.exists()
    return error


def big(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(MOST_BYTES + 1)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda path: None, "no such file"),
    "a folder": (lambda path: path.mkdir(), "directory"),
    "a pipe": (lambda path: os.mkfifo(path), "plain file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "plain file"),
    "an empty file": (lambda path: path.write_bytes(b""), "no JSON"),
    "a huge file": (big, "larger than 64 MiB"),
    "binary": (lambda path: path.write_bytes(bytes(range(256))), "UTF-8"),
    "a manifest": (lambda path: path.write_text(MANIFEST), "no JSON"),
    "another JSON": (lambda path: path.write_text('{"name": "x"}'), "something else"),
    "a list": (lambda path: path.write_text("[1]"), "something else"),
    "lists in lists": (lambda path: path.write_text("[" * 100_000 + "]" * 100_000), "nested too deep"),
    "objects in objects": (lambda path: path.write_text('{"a":' * 100_000 + "1" + "}" * 100_000), "nested too deep"),
    "a number of 5,000 digits": (lambda path: path.write_text('{"format": ' + "9" * 5000 + "}"), "cannot be read"),
    "infinity": (lambda path: path.write_text('{"format": 1e999}'), "another format"),
    "not a number": (lambda path: path.write_text('{"format": NaN}'), "NaN is no JSON"),
    "true for a format": (lambda path: path.write_text('{"format": true}'), "another format"),
    "a later format": (lambda path: path.write_text('{"format": 2}'), "another format"),
    "a key twice": (lambda path: path.write_text('{"format": 1, "format": 1}'), "twice"),
    "half a character": (lambda path: path.write_text('{"format": 1, "x": "\\ud800"}'), "checksum"),
    "an empty plan": (lambda path: path.write_text('{"format": 1}'), "checksum"),
    "what another command prints": (
        lambda path: path.write_text('{"format": 1, "converged": true, "actions": []}'), "checksum",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_plan_is_refused(saved: tuple[Manifest, bytes], tmp_path: Path, name: str) -> None:
    make, words = BAD[name]
    make(tmp_path / "plan.json")
    error = refused(saved[0], tmp_path / "plan.json")
    assert error.code in ("plan_unreadable", "plan_format") and words in error.message, error


def test_a_plan_that_was_cut_off_anywhere_is_refused(saved: tuple[Manifest, bytes], tmp_path: Path) -> None:
    manifest, data = saved
    whole = len(data.rstrip())
    for end in range(0, whole, 7):
        (tmp_path / "plan.json").write_bytes(data[:end])
        assert refused(manifest, tmp_path / "plan.json").code == "plan_unreadable"


def test_a_plan_with_any_bit_flipped_is_refused_or_says_the_same(saved: tuple[Manifest, bytes], tmp_path: Path) -> None:
    _, data = saved
    path = tmp_path / "plan.json"
    path.write_bytes(data)
    whole, chance = read_plan_file(path), random.Random(5)
    for _ in range(800):
        at, bit = chance.randrange(len(data)), chance.randrange(8)
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
        try:
            found = read_plan_file(path)
        except PlanError:
            continue
        assert found == whole, f"bit {bit} of byte {at}"  # white space that became other white space


def test_a_plan_that_was_indented_otherwise_is_the_same(saved: tuple[Manifest, bytes], tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    body = json.loads(saved[1])
    path.write_text(json.dumps(dict(reversed(body.items())), indent=None, ensure_ascii=True))
    read_plan_file(path)


def forge(body: dict[str, object]) -> str:
    """With a checksum to fit."""
    from provisioner.reconcile.facts import digest_of

    def digest(part: object) -> str:
        return digest_of(json.dumps(part, sort_keys=True, separators=(",", ":")))

    body["facts_digest"] = digest(body["facts"])
    body["checksum"] = digest({key: value for key, value in body.items() if key not in ("format", "checksum")})
    return json.dumps(body)


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, [7], [[]], {"a": 7}, {"a": []}, True])
def test_whatever_stands_in_the_place_of_a_value_is_refused_without_a_traceback(
    saved: tuple[Manifest, bytes], tmp_path: Path, value: object
) -> None:
    manifest, data = saved
    path = tmp_path / "plan.json"
    for key in json.loads(data):
        body = json.loads(data)
        if key not in ("format", "checksum", "facts_digest") and type(body[key]) is not type(value):
            path.write_text(forge(body | {key: value}))
            refused(manifest, path)
    for key in json.loads(data)["actions"][0]:
        body = json.loads(data)
        if type(body["actions"][0][key]) is not type(value) and not (key == "fingerprint" and value is None):
            body["actions"][0][key] = value
            path.write_text(forge(body))
            assert refused(manifest, path).code == "plan_unreadable"

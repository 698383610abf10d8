"""Whatever is done to a manifest, a person reads problems and never a traceback. tests/crash tries 100,000 of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import PIECES, TREES, WITHOUT_DBT, Attempt, attempt_of, sound_texts, written
from trial import complaints, prepare

from provisioner.declare.load import load_manifest
from provisioner.errors import ManifestError

LINES = WITHOUT_DBT.splitlines(keepends=True)
EDIT = st.tuples(st.integers(0, len(WITHOUT_DBT)), st.integers(0, 12), st.sampled_from(PIECES))
MOVE = st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, len(LINES) - 1))


def _mutated(edits: list[tuple[int, int, str]], moves: list[tuple[int, int]]) -> bytes:
    lines = list(LINES)
    for source, target in moves:
        lines[target] = LINES[source]
    text = "".join(lines)
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    return text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("mutated"))


@settings(max_examples=150, deadline=None)
@given(st.lists(EDIT, max_size=3), st.lists(MOVE, max_size=2), st.sampled_from([None, "prod"]))
def test_a_mutated_manifest_loads_or_tells_what_is_wrong(
    folder: Path, edits: list[tuple[int, int, str]], moves: list[tuple[int, int]], environment: str | None
) -> None:
    assert complaints(Attempt(_mutated(edits, moves), environment=environment), folder) == ()


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_a_tree_of_the_manifests_own_words_loads_or_tells_what_is_wrong(folder: Path, tree: object) -> None:
    assert complaints(Attempt(written(tree)), folder) == ()


def test_seeded_mutations_of_every_kind_load_or_tell_what_is_wrong(folder: Path) -> None:
    texts = sound_texts()
    assert [found for number in range(100) for found in complaints(attempt_of(7, number, texts), folder)] == []


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_as_a_manifest(folder: Path, data: bytes) -> None:
    with pytest.raises(ManifestError):
        load_manifest(Attempt(data).write(folder), variables={})

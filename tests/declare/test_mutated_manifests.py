"""Whatever is done to a manifest, a person reads problems and never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from manifest_texts import SOUND

from provisioner.declare.load import load_manifest
from provisioner.declare.values import Manifest
from provisioner.errors import ManifestError, UsageError

PIECES = st.sampled_from(
    ["", " ", "\n", ":", "- ", "[", "]", "{", "}", "'", '"', "&a ", "*a", "!x ", "<<: ", "~",
     "null", "\t", "\0", "\x07",
     "${", "${X}", "${Y:-a}", "$${", "---\n", "..", "/", "../../x", "no", "010", "9" * 120, "1e999", "é", "\ufeff",
     "s3://", ":memory:", "package:", "?", "|\n", "%", '"\\0"', '"\\e"', "include: [manifest.yaml]\n", "0s", "-1"]
)  # fmt: skip
LINES = SOUND.splitlines(keepends=True)
EDIT = st.tuples(st.integers(0, len(SOUND)), st.integers(0, 12), PIECES)
MOVE = st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, len(LINES) - 1))


def _mutated(edits: list[tuple[int, int, str]], moves: list[tuple[int, int]]) -> str:
    lines = list(LINES)
    for source, target in moves:
        lines[target] = LINES[source]
    text = "".join(lines)
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    return text


def _attempt(data: bytes, environment: str | None) -> Manifest | ManifestError | UsageError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "manifest.yaml")
        path.write_bytes(data)
        try:
            return load_manifest(path, environment=environment, variables={"X": "value"})
        except (ManifestError, UsageError) as error:
            return error


@settings(max_examples=300, deadline=None)
@given(st.lists(EDIT, max_size=3), st.lists(MOVE, max_size=2), st.sampled_from([None, "prod"]))
def test_a_mutated_manifest_loads_or_tells_what_is_wrong(
    edits: list[tuple[int, int, str]], moves: list[tuple[int, int]], environment: str | None
) -> None:
    result = _attempt(_mutated(edits, moves).encode(), environment)
    if isinstance(result, ManifestError):
        assert result.problems and all(problem.message and problem.place for problem in result.problems)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_as_a_manifest(data: bytes) -> None:
    assert isinstance(_attempt(data, None), ManifestError)

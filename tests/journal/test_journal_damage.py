"""A journal cut anywhere, with any bit flipped, or grown large: what is told is true, and writing goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_samples import history_of, run_of, write

from provisioner.execute import chain
from provisioner.execute.history import History, RunRecord, journal_path, read_journal


class Sample:
    """A small sound journal. told: the runs its first n lines tell, for every n. ends: the offset behind each line."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "a.duckdb"
        self.path = journal_path(self.database)
        write(self.database, run_of("r1"))
        write(self.database, run_of("r2")[:4])
        self.data = self.path.read_bytes()
        self.ends = [n + 1 for n, byte in enumerate(self.data) if byte == 10]
        self.told = [self.read(self.data[:end]).runs for end in [0, *self.ends]]

    def read(self, data: bytes) -> History:
        self.path.write_bytes(data)
        return read_journal(self.path)

    def lines_before(self, offset: int) -> int:
        return sum(end <= offset for end in self.ends)

    def append(self) -> tuple[list[object], tuple[RunRecord, ...]]:
        """Write a run more; what was said to the user, and what is told afterwards."""
        said = write(self.database, run_of("r3"))
        found = history_of(self.database)
        assert found.damage == ""
        return list(said), found.runs


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("journal"))


def test_the_sample_tells_of_two_runs_and_the_second_has_not_ended(sample: Sample) -> None:
    assert [(run.run, run.outcome) for run in sample.told[-1]] == [("r1", "failed"), ("r2", None)]


def test_cut_at_any_byte_it_tells_the_whole_lines_and_calls_it_no_damage(sample: Sample) -> None:
    for size in range(len(sample.data)):
        assert sample.read(sample.data[:size]) == History(sample.told[sample.lines_before(size)]), size


def test_cut_at_any_byte_it_is_written_on_behind_the_last_whole_line(sample: Sample) -> None:
    for size in range(0, len(sample.data), 41):
        sample.path.write_bytes(sample.data[:size])
        said, runs = sample.append()
        assert (said, runs[:-1], runs[-1].run) == ([], sample.told[sample.lines_before(size)], "r3"), size


def test_any_flipped_bit_ends_what_is_told_before_its_line(sample: Sample) -> None:
    for bit in range(0, len(sample.data) * 8, 5):  # every byte, and each bit of every fifth one
        found = sample.read(flipped(sample.data, bit))
        assert found.runs == sample.told[sample.lines_before(bit // 8)], bit
        assert bool(found.damage) == (bit // 8 < len(sample.data) - 1), bit


def test_a_journal_damaged_before_its_last_line_is_set_aside_as_it_is(sample: Sample) -> None:
    for bit in range(0, sample.ends[-2] * 8, 997):
        sample.path.write_bytes(damaged := flipped(sample.data, bit))
        said, runs = sample.append()
        (aside,) = sample.path.parent.glob("*.damaged-*")
        assert (len(said), [run.run for run in runs], aside.read_bytes()) == (1, ["r3"], damaged), bit
        aside.unlink()


def test_a_last_line_written_in_error_is_cut_off(sample: Sample) -> None:
    for bit in range(sample.ends[-2] * 8, len(sample.data) * 8, 61):
        sample.path.write_bytes(flipped(sample.data, bit))
        said, runs = sample.append()
        assert (said, runs[:-1]) == ([], sample.told[-2]), bit


def test_a_lost_a_doubled_or_a_swapped_line_is_found(sample: Sample) -> None:
    lines = sample.data.splitlines(keepends=True)
    for name, changed, sound in [
        ("lost", lines[:2] + lines[3:], 2),
        ("first lost", lines[1:], 0),
        ("doubled", lines[:3] + lines[2:], 3),
        ("swapped", [*lines[:2], lines[3], lines[2], *lines[4:]], 2),
        ("foreign", [*lines[:4], b'{"record":"run_ended"}\n', *lines[4:]], 4),
    ]:
        found = sample.read(b"".join(changed))
        assert (found.runs, bool(found.damage)) == (sample.told[sound], True), name


@pytest.mark.parametrize("tail", range(400, 3000, 93))
def test_of_a_large_journal_the_last_lines_are_told_and_written_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: int
) -> None:
    database = tmp_path / "a.duckdb"
    for number in range(4):
        write(database, run_of(f"r{number}"))
    monkeypatch.setattr(chain, "TAIL_BYTES", tail)
    assert write(database, run_of("last")) == []
    found = history_of(database)
    names = [run.run for run in found.runs]
    assert (found.damage, names) == ("", ["r0", "r1", "r2", "r3", "last"][-len(names) :])
    monkeypatch.undo()
    assert [run.run for run in history_of(database).runs] == ["r0", "r1", "r2", "r3", "last"]


def test_damage_in_the_tail_of_a_large_journal_is_found(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "TAIL_BYTES", len(sample.data) - 10)
    for offset in range(sample.ends[1], len(sample.data) - 1):
        found = sample.read(flipped(sample.data, offset * 8))
        assert "is damaged at byte" in found.damage, offset


@given(data=st.binary() | st.binary().map(lambda data: b'{"chain":"' + data) | st.text().map(str.encode))
def test_any_bytes_can_be_read_and_written_on(sample: Sample, data: bytes) -> None:
    assert sample.read(data).runs == ()
    _, runs = sample.append()
    assert [run.run for run in runs] == ["r3"]
    for aside in sample.path.parent.glob("*.damaged-*"):
        aside.unlink()


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)

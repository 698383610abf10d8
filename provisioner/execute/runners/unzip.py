"""Data files out of zip archives, which DuckDB cannot read by itself."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import duckdb

from provisioner.errors import InputError, StepError
from provisioner.execute.runners.formats import format_of

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an archive may unpack to. size: bytes in all. ratio: unpacked to packed; looked at from `floor` bytes on.

    is_over: whether the time for it is over, or somebody wants it stopped.
    """

    size: int = 50 << 30
    ratio: int = 1000
    floor: int = 8 << 20
    is_over: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class DataFile:
    """path: where the bytes are. name: what a person calls them, `a.zip/a.csv` for a member."""

    path: Path
    name: str


def is_archive(path: Path) -> bool:
    """Whether it is to be unpacked, by its ending."""
    return path.suffix.lower() == ".zip"


def unpack(
    paths: tuple[Path, ...], folder: Path, *, any_ending: bool = False, bounds: Bounds | None = None
) -> tuple[DataFile, ...]:
    """The data files that the paths hold; members of archives are written into folder under names of our own.

    any_ending: take every member, not only those whose ending tells a format.
    Raises StepError: zip_damaged, zip_encrypted, zip_empty, zip_bomb; InputError: disk_full; when it is over
    duckdb.InterruptException, as a query does.
    """
    return tuple(
        file for number, path in enumerate(paths) for file in _files(path, folder / str(number), any_ending, bounds)
    )


def _files(path: Path, folder: Path, any_ending: bool, bounds: Bounds | None) -> Iterator[DataFile]:
    if not is_archive(path):
        yield DataFile(path, str(path))
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = _data_members(archive, any_ending)
            if not members:
                cure = "Put a csv, tsv, parquet or json file into it, or write `format:` in the step."
                raise StepError(f"{path} holds no data file.", code="zip_empty", cure=cure)
            folder.mkdir()
            left = bounds or Bounds()
            for number, member in enumerate(members):
                target = folder / f"{number}{''.join(PurePosixPath(member.filename).suffixes[-2:])}"
                left = _extract(archive, member, target, left, path)
                yield DataFile(target, f"{path}/{member.filename}")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise StepError(f"{path} is no sound zip archive: {error}", code="zip_damaged", cure="Make it anew.") from error


def _data_members(archive: zipfile.ZipFile, any_ending: bool) -> list[zipfile.ZipInfo]:
    """A text beside data files tells about them, and is none itself."""
    members = [member for member in archive.infolist() if _is_data(member, any_ending)]
    data = [member for member in members if format_of(member.filename) != "txt"]
    return members if any_ending else data or members


def _is_data(member: zipfile.ZipInfo, any_ending: bool) -> bool:
    parts = PurePosixPath(member.filename).parts
    if member.is_dir() or not parts or parts[0] == "__MACOSX" or parts[-1].startswith("."):
        return False
    return any_ending or format_of(parts[-1]) is not None


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, bounds: Bounds, path: Path) -> Bounds:
    """Write one member to target, counting what comes out, since an archive may lie about it. Returns what is left."""
    if member.flag_bits & 1:
        raise StepError(
            f"{path}/{member.filename} is encrypted.", code="zip_encrypted", cure="Pack it without a password."
        )
    written, most = 0, max(bounds.floor, member.compress_size * bounds.ratio)
    try:
        with archive.open(member) as source, target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > min(most, bounds.size):
                    raise _bomb(path, member, bounds)
                if bounds.is_over():
                    raise duckdb.InterruptException(f"{path} was not unpacked to its end.")
                file.write(chunk)
    except OSError as error:
        cure = "Free space there, or point TMPDIR to a larger disk."
        raise InputError(
            f"{path} cannot be unpacked into {target.parent}: {error.strerror}.", code="disk_full", cure=cure
        ) from error
    return replace(bounds, size=bounds.size - written)


def _bomb(path: Path, member: zipfile.ZipInfo, bounds: Bounds) -> StepError:
    return StepError(
        f"{path}/{member.filename} unpacks to more than {bounds.ratio} times its size, or the archive to more than "
        f"{Bounds().size >> 30} GiB.",
        code="zip_bomb",
        cure="If it is meant to be so large, unpack it by hand and load the file.",
    )

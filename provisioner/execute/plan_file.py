"""Saved plans on the disk: written whole or not at all, read within bounds, never executed."""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from pathlib import Path

from provisioner.errors import InputError, PlanError
from provisioner.execute.plan_json import FORMAT, OtherFormatError, PlanFile, dump_plan, parse_plan

MOST_BYTES = 64 * 2**20
_MADE_ANEW = "Make it anew: provision plan --out {path}"


def write_plan_file(path: Path, plan: PlanFile) -> None:
    """Write it whole or not at all. Raises InputError (plan_not_written), also where another kind of file is there."""
    data = dump_plan(plan).encode()
    try:
        found = path.stat() if os.path.lexists(path) else None
        if found is not None and not stat.S_ISREG(found.st_mode):
            _send(path, data)
            return
        if found is not None and found.st_size and not _is_plan_file(path):
            raise InputError(
                f"{path} is there already, and it is no saved plan.",
                code="plan_not_written",
                cure="Give another name: provision plan --out plan.json",
            )
        _replace(Path(os.path.realpath(path)), data)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The plan cannot be written to {path}: {getattr(error, 'strerror', None) or error}.",
            code="plan_not_written",
            cure="Give a name in a folder that can be written: provision plan --out plan.json",
        ) from error


def _send(path: Path, data: bytes) -> None:
    """To a stream such as /dev/stdout, or to a pipe that somebody reads: one that nobody does would wait for ever."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads from it") from None
        raise
    with open(file, "wb") as stream:
        os.set_blocking(file, True)
        stream.write(data)


def _is_plan_file(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(64).replace(b" ", b"").replace(b"\n", b"").startswith(b'{"format":')


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    # The umask says who may read it, as of any other file; what `tempfile` makes is for its owner alone.
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open(number, "wb") as file:
            file.write(data)
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh)
        raise


def read_plan_file(path: Path) -> PlanFile:
    """What the file says. Raises PlanError: plan_unreadable, or plan_format for one of another version of provision."""
    try:
        return parse_plan(_read(path))
    except OtherFormatError:
        raise PlanError(
            f"{path} has another format than this version of provision reads, which is {FORMAT}.",
            code="plan_format",
            cure=_MADE_ANEW.format(path=path),
        ) from None
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file") from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except RecursionError:
        raise _unreadable(path, "it is nested too deep") from None
    except UnicodeError:
        raise _unreadable(path, "it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise _unreadable(path, f"it is no JSON, from line {error.lineno} on") from None
    except ValueError as error:
        raise _unreadable(path, str(error)) from None


def _unreadable(path: Path, why: str) -> PlanError:
    return PlanError(
        f"{path} cannot be read as a saved plan: {why}.", code="plan_unreadable", cure=_MADE_ANEW.format(path=path)
    )


def _read(path: Path) -> str:
    """Of a plain file of moderate size; a pipe would wait for its other end."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(file, "rb") as stream:
        facts = os.fstat(file)
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("it is no plain file")
        data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 2**20} MiB")
    return data.decode()

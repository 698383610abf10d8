"""Files that steps depend on: where they are, and what is in them."""

from __future__ import annotations

import errno
import hashlib
import os
from importlib.machinery import PathFinder
from pathlib import Path

from provisioner.declare.reading import read_chunks, read_whole
from provisioner.errors import InputError
from provisioner.observe.patterns import find_files, has_magic

PACKAGE = "package:"
# Of SQL and of Python; nobody has written more.
_LONGEST_TEXT = 64 * 2**20


def resolve_input(text: str, folder: Path) -> tuple[Path, ...]:
    """The files that `text` names, sorted; empty when there are none.

    text: a path, absolute or relative to folder; a glob (`*`, `?`, `[`, `**`); or `package:name/path` for a file of an
    installed package, which is found without importing it.
    """
    base, rest = _base(text, folder)
    if base is None:
        return ()
    # os.path, because pathlib raises for a name that is too long and a folder that may not be looked into.
    if os.path.isfile(path := base / rest):
        return (path,)
    return tuple(sorted(base / name for name in find_files(rest, base))) if has_magic(rest) else ()


def where(text: str, folder: Path) -> str:
    """The place where `text` is expected, for messages."""
    base, rest = _base(text, folder)
    return f"in the package {_package(text)[0]}, which is not installed" if base is None else str(base / rest)


def digest_file(path: Path) -> str:
    """Hex digest of a file's bytes. Raises InputError."""
    digest = hashlib.blake2b(digest_size=32)
    try:
        for chunk in read_chunks(path):
            digest.update(chunk)
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def read_text(path: Path) -> str:
    """A file's text, its lines ending as Python has them. Raises InputError: input_unreadable, input_encoding."""
    try:
        return read_bytes(path).decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"{path}:{line}: this is not UTF-8 text."
        raise InputError(message, code="input_encoding", cure="Save the file as UTF-8.") from error


def read_bytes(path: Path) -> bytes:
    """What is in a file of SQL or Python. Raises InputError: input_unreadable."""
    try:
        data = read_whole(path, _LONGEST_TEXT)
        if len(data) > _LONGEST_TEXT:
            raise OSError(errno.EFBIG, f"it has more than {_LONGEST_TEXT // 2**20} MiB")
    except OSError as error:
        raise _unreadable(path, error) from error
    return data


def _unreadable(path: Path, error: OSError) -> InputError:
    forbidden = error.errno in (errno.EACCES, errno.EPERM)
    cure = (
        f"Give yourself the right to read it: chmod u+r {path}" if forbidden else "Put a file there that can be read."
    )
    return InputError(f"{path} cannot be read: {error.strerror or error}.", code="input_unreadable", cure=cure)


def has_wildcard(text: str, folder: Path) -> bool:
    """Whether `text` is a pattern: it may name several files, or other ones tomorrow."""
    base, rest = _base(text, folder)
    return base is not None and has_magic(rest) and not os.path.isfile(base / rest)


def label_of(text: str, path: Path, folder: Path) -> str:
    """What a file that `text` names is called: the text itself, and for a pattern the member too."""
    base, _ = _base(text, folder)
    return f"{text}:{path.relative_to(base or folder).as_posix()}" if has_wildcard(text, folder) else text


def package_of(text: str) -> str | None:
    """The package that `text` names a file of, None when it names none."""
    return _package(text)[0] if text.startswith(PACKAGE) else None


def _base(text: str, folder: Path) -> tuple[Path | None, str]:
    """The folder that `text` starts from, None for a package that is not installed, and the rest of it."""
    if not text.startswith(PACKAGE):
        path = Path(text)
        return (Path(path.anchor), str(path.relative_to(path.anchor))) if path.is_absolute() else (folder, text)
    name, rest = _package(text)
    return package_folder(name), rest


def _package(text: str) -> tuple[str, str]:
    name, _, rest = text.removeprefix(PACKAGE).partition("/")
    return name, rest


def package_folder(name: str) -> Path | None:
    """The folder of an installed top-level package, None when there is none. Nothing is imported."""
    spec = PathFinder.find_spec(name) if name.isidentifier() else None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None

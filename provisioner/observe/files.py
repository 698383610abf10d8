"""Files that steps depend on: where they are, and what is in them."""

from __future__ import annotations

import glob
import hashlib
import os
from importlib.machinery import PathFinder
from pathlib import Path

from provisioner.errors import InputError

PACKAGE = "package:"
_CHUNK = 1 << 20


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
    if not glob.has_magic(rest):
        return ()
    found = glob.glob(rest, root_dir=base, recursive=True)
    return tuple(sorted(base / name for name in found if os.path.isfile(base / name)))


def where(text: str, folder: Path) -> str:
    """The place where `text` is expected, for messages."""
    base, rest = _base(text, folder)
    return f"in the package {_package(text)[0]}, which is not installed" if base is None else str(base / rest)


def digest_file(path: Path) -> str:
    """Hex digest of a file's bytes. Raises InputError."""
    digest = hashlib.blake2b(digest_size=32)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def read_text(path: Path) -> str:
    """A file's text. Raises InputError: input_unreadable, input_encoding."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"{path}:{line}: this is not UTF-8 text."
        raise InputError(message, code="input_encoding", cure="Save the file as UTF-8.") from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be read: {error.strerror or error}.",
        code="input_unreadable",
        cure=f"Give yourself the right to read it: chmod u+r {path}",
    )


def has_wildcard(text: str, folder: Path) -> bool:
    """Whether `text` is a pattern: it may name several files, or other ones tomorrow."""
    base, rest = _base(text, folder)
    return base is not None and glob.has_magic(rest) and not os.path.isfile(base / rest)


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

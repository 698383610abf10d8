"""Which paths a manifest may name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from provisioner.declare.bounds import LIMIT_FOLDERS, LIMIT_PATH
from provisioner.declare.problems import show_path
from provisioner.declare.shorten import CUT

# Code, message and cure.
Fault = tuple[str, str, str]
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NAME_A_FILE = "Name a file, as in build/shop.duckdb."
_PACKAGE = re.compile(r"package:[A-Za-z_][A-Za-z0-9_.]*/(?P<inside>.+)")


def project_root(manifest: Path) -> Path:
    """The folder that paths may not leave: the repository, else the manifest's folder or the one above `manifests/`."""
    folder = manifest.parent
    for ancestor in (folder, *folder.parents):
        if (ancestor / ".git").exists():
            return ancestor
    return folder.parent if folder.name == "manifests" else folder


def within(root: Path, path: Path | str) -> bool:
    """Whether the path lies in the root, links followed."""
    real, real_root = os.path.realpath(path), os.path.realpath(root)
    return os.path.commonpath((real, real_root)) == real_root


def is_url(text: str) -> bool:
    return _URL.match(text) is not None


def absolute(folder: Path, text: str) -> Path:
    """Relative to the folder, `.` and `..` taken out, links not followed."""
    return Path(os.path.normpath(folder / text))


def length_fault(text: str) -> Fault | None:
    """What is wrong with the length of a path."""
    if len(text) > LIMIT_PATH:
        return "bad_path", f"a path has at most {LIMIT_PATH:,} characters.", "Give its folders shorter names."
    if text.count("/") > LIMIT_FOLDERS:
        return "bad_path", f"a path leads through at most {LIMIT_FOLDERS} folders.", "Put the file higher up."
    return None


def file_fault(root: Path, folder: Path, text: str, outside_allowed: bool) -> Fault | None:
    """What is wrong with the path of a file or folder; None when nothing is."""
    if fault := length_fault(text):
        return fault
    if not text.strip():
        return "bad_path", "the path is empty.", "Name a file."
    if is_url(text):
        return "bad_path", f"{_address(text)} is a URL; the path of a file was expected.", "Fetch it into the project."
    return None if outside_allowed else _leaving(root, folder, text)


def load_fault(root: Path, folder: Path, text: str, outside_allowed: bool) -> Fault | None:
    """As file_fault, for what a load step reads: a path, a glob, `package:name/path`, or, where allowed, a URL."""
    if fault := length_fault(text):
        return fault
    if text.startswith("package:"):
        match = _PACKAGE.fullmatch(text)
        if match is None:
            cure = "Write the import name of a package, and a path inside it."
            return "bad_path", f"{show_path(text)} is not package:name/path.", cure
        if ".." in match["inside"].split("/") or match["inside"].startswith("/"):
            return "bad_path", f"{show_path(text)} leaves its package.", "Name a file inside the package."
        return None
    if is_url(text):
        cure = "Fetch it into the project, or set `policy: {allow_outside_paths: true}`."
        return None if outside_allowed else ("outside_path", f"{_address(text)} lies outside the project.", cure)
    return file_fault(root, folder, text, outside_allowed)


def database_fault(root: Path, folder: Path, text: str, outside_allowed: bool) -> Fault | None:
    """As file_fault, for the database."""
    if fault := length_fault(text):
        return fault
    if not text.strip():
        return "bad_path", "the path of the database is empty.", _NAME_A_FILE
    if text.startswith(":") or _SCHEME.match(text):
        return "bad_path", f"{_address(text)} is not a file; a manifest provisions a DuckDB file.", _NAME_A_FILE
    if text.endswith("/") or os.path.basename(text) in (".", ".."):
        return "bad_path", f"{show_path(text)} is a folder; a DuckDB file was expected.", _NAME_A_FILE
    return None if outside_allowed else _leaving(root, folder, text)


def _address(text: str) -> str:
    """As a message may hold it: what follows the scheme may be a password, and the place is told anyway."""
    found = _SCHEME.match(text)
    return f"{found[0]}{CUT}" if found else show_path(text)


def _leaving(root: Path, folder: Path, text: str) -> Fault | None:
    if text.startswith("~"):
        return "bad_path", f"{show_path(text)}: ~ is not expanded.", "Write ${HOME} in its place."
    plain, through_links = absolute(folder, text), folder / text
    if within(root, plain) and (plain == through_links or within(root, through_links)):
        return None
    cure = "Move it into the project, or set `policy: {allow_outside_paths: true}`."
    return "outside_path", f"{show_path(text)} lies outside the project's folder.", cure

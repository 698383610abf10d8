"""Makes the database of test_no_perpetual_difference.py that an older DuckDB wrote: run it with duckdb 1.5.6."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from spelt_tables import together
from test_no_perpetual_difference import OLD, write_manifest

import provisioner


def make() -> None:
    with TemporaryDirectory() as text:
        folder = Path(text)
        provisioner.apply(write_manifest(folder / "provision.yaml", together()), cache=False)
        OLD.mkdir(exist_ok=True)
        for name in ("provision.yaml", "shop.duckdb"):
            (OLD / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes(), mtime=0))


if __name__ == "__main__":
    assert duckdb.__version__.startswith("1.5."), "the database is to be an older version's"
    make()

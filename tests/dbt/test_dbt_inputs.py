"""The files that dbt nodes depend on: what of them counts, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.declare.values import DbtProject, Manifest, Place, TableKind, TableName
from provisioner.observe.dbt_units import make_dbt_units
from provisioner.observe.notes import Notes
from provisioner.observe.values import DbtGraph, DbtGraphNode, DbtNode

ROWS = "id,label\n" + "".join(f"{number},{'x' * 50}\n" for number in range(25_000))


def inputs(folder: Path, command: str, file: str, path: str) -> dict[str, str]:
    """Label and digest of what a node of that command reads: one file, and its own lies at `path`."""
    name = TableName("main", "big")
    node = DbtGraphNode(DbtNode("x.shop.big", command, False, path), name, TableKind.TABLE, (), {}, (file,))
    manifest = Manifest(
        "shop", folder / "shop.yaml", folder, folder / "shop.duckdb", (), (), (), "digest",
        dbt=DbtProject(folder, Place("shop.yaml", 1, 1)),
    )  # fmt: skip
    (unit,), _ = make_dbt_units(manifest, DbtGraph({"x.shop.big": node}), {}, [name], Notes())
    return dict(unit.inputs)


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return name


MOVES = [("seeds/big.csv", "seeds/deep/big.csv"), ("seeds/big.csv", "dbt_packages/p/seeds/big.csv")]


@pytest.mark.parametrize(("before", "after"), MOVES, ids=["to a folder", "to a package"])
def test_a_seeds_file_may_move_and_its_content_counts_to_the_last_byte(tmp_path: Path, before: str, after: str) -> None:
    found = inputs(tmp_path, "seed", write(tmp_path, before, ROWS), before)
    assert len(ROWS) > 1 << 20 and list(found) == ["big.csv"]
    own = after.removeprefix("dbt_packages/p/")
    assert inputs(tmp_path, "seed", write(tmp_path, after, ROWS), own) == found
    assert inputs(tmp_path, "seed", write(tmp_path, after, ROWS[:-2] + "y\n"), own) != found


def test_a_file_that_a_model_reads_is_known_by_the_path_it_is_read_by(tmp_path: Path) -> None:
    found = inputs(tmp_path, "run", write(tmp_path, "data/big.csv", "id\n1\n"), "models/big.sql")
    assert list(found) == ["data/big.csv"]

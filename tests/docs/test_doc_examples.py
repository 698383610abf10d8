"""Every example of the documentation does what the page says."""

from __future__ import annotations

from pathlib import Path

import doc_pages
import pytest
import yaml

from provisioner import load_manifest

MANIFESTS = [
    pytest.param(page, block, id=f"{page}:{block.line}")
    for page in doc_pages.PAGES
    for block in doc_pages.read_blocks((doc_pages.ROOT / page).read_text(encoding="utf-8"))
    if block.language == "yaml" and block.file is None and not block.foreign
]
WITH_EXAMPLES = [
    page
    for page in doc_pages.PAGES
    if any(
        block.language in ("console", "python")
        for block in doc_pages.read_blocks((doc_pages.ROOT / page).read_text(encoding="utf-8"))
    )
]


@pytest.mark.usefixtures("dbt_is_imported")
@pytest.mark.parametrize("page", WITH_EXAMPLES)
def test_every_command_of_the_page_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    differing = [one for one in doc_pages.run_page(page, tmp_path) if not one.as_written]
    assert not differing, "\n\n".join(
        [
            "The commands print something else now. If that is meant: python tests/docs/doc_pages.py " + page,
            *(doc_pages.show_difference(page, one) for one in differing),
        ]
    )


@pytest.mark.parametrize(("page", "block"), MANIFESTS)
def test_every_yaml_example_is_a_sound_manifest(page: str, block: doc_pages.Block, tmp_path: Path) -> None:
    own = yaml.safe_load(block.text)
    head = "".join(f"{key}: {value}\n" for key, value in doc_pages.HEAD.items() if key not in own)
    path = tmp_path / "manifests" / "shop.yaml"
    path.parent.mkdir()
    path.write_text(head + block.text)
    for name in own.get("include", ()):
        (path.parent / name).write_text("tables: {}\n")
    loaded = [load_manifest(path, variables={})]
    loaded += [load_manifest(path, env=name, variables={}) for name in own.get("environments", ())]
    assert all(manifest.name for manifest in loaded)

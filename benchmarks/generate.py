"""Projects of any size, the same for the same numbers: what the benchmarks measure, and what a reader can try out.

    python benchmarks/generate.py models FOLDER [--models 1000] [--layers 5] [--seeds 20]
    python benchmarks/generate.py tables FOLDER [--tables 2000] [--columns 10]

`models` is a dbt project with its manifest: each model reads one to four nodes of the layer below it, the first layer
reads seeds. Every third model is a view. `tables` is a manifest that declares tables which no step makes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 20130101
ROWS_OF_A_SEED = 50
TABLES_OF_A_FILE = 2500
TIERS = ("raw", "core", "mart")
TYPES = ("BIGINT", "VARCHAR", "DATE", "DOUBLE", "TIMESTAMP", "DECIMAL(12,2)", "BOOLEAN", "INTEGER")

PROJECT = """\
name: synthetic
version: "1.0"
config-version: 2
profile: synthetic
flags: {send_anonymous_usage_stats: false}
vars: {lowest: 1, rate: 3}
models:
  synthetic:
"""
PROFILE = """\
synthetic:
  target: dev
  outputs:
    dev: {type: duckdb, path: target/synthetic.duckdb, threads: 4}
"""
MACROS = """\
{% macro in_cents(amount) %}cast(round({{ amount }} * 100) as bigint){% endmacro %}

{% macro grown(amount) %}({{ amount }} * (1 + {{ var('rate') }} / 100.0)){% endmacro %}

{% macro all_of(names) %}
{%- for name in names %}
    select id, amount from {{ ref(name) }}
    {%- if not loop.last %} union all{% endif %}
{%- endfor %}
{% endmacro %}
"""
MODEL = """\
{{{{ config(materialized='{kind}') }}}}

with gathered as (
    {gathered}
)
select
    id,
    {{{{ grown('avg(amount)') }}}} as amount,
    {{{{ in_cents('max(amount)') }}}} as cents,
    count(*) as parts
from gathered
where id >= {{{{ var('lowest') }}}} and id <> {left_out}
group by id
"""


@dataclass(frozen=True, slots=True)
class ModelsShape:
    """How many of what. Models are spread evenly over the layers."""

    models: int = 1000
    layers: int = 5
    seeds: int = 20

    def seed_names(self) -> list[str]:
        return [f"seed_{number:03d}" for number in range(1, self.seeds + 1)]

    def layer(self, number: int) -> list[str]:
        """Names of the models of a layer, which are counted from 1."""
        count = self.models // self.layers + (number <= self.models % self.layers)
        return [f"m{number}_{one:04d}" for one in range(1, count + 1)]


def write_models(folder: Path, shape: ModelsShape) -> Path:
    """Write the dbt project and its manifest. Returns the manifest's path."""
    chance = random.Random(SEED)
    project = folder / "dbt"
    layers = range(1, shape.layers + 1)
    tags = "".join(f"    layer_{number}:\n      +tags: [layer_{number}]\n" for number in layers)
    _write(project / "dbt_project.yml", PROJECT + tags)
    _write(project / "profiles.yml", PROFILE)
    _write(project / "macros" / "money.sql", MACROS)
    for name in shape.seed_names():
        _write(project / "seeds" / f"{name}.csv", _seed_text(chance))
    below = shape.seed_names()
    for number in layers:
        for place, name in enumerate(shape.layer(number)):
            parents = sorted(chance.sample(below, min(len(below), chance.randint(1, 4))))
            kind = "view" if place % 3 == 2 else "table"
            _write(project / "models" / f"layer_{number}" / f"{name}.sql", _model_text(kind, parents, chance))
        below = shape.layer(number)
    return _write(folder / "manifests" / "synthetic.yaml", "".join(_models_manifest(shape)))


def _seed_text(chance: random.Random) -> str:
    rows = (f"{one},{chance.randint(100, 99999) / 100}\n" for one in range(1, ROWS_OF_A_SEED + 1))
    return "id,amount\n" + "".join(rows)


def _model_text(kind: str, parents: list[str], chance: random.Random) -> str:
    """A third of the models name what they read in a loop of a macro, as people do; the others plainly."""
    if chance.randrange(3) == 0:
        gathered = f"{{{{ all_of({parents}) }}}}"
        # Without these dbt does not see what a macro reads for the model.
        gathered += "".join(f"\n    -- depends_on: {{{{ ref('{name}') }}}}" for name in parents)
    else:
        gathered = "\n    union all\n    ".join(f"select id, amount from {{{{ ref('{name}') }}}}" for name in parents)
    return MODEL.format(kind=kind, gathered=gathered, left_out=chance.randint(1, ROWS_OF_A_SEED))


def _models_manifest(shape: ModelsShape) -> Iterator[str]:
    layers = range(1, shape.layers + 1)
    yield "version: 1\nname: synthetic\ndatabase: ../build/synthetic.duckdb\n"
    yield f"tiers: [seed, {', '.join(f'layer_{number}' for number in layers)}]\n"
    yield "dbt: {project_dir: ../dbt}\nsteps:\n  seeds: {dbt: seed}\n  models: {dbt: run}\n"
    yield "tables_from:\n"
    for number in layers:
        yield f'  - {{step: models, select: "tag:layer_{number}", tier: layer_{number}}}\n'
    yield "tables:\n"
    for name in shape.seed_names():
        yield f"  {name}:\n    tier: seed\n    step: seeds\n    columns: {{id: INTEGER, amount: DOUBLE}}\n"


def write_tables(folder: Path, tables: int, columns: int) -> Path:
    """Write a manifest of declared tables, in three tiers, every fifth with a key. Returns its path.

    A manifest file has its limit, so many tables are spread over files that it includes.
    """
    parts = [range(begin, min(begin + TABLES_OF_A_FILE, tables)) for begin in range(0, tables, TABLES_OF_A_FILE)]
    names = [f"part_{number}.yaml" for number in range(1, len(parts))]
    for name, part in zip(names, parts[1:], strict=True):
        _write(folder / "manifests" / name, "".join(_tables(part, columns)))
    head = "version: 1\nname: declared\ndatabase: ../build/declared.duckdb\n"
    head += f"tiers: [{', '.join(TIERS)}]\ninclude: [{', '.join(names)}]\n"
    return _write(folder / "manifests" / "declared.yaml", head + "".join(_tables(parts[0], columns)))


def _tables(numbers: range, columns: int) -> Iterator[str]:
    yield "tables:\n"
    for number in numbers:
        yield f"  table_{number:05d}:\n    tier: {TIERS[number % len(TIERS)]}\n"
        if number % 5 == 0:
            yield "    primary_key: [id]\n"
        yield "    columns:\n      id: {type: BIGINT, nullable: false}\n"
        yield from (f"      {name}: {kind}\n" for name, kind in column_types(number, columns))


def column_types(table: int, columns: int) -> list[tuple[str, str]]:
    """Names and types of a table's columns after `id`, which is the first."""
    return [(f"column_{one:02d}", TYPES[(table + one) % len(TYPES)]) for one in range(1, columns)]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def main() -> None:
    """The command line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", choices=("models", "tables"))
    words.add_argument("folder", type=Path)
    for option, usual in (("models", 1000), ("layers", 5), ("seeds", 20), ("tables", 2000), ("columns", 10)):
        words.add_argument(f"--{option}", type=int, default=usual)
    said = words.parse_args()
    if said.what == "tables":
        print(write_tables(said.folder, said.tables, said.columns))
    else:
        print(write_models(said.folder, ModelsShape(said.models, said.layers, said.seeds)))


if __name__ == "__main__":
    main()

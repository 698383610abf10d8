"""The values of secrets: in no plan, journal, log, error, cache, argument or file that a run leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import warm

import provisioner
from provisioner import Event, ProvisionError
from provisioner.declare.redact import find_secrets, is_secret, redact

SECRET = 'hunter2\'s "wäldchen" \\ 77%'


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "PASSWORD", "DBPASSWORD", "db_password", "API_TOKEN", "TOKENS", "AWS_SECRET_ACCESS_KEY", "APIKEY",
     "KEY2", "SSH_KEY_FILE", "CREDENTIALS", "GOOGLE_CREDENTIAL", "MYSQL_PASSWD", "DBT_ENV_SECRET_X", "PASSPHRASE"],
)  # fmt: skip
def test_these_names_are_those_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["PWD", "HOME", "KEYBOARD", "SECRETARY", "TOKENIZER", "PROVISION_ENV", "MONKEYS_ARE", ""]
)
def test_these_names_are_not(name: str) -> None:
    assert is_secret(name) == (name == "MONKEYS_ARE")


FORMS = {
    "plain": SECRET,
    "JSON": json.dumps(SECRET),
    "JSON, with umlauts": json.dumps(SECRET, ensure_ascii=False),
    "Python": repr(SECRET),
    "SQL": "'" + SECRET.replace("'", "''") + "'",
    "an address": "https://u:hunter2%27s%20%22w%C3%A4ldchen%22%20%5C%2077%25@host",
    "one line of several": "-----BEGIN-----",
    "several lines, indented": "-----BEGIN-----\n    abcdefghijklm",
    "several lines in one": "-----BEGIN----- abcdefghijklm",
    "a form": quote_plus(SECRET),
    "an address in small letters": re.sub("%..", lambda found: found[0].lower(), quote(SECRET, "")),
    "a form in small letters": re.sub("%..", lambda found: found[0].lower(), quote_plus(SECRET)),
    "a name in SQL": '"' + SECRET.replace('"', '""') + '"',
    "a name in SQL, in JSON": json.dumps('"' + SECRET.replace('"', '""') + '"'),
    "Python, without umlauts": ascii(SECRET),
    "Python, among others": repr(["it's", '"' + SECRET]),
    "bytes": repr(SECRET.encode()),
    "JSON in JSON": json.dumps(json.dumps({"a": SECRET})),
    "Python in Python": repr(repr(SECRET)),
    "Python in JSON": json.dumps(repr({"a": SECRET})),
    "JSON in Python": repr(json.dumps(SECRET)),
    "SQL in JSON in JSON": json.dumps(json.dumps("x = '" + SECRET.replace("'", "''") + "'")),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_each_form(form: str) -> None:
    secrets = find_secrets({"DB_PASSWORD": SECRET, "PRIVATE_KEY": "-----BEGIN-----\nabcdefghijklm\n", "HOME": "/root"})
    left = redact(f"before {FORMS[form]} after /root", secrets)
    assert not [part for part in ("hunter2", "wäldchen", "ldchen", "77", "BEGIN", "klm") if part in left], left
    assert left.startswith("before ") and left.endswith(" after /root") and "***" in left


def test_short_values_and_other_variables_stay() -> None:
    assert find_secrets({"API_KEY": "abc", "TOKEN": "", "HOME": "/home/someone"}) == ()
    assert redact("true, unless", find_secrets({"SSH_KEY": "begin\ntrue\nunless\n"})) == "true, ***"


def test_a_value_that_is_no_text_is_found_too() -> None:
    value = b"hunter2\xff".decode(errors="surrogateescape")
    assert redact(f"no {value}", find_secrets({"TOKEN": value})) == "no ***"


# Ways to fail that tell the value: keys of the manifest, and what the error's code is.
WAYS: dict[str, tuple[Mapping[str, Any], str]] = {
    "an option's value": ({"load": "sales.csv", "options": {"delim": "${DB_PASSWORD}"}}, "load_failed"),
    "a number that is none": ({"load": "sales.csv", "options": {"skip": "${DB_PASSWORD}"}}, "load_option"),
    "a file that is not there": ({"load": "data/${DB_PASSWORD}.csv"}, "input_missing"),
    "a format that does not exist": ({"load": "sales.csv", "format": "${DB_PASSWORD}"}, "manifest"),
    "a path outside": ({"load": "../../../${DB_PASSWORD}.csv"}, "manifest"),
    "what python raises": ({"python": "code:build"}, "python_failed"),
}


def _project(folder: Path, step: Mapping[str, Any]) -> Path:
    folder.mkdir()
    manifest = {
        "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"], "steps": {"sales": step},
        "tables": {"sales": {"tier": "one", "step": "sales"}},
    }  # fmt: skip
    (folder / "provision.yaml").write_text(json.dumps(manifest))
    (folder / "sales.csv").write_text("id\n1\n")
    (folder / "code.py").write_text(
        "import os\ndef build(connection, context):\n    raise ValueError('no ' + os.environ['DB_PASSWORD'])\n"
    )
    return folder / "provision.yaml"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run leaves things."""
    for name in ("cache", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return tmp_path


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return warm.run("-m", "provisioner", *words, cwd=folder, env=dict(os.environ), timeout=60)


def _tells(text: str | bytes) -> bool:
    data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    return b"hunter2" in data or "wäldchen".encode() in data


def _traces(places: Path, *given: str) -> list[str]:
    """Files that hold the secret, but for those that are given."""
    files = [path for path in places.rglob("*") if path.is_file() and path.name not in given]
    assert len(files) > 2
    return [str(path) for path in files if _tells(path.read_bytes())] + [
        str(path) for path in places.rglob("*") if _tells(str(path))
    ]


@pytest.mark.parametrize("way", WAYS)
def test_no_failure_tells_a_secret(way: str, places: Path) -> None:
    step, code = WAYS[way]
    path = _project(places / "shop", step)
    seen: list[Event] = []
    with pytest.raises(ProvisionError) as caught:
        provisioner.apply(path, on_event=seen.append)
    assert caught.value.code == code
    told = ["".join(traceback.format_exception(caught.value)), str(caught.value), caught.value.cure, *map(repr, seen)]
    assert not [text for text in told if _tells(text)]
    assert "***" in str(caught.value) or way == "an option's value"  # of which DuckDB 1.5 says nothing
    process = _run(path.parent, "apply", "--format", "json", "--log-format", "json", "--debug")
    assert process.returncode == 1
    assert not _tells(process.stdout + process.stderr), (process.stdout, process.stderr)
    assert _traces(places) == []


def test_a_command_is_on_record_without_the_secret_that_it_was_given(places: Path) -> None:
    path = _project(places / "shop", {"load": "sales.csv"})
    named = path.rename(path.with_name(f"my {SECRET.replace('%', '')}.yaml"))
    os.environ["DB_PASSWORD"] = SECRET.replace("%", "")
    assert _run(path.parent, "apply", "-m", named.name, "-v").returncode == 0
    (journal,) = path.parent.glob("*.journal")
    assert '"command":"provision apply -m my *** -v"'.replace("***", "***.yaml") in journal.read_text()
    for words in (("history",), ("history", "--format", "json")):
        process = _run(path.parent, *words, "-m", named.name)
        assert process.returncode == 0
        assert not _tells(process.stdout + process.stderr)


DBT = {
    "dbt/dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "dbt/profiles.yml": (
        "shop:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      path: own.duckdb\n"
        "      secrets: [{type: http, name: gate, bearer_token: \"{{ env_var('DB_PASSWORD') }}\"}]\n"
    ),
    "dbt/models/broken.sql": (
        "{{ config(materialized='table') }}\n"
        "select error('no ' || '{{ env_var('DB_PASSWORD') | replace(\"'\", \"''\") }}')"
    ),
    "dbt/models/told.sql": (
        "{{ config(materialized='table') }}\n"
        "select cast('{{ var('password') | replace(\"'\", \"''\") }}' as integer) as x"
    ),
    # DuckDB draws the line, and cuts it in one of these.
    "dbt/models/drawn.sql": (
        "{{ config(materialized='table') }}\nselect nope, "
        + " || ".join(["'{{ var('password') | replace(\"'\", \"''\") }}'"] * 6)
    ),
    "dbt/models/raised.sql": (
        "{% if execute %}{{ exceptions.raise_compiler_error('no ' ~ var('password')) }}{% endif %}\nselect 1 as x"
    ),
}


def test_neither_dbt_nor_its_cache_tells_a_secret(places: Path) -> None:
    for name, text in DBT.items():
        path = places / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    manifest = {
        "version": 1, "name": "shop", "database": "shop.duckdb", "tiers": ["one"], "steps": {"models": {"dbt": "run"}},
        "dbt": {"project_dir": "dbt", "vars": {"password": "${DB_PASSWORD}"}},
        "tables": {name: {"tier": "one", "step": "models"} for name in ("broken", "told", "drawn", "raised")},
    }  # fmt: skip
    (places / "shop" / "provision.yaml").write_text(json.dumps(manifest))
    process = _run(places / "shop", "apply", "--format", "json", "--log-format", "json", "-v")
    assert process.returncode == 1
    units = {unit["unit"]: (unit["error"] or {}).get("message", "") for unit in json.loads(process.stdout)["units"]}
    assert len(units) == 4 and all("***" in message for message in units.values()), process.stdout
    assert not _tells(process.stdout + process.stderr)
    assert _traces(places) == []
    assert not list((places / "temporary").iterdir())

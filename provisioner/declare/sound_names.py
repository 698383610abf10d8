"""What must hold of the names of a whole manifest: none twice, none reserved, none gone and there at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from provisioner.declare.allowance import parse_allowance
from provisioner.declare.outline import Outline, dicts, parse_name, section, text_of, texts
from provisioner.declare.problems import Problems, TreePath, show
from provisioner.declare.values import Place, TableName, fold
from provisioner.declare.visible import first_hidden
from provisioner.declare.yaml_tree import DictNode, Node, TextNode

Named = tuple[str, Place, TreePath]
RESERVED_SCHEMAS = {"_provisioner": "holds provision's own records"} | dict.fromkeys(
    ("information_schema", "pg_catalog", "system", "temp"), "is DuckDB's own"
)
_BAD_NAME = "Write name or schema.name, and double quotes around a part with a dot: '\"a.b\"'."


def check_names(outline: Outline, problems: Problems) -> None:
    """Add a problem for each name that cannot be, clashes with another or contradicts it."""
    tiers: list[Named] = [(tier.text, tier.place, ("tiers",)) for tier in (outline.tiers or {}).values()]
    for named in (tiers, *(_keys(outline.tree.get(name), (name,)) for name in ("steps", "environments"))):
        _check_visible(named, problems)
        _check_clashes(named, fold, problems)
    stem = Path(text_of(outline.tree, "database") or "").stem
    for what in ("tables", "sequences"):
        named = _keys(outline.tree.get(what), (what,))
        _check_visible(named, problems)
        for key, place, path in named:
            if not problems.is_broken(what, key):
                _check_relation_name(key, place, path, stem, problems)
        _check_clashes(named, _relation_key, problems)
    for key, table in outline.tables.items():
        columns = _keys(table.get("columns"), ("tables", key, "columns"))
        _check_visible(columns, problems)
        _check_visible(_keys(table.get("indexes"), ("tables", key, "indexes")), problems)
        _check_clashes(columns, fold, problems)
    _check_clashes(_indexes(outline), str, problems, shown=_without_schema)
    _check_forgotten(outline, problems)
    _check_former_tables(outline, problems)
    _check_sequences(outline, problems)
    _check_allowed(outline, problems)


def _keys(node: Node | None, path: TreePath) -> list[Named]:
    return [(key, place, (*path, key)) for key, place in node.keys.items()] if isinstance(node, DictNode) else []


def _check_visible(names: Iterable[Named], problems: Problems) -> None:
    """A name that looks like another, or like nothing, would deceive whoever reads a plan."""
    for name, place, path in names:
        char = first_hidden(name)
        # Control characters are the schema's to refuse.
        if char and unicodedata.category(char) != "Cc":
            message = f"this name holds U+{ord(char):04X}, which nobody sees."
            problems.add(place, "bad_name", message, "Take that character out.", path)


def _relation_key(text: str) -> str:
    try:
        return str(parse_name(text).key)
    except ValueError:
        return text


def _check_clashes(
    names: Iterable[Named], key: Callable[[str], str], problems: Problems, shown: Callable[[str], str] = str
) -> None:
    first: dict[str, tuple[str, Place]] = {}
    for name, place, path in names:
        other, there = first.setdefault(key(name), (name, place))
        if there != place:
            message = f"to DuckDB this is the same name as {show(shown(other))} ({there})."
            problems.add(place, "name_clash", message, "Rename one of the two.", path)


def _indexes(outline: Outline) -> Iterator[Named]:
    """An index lies in the schema of its table, and there its name is its own."""
    for key, table in outline.tables.items():
        try:
            schema = fold(parse_name(key).schema)
        except ValueError:
            continue
        for name, place, path in _keys(table.get("indexes"), ("tables", key, "indexes")):
            yield f"{schema}\0{fold(name)}", place, path


def _without_schema(key: str) -> str:
    return key.partition("\0")[2]


def _check_relation_name(key: str, place: Place, path: TreePath, stem: str, problems: Problems) -> None:
    """stem: of the database file, which is what DuckDB calls the database."""
    try:
        name = parse_name(key)
    except ValueError:
        what = "sequence" if path[0] == "sequences" else "table"
        problems.add(place, "bad_name", f"this is not the name of a {what}.", _BAD_NAME, path)
        return
    if why := RESERVED_SCHEMAS.get(fold(name.schema)):
        message = f"the schema {show(name.schema)} {why}."
        problems.add(place, "reserved_schema", message, "Choose another schema.", path)
    elif fold(name.schema) == fold(stem):
        message = (
            f"the schema {show(name.schema)} has the name of the database file, and DuckDB cannot tell them apart."
        )
        problems.add(place, "reserved_schema", message, "Give the schema or the file another name.", path)


def _former(outline: Outline) -> Iterator[tuple[str, TextNode, TreePath]]:
    """Each former name of a table: the table's key, the name, its path."""
    for key, table in outline.tables.items():
        if "step" not in table.entries:
            for old in texts(table, "renamed_from"):
                yield key, old, ("tables", key, "renamed_from")


def _parsed(text: TextNode, path: TreePath, problems: Problems) -> TableName | None:
    try:
        return parse_name(text.text)
    except ValueError:
        problems.add(text.place, "bad_name", "this is not the name of a table.", _BAD_NAME, path)
        return None


def _check_former_tables(outline: Outline, problems: Problems) -> None:
    """renamed_from names what is declared no more, and each former table became one."""
    claimed: dict[TableName, str] = {}
    for key, old, path in _former(outline):
        name = _parsed(old, path, problems)
        if name is None:
            continue
        there, other = outline.names.get(name), claimed.setdefault(name, key)
        if there == key:
            cure = "Take renamed_from out; names that differ only in case are one name."
            problems.add(old.place, "contradiction", "this is its own name.", cure, path)
        elif there is not None:
            message = f"the manifest still has a table {show(there)}."
            problems.add(old.place, "contradiction", message, "Take renamed_from out, or that table.", path)
        elif other != key:
            message = f"{show(other)} was renamed from {show(old.text)} too."
            problems.add(old.place, "contradiction", message, "Keep one of the two.", path)


def _check_forgotten(outline: Outline, problems: Problems) -> None:
    former = {_relation_key(old.text): key for key, old, _ in _former(outline)}
    # A list that the schema refused may hold anything.
    for number, node in enumerate(() if problems.touch("forget") else texts(outline.tree, "forget")):
        path = ("forget", number)
        name = _parsed(node, path, problems)
        if name in outline.names:
            message, cure = "this table is declared.", "Take it out here, or under `tables`."
            problems.add(node.place, "contradiction", message, cure, path)
        elif name is not None and (key := former.get(str(name.key))):
            message = f"{show(key)} is renamed from this table."
            problems.add(node.place, "contradiction", message, "Take it out here, or there.", path)


def _check_sequences(outline: Outline, problems: Problems) -> None:
    for key, node in dicts(outline.tree, "sequences"):
        if problems.is_broken("sequences", key):
            continue
        if int(text_of(node, "increment") or 1) == 0:
            message, cure = "a sequence does not stand still.", "Write 1, or -1 to count down."
            problems.add(node.entries["increment"].place, "wrong_value", message, cure, ("sequences", key, "increment"))


def _check_allowed(outline: Outline, problems: Problems) -> None:
    environments = section(outline.tree, "environments")
    places: list[tuple[DictNode, TreePath]] = [(outline.tree, ())]
    places += [(node, ("environments", name)) for name, node in environments.items() if isinstance(node, DictNode)]
    for holder, above in places:
        policy = holder.get("policy")
        path: TreePath = (*above, "policy", "allow")
        if isinstance(policy, DictNode) and not problems.is_broken(str(path[0]), path[1]):
            for text in texts(policy, "allow"):
                _check_allowance(text, path, problems)


def _check_allowance(text: TextNode, path: TreePath, problems: Problems) -> None:
    if text.pending:
        return
    try:
        parse_allowance(text.text)
    except ValueError:
        problems.add(text.place, "bad_name", "behind the colon is not the name of a table.", _BAD_NAME, path)

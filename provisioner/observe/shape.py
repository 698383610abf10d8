"""The whole structure of tables and views, as the catalog tells it, in a handful of queries however many there are.

Two things stand in DuckDB's text of a table alone: collations, and the expressions of an index one by one. A foreign
key cannot leave its schema, in any version that we know: it is asked for the table's name only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from provisioner.declare.values import ForeignKey, TableName, fold, quote
from provisioner.observe.change_values import ColumnShape, IndexShape, Shape
from provisioner.observe.digest import digest
from provisioner.observe.introspect import FEW
from provisioner.observe.layout import NAMED
from provisioner.observe.lexer import Token, TokenKind
from provisioner.observe.spelling import BARE, name_of, plain, split, tokens_of, without_brackets, without_cast, written

if TYPE_CHECKING:
    import duckdb

_OURS = "database_name = system.main.current_database() AND schema_name <> '_provisioner' AND {named}"
_TABLES = f"""
    SELECT schema_name, table_name, comment, sql FROM system.main.duckdb_tables() WHERE NOT internal AND {_OURS}"""
_VIEWS = f"""
    SELECT schema_name, table_name, comment, sql FROM (SELECT *, view_name AS table_name
    FROM system.main.duckdb_views())
    WHERE NOT internal AND {_OURS}"""
_COLUMNS = f"""
    SELECT schema_name, table_name, column_name, data_type, is_nullable, column_default, comment
    FROM system.main.duckdb_columns() WHERE NOT internal AND {_OURS} ORDER BY schema_name, table_name, column_index"""
_CONSTRAINTS = f"""
    SELECT schema_name, table_name, constraint_type, constraint_column_names, expression,
        referenced_table, referenced_column_names
    FROM system.main.duckdb_constraints() WHERE constraint_type <> 'NOT NULL' AND {_OURS}"""
_INDEXES = f"""
    SELECT schema_name, table_name, index_name, is_unique, sql
    FROM system.main.duckdb_indexes() WHERE sql <> '' AND {_OURS} ORDER BY system.main.lower(index_name)"""
_REFERENCES = """
    SELECT schema_name, table_name, referenced_table FROM system.main.duckdb_constraints()
    WHERE constraint_type = 'FOREIGN KEY' AND database_name = system.main.current_database()
    AND schema_name <> '_provisioner'"""
_Rows = dict[TableName, list[tuple[Any, ...]]]


def read_shapes(connection: duckdb.DuckDBPyConnection, tables: Iterable[TableName]) -> dict[TableName, Shape]:
    """The shape of each of these that is a table or a view of the current database, in the catalog's own spelling.

    Sees what the open transaction did. A view's shape has its query and its comment alone. Raises duckdb.Error.
    """
    tables = frozenset(tables)
    if not tables:
        return {}

    def rows(query: str) -> _Rows:
        few = {"names": [table.name for table in tables]} if len(tables) <= FEW else None
        found: _Rows = defaultdict(list)
        for row in connection.execute(query.format(named=NAMED if few else "true"), few).fetchall():
            if (table := TableName(*row[:2])) in tables:
                found[table].append(row[2:])
        return found

    shapes = {table: _of_view(table, *row) for table, (row,) in rows(_VIEWS).items()}
    made = rows(_TABLES)
    if made:
        columns, constraints, indexes = rows(_COLUMNS), rows(_CONSTRAINTS), rows(_INDEXES)
        for table, (row,) in made.items():
            shapes[table] = _of_table(table, row, columns[table], constraints[table], indexes[table])
    return shapes


def read_family(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[TableName]
) -> dict[TableName, tuple[Shape, ...]]:
    """Of each table those whose foreign keys refer to it, those whose keys refer to them, and so on.

    Each comes after what it refers to; what refers to itself alone does not count. Tables without any are absent.
    """
    parents = _read_parents(connection)
    found = {table: _descendants(table, parents) for table in tables}
    shapes = read_shapes(connection, {child for children in found.values() for child in children})
    return {table: tuple(shapes[child] for child in children) for table, children in found.items() if children}


def digest_of_shape(shape: Shape) -> str:
    """One digest of all of it; a shape read again from an unchanged catalog has the same."""
    return digest(astuple(shape))


def _read_parents(connection: duckdb.DuckDBPyConnection) -> dict[TableName, set[TableName]]:
    parents: dict[TableName, set[TableName]] = defaultdict(set)
    for schema, name, referenced in connection.execute(_REFERENCES).fetchall():
        parents[TableName(schema, name)].add(TableName(schema, referenced))
    return {child: {one for one in named if one != child} for child, named in parents.items()}


def _descendants(table: TableName, parents: Mapping[TableName, set[TableName]]) -> list[TableName]:
    """DuckDB has no circles of foreign keys: a key is made with its table, after the one it refers to."""
    family, waiting = {table}, [table]
    while waiting:
        parent = waiting.pop()
        children = [child for child, named in parents.items() if parent in named and child not in family]
        family.update(children)
        waiting += children
    return in_order(family - {table}, parents)


def in_order(tables: Iterable[TableName], parents: Mapping[TableName, set[TableName]]) -> list[TableName]:
    """The tables, each after its parents among them, otherwise by name."""
    left, ordered = sorted(tables), list[TableName]()
    while left:
        free = [one for one in left if not parents.get(one, set()) & set(left) - {one}]
        ordered += free or left
        left = [one for one in left if one not in ordered]
    return ordered


def _of_view(table: TableName, comment: str | None, sql: str) -> Shape:
    return Shape(table, comment=comment or None, view=plain(_query(sql)))


def _query(sql: str) -> str:
    """What stands behind AS in `CREATE VIEW name (columns) AS query;`, with the columns worked into it."""
    tokens = tokens_of(sql)
    at = next(at for at, token in enumerate(tokens) if token.text == "AS")
    query = sql[tokens[at].start + 2 :].strip().removesuffix(";").strip()
    opening = next((number for number in range(at) if tokens[number].text == "("), None)
    if opening is None:
        return query
    names = ", ".join(written(sql, part) for part in split(tokens, opening))
    return f"SELECT * FROM ({query}) AS renamed({names})"


def _of_table(
    table: TableName,
    told: tuple[str | None, str],
    columns: list[tuple[Any, ...]],
    constraints: list[tuple[Any, ...]],
    indexes: list[tuple[Any, ...]],
) -> Shape:
    comment, sql = told
    names = {fold(row[0]): row[0] for row in columns}
    generated, collations = _told_of_columns(sql, [row[0] for row in columns])
    of = {kind: [row[1:] for row in constraints if row[0] == kind] for kind in ("PRIMARY KEY", "UNIQUE", "CHECK")}
    return Shape(
        table,
        tuple(_column(row, generated, collations, names) for row in columns),
        next((tuple(row[0]) for row in of["PRIMARY KEY"]), ()),
        tuple(sorted({tuple(row[0]) for row in of["UNIQUE"]})),
        tuple(sorted({_expression(row[1], names) for row in of["CHECK"]})),
        tuple(sorted(_foreign_keys(table, constraints), key=lambda key: (key.columns, key.table, key.references))),
        tuple(IndexShape(name, _indexed(text, names), unique) for name, unique, text in indexes),
        comment or None,
    )


def _foreign_keys(table: TableName, constraints: list[tuple[Any, ...]]) -> set[ForeignKey]:
    return {
        ForeignKey(tuple(columns), TableName(table.schema, referenced), tuple(references))
        for kind, columns, _, referenced, references in constraints
        if kind == "FOREIGN KEY"
    }


def _column(
    row: tuple[Any, ...], generated: set[str], collations: Mapping[str, str], names: Mapping[str, str]
) -> ColumnShape:
    name, type_text, nullable, text, comment = row
    text = None if text is None else plain(text, BARE)
    if name in generated and text is not None:
        made = _expression(without_cast(without_brackets(text), type_text), names)
        return ColumnShape(name, type_text, nullable, generated=made, comment=comment or None)
    default = None if text is None else without_brackets(text)
    default = None if default is not None and fold(default) == "null" else default
    return ColumnShape(name, type_text, nullable, default, collation=collations.get(name, ""), comment=comment or None)


def _told_of_columns(sql: str, names: list[str]) -> tuple[set[str], dict[str, str]]:
    """From the text of a table: which columns are generated, and collations."""
    if "GENERATED" not in sql and "COLLATE" not in sql:
        return set(), {}
    tokens = tokens_of(sql)
    opening = next(at for at, token in enumerate(tokens) if token.text == "(")
    generated, collations = set[str](), dict[str, str]()
    # The columns come first, in their order, and constraints after them.
    for name, part in zip(names, split(tokens, opening), strict=False):
        outer = list(_outside_of_brackets(part[1:]))
        words = [token.text for token in outer]
        if "GENERATED" in words:
            generated.add(name)
        if "COLLATE" in words:
            collations[name] = _collation(outer[words.index("COLLATE") + 1 :])
    return generated, collations


def _outside_of_brackets(part: Iterable[Token]) -> Iterator[Token]:
    depth = 0
    for token in part:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.text != ")":
            yield token


def _collation(tokens: list[Token]) -> str:
    """`nocase.noaccent`, from what follows COLLATE."""
    words = []
    for at, token in enumerate(tokens):
        if (at % 2 == 1) != (token.text == "."):
            break
        words.append(fold(name_of(token)))
    return "".join(words).removesuffix(".")


def _indexed(sql: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """What an index is on: columns under their own names, quoted, and expressions in one pair of brackets."""
    tokens = tokens_of(sql)
    opening = next(at for at, token in enumerate(tokens) if token.text == "(")
    parts = []
    for part in split(tokens, opening):
        inner = tokens_of(without_brackets(written(sql, part)))
        if len(inner) == 1 and inner[0].kind in (TokenKind.WORD, TokenKind.QUOTED):
            parts.append(quote(names.get(fold(name_of(inner[0])), name_of(inner[0]))))
        else:
            parts.append(f"({_expression(written(sql, part), names)})")
    return tuple(parts)


def _expression(text: str, names: Mapping[str, str]) -> str:
    """Over columns, whose names DuckDB leaves as somebody once wrote them: they are folded."""
    return plain(without_brackets(text), {**BARE, **{name: name for name in names}})

"""The SQL that makes a table or view of a shape, as text: pure, so that what is planned is what is shown and run."""

from __future__ import annotations

from provisioner.declare.values import Sequence, TableName, quote
from provisioner.observe.change_values import ColumnShape, IndexShape, Shape, Structure


def create_statements(shape: Shape, name: TableName | None = None) -> Structure:
    """All that makes it, empty: itself, its indexes, its comments. name: under this one instead of its own."""
    return (create_table(shape, name), *create_indexes(shape, name), *comments(shape, name))


def create_table(shape: Shape, name: TableName | None = None) -> str:
    """The table with its columns, keys, checks and foreign keys; or the view. One statement, without a semicolon."""
    name = name or shape.table
    if shape.view is not None:
        return f"CREATE VIEW {name.sql} AS {shape.view}"
    parts = [
        *map(column_ddl, shape.columns),
        *([f"PRIMARY KEY {_names(shape.key)}"] if shape.key else ()),
        *(f"UNIQUE {_names(columns)}" for columns in shape.unique),
        *(f"CHECK {bracketed(check)}" for check in shape.checks),
        *(_foreign_key(shape, number, name) for number in range(len(shape.foreign_keys))),
    ]
    return f"CREATE TABLE {name.sql} ({', '.join(parts)})"


def create_indexes(shape: Shape, name: TableName | None = None) -> tuple[str, ...]:
    """Each index of the table, by the shape's own names for them."""
    return tuple(create_index(index, name or shape.table) for index in shape.indexes)


def create_index(index: IndexShape, table: TableName) -> str:
    unique = "UNIQUE " if index.unique else ""
    return f"CREATE {unique}INDEX {quote(index.name)} ON {table.sql} ({', '.join(index.on)})"


def drop_index(index: IndexShape, table: TableName) -> str:
    """An index is in the schema of its table."""
    return f"DROP INDEX {quote(table.schema)}.{quote(index.name)}"


def comments(shape: Shape, name: TableName | None = None) -> tuple[str, ...]:
    """One for each comment that there is."""
    name = name or shape.table
    view = shape.view is not None
    own = [comment_on_table(name, shape.comment, view)] if shape.comment is not None else []
    commented = (column for column in shape.columns if column.comment is not None)
    return (*own, *(comment_on_column(name, column.name, column.comment) for column in commented))


def comment_on_table(table: TableName, comment: str | None, view: bool = False) -> str:
    """comment: None takes it away."""
    return f"COMMENT ON {'VIEW' if view else 'TABLE'} {table.sql} IS {_comment(comment)}"


def comment_on_column(table: TableName, column: str, comment: str | None) -> str:
    """comment: None takes it away."""
    return f"COMMENT ON COLUMN {table.sql}.{quote(column)} IS {_comment(comment)}"


def create_sequence(sequence: Sequence) -> str:
    """Where there is none of that name. DuckDB by itself counts from 1 up or from -1 down: here, from anywhere."""
    name, start, increment = sequence.name.sql, sequence.start, sequence.increment
    bound = f" MINVALUE {start}" if increment > 0 and start < 1 else ""
    bound = f" MAXVALUE {start}" if increment < 0 and start > -1 else bound
    return f"CREATE SEQUENCE IF NOT EXISTS {name} START {start} INCREMENT {increment}{bound}"


def column_ddl(column: ColumnShape) -> str:
    """A column as it stands in CREATE TABLE."""
    parts = [quote(column.name), column.type]
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS {bracketed(column.generated)}")
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.default is not None:
        parts.append(f"DEFAULT {bracketed(column.default)}")
    if not column.nullable:
        parts.append("NOT NULL")
    return " ".join(parts)


def literal(text: str) -> str:
    """The text as an SQL string literal, for the few statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def bracketed(expression: str) -> str:
    """With the closing bracket on a line of its own where the expression may end in a comment."""
    return f"({expression}\n)" if "--" in expression else f"({expression})"


def _foreign_key(shape: Shape, number: int, name: TableName) -> str:
    key = shape.foreign_keys[number]
    # A table that refers to itself refers to itself under its other name too.
    table = name if key.table == shape.table else key.table
    return f"FOREIGN KEY {_names(key.columns)} REFERENCES {table.sql} {_names(key.references)}"


def _names(columns: tuple[str, ...]) -> str:
    return f"({', '.join(map(quote, columns))})"


def _comment(text: str | None) -> str:
    return "NULL" if text is None else literal(text)

"""DuckDB's own words, cut to what stands in a message of the house.

What they mean is told by complaints.py; here they are only made short.
"""

from __future__ import annotations


def first_line(error: Exception | str) -> str:
    """The first line, with the class of the error in front."""
    return next(iter(str(error).strip().splitlines()), "no reason given")


def as_sentence(error: Exception | str) -> str:
    """The first line without the class, and with a full stop."""
    line = first_line(error)
    kind, colon, words = line.partition(" Error: ")
    told = words if colon and kind.replace(" ", "").isalpha() else line
    return told if told.endswith((".", "!", "?")) else f"{told}."


def without_drawing(error: Exception) -> str:
    """All of it but the line of the statement that DuckDB draws below."""
    return str(error).split("\n\nLINE")[0].strip()


def words_of_living(error: Exception) -> str:
    """The first line; an interruption and the database's death are raised again, being no fault of what was asked."""
    import duckdb

    if isinstance(error, duckdb.InterruptException | duckdb.FatalException) or "invalidated" in str(error):
        raise error
    return first_line(error)

"""How large a manifest may be. An honest one never meets these bounds; no other one takes long, or much memory."""

from __future__ import annotations

from dataclasses import dataclass

# Of one file, and of all together.
LIMIT_BYTES, LIMIT_ALL_BYTES = 5_000_000, 10_000_000
LIMIT_FILES = 500
LIMIT_DEPTH = 64
# In all files together: every key, every value, every list and every mapping is one.
LIMIT_NODES = 250_000
# In one list or mapping.
LIMIT_ENTRIES = 10_000
# In characters. A key that has more is none to YAML either, unless it is written with `?`.
LIMIT_KEY = 1_024
LIMIT_TEXT = 200_000
# Of `${NAME}`: how often it may stand anywhere, and what all of them together may add, since `vars` that double one
# another would otherwise fill the memory.
LIMIT_REFERENCES = 100_000
LIMIT_ADDED = 5_000_000
LIMIT_CHAIN = 64
# Of a path, in characters, and in folders one within the other.
LIMIT_PATH = 4_096
LIMIT_FOLDERS = 200
# In all steps together, of files and patterns.
LIMIT_PATHS = 20_000
# Of columns, each of another text; and the characters of them all.
LIMIT_TYPES, LIMIT_ALL_TYPES = 10_000, 1_000_000

# Message and cure.
Excess = tuple[str, str]
TOO_MANY_BYTES = (
    f"the files of the manifest have more than {LIMIT_ALL_BYTES:,} bytes.",
    "Make several manifests of it, each with a database of its own.",
)
TOO_MANY_NODES = (
    f"the manifest has more than {LIMIT_NODES:,} keys and values.",
    "Make several manifests of it, each with a database of its own.",
)
TOO_MANY_ENTRIES = (
    f"more than {LIMIT_ENTRIES:,} entries in one list or mapping.",
    "Take some out; data belongs into a file that a step loads.",
)
KEY_TOO_LONG = f"a key has at most {LIMIT_KEY:,} characters.", "Give it a shorter name."
TEXT_TOO_LONG = (
    f"a text has at most {LIMIT_TEXT:,} characters.",
    "Shorten it; data belongs into a file that a step loads, and long SQL into the file of a step.",
)
TOO_MANY_REFERENCES = f"variables are named more than {LIMIT_REFERENCES:,} times.", "Write their values out."
TOO_MANY_ADDED = f"the variables add more than {LIMIT_ADDED:,} characters.", "Shorten them."
TOO_LONG_A_CHAIN = f"more than {LIMIT_CHAIN} variables refer to one another.", "Give them values."
TOO_MANY_PATHS = (
    f"the steps name more than {LIMIT_PATHS:,} files and patterns.",
    "Name the files of a folder by one pattern, such as data/*.csv.",
)
TOO_MANY_TYPES = (
    f"the columns have more than {LIMIT_TYPES:,} types, or types of more than {LIMIT_ALL_TYPES:,} characters in all.",
    "Give some of them the same type, or VARCHAR in the place of a large ENUM.",
)
TOO_MANY_FILES = f"more than {LIMIT_FILES:,} files are included.", "Put several of them into one."
TOO_DEEP = f"nested deeper than {LIMIT_DEPTH} levels.", "Flatten it."


@dataclass(slots=True)
class Tally:
    """What was read so far of all files of a manifest. size: bytes."""

    nodes: int = 0
    size: int = 0

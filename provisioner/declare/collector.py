"""Python's garbage collector, at rest while many values are made.

The collector looks through everything that lives each time some more was made; a manifest of thousands of tables takes
twice as long with it. The values of provision hold no cycles, so there is nothing for it to find.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """For a block or, as a decorator, for a function; the collector is as it was before when it ends."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

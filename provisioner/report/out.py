"""What the listeners of a run write to."""

from __future__ import annotations

from typing import Protocol


class Out(Protocol):
    """A stream, or what stands before one."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...

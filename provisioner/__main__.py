"""`python -m provisioner` is `provision`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The entry point of `provision`: whoever presses Ctrl-C while Python still reads its modules gets no traceback."""
    try:
        from provisioner.cli import main as run

        run()
    except KeyboardInterrupt:
        from provisioner.errors import EXIT_INTERRUPTED

        sys.exit(EXIT_INTERRUPTED)
    except MemoryError:
        # Met while an error was told; now without anything that takes more.
        os.write(
            2, b"error: This process ran out of memory.\n  cure: Let it use more (`ulimit -v`), and run it again.\n"
        )
        os._exit(1)


if __name__ == "__main__":
    main()

"""`python -m provisioner` is `provision`."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of `provision`: whoever presses Ctrl-C while Python still reads its modules gets no traceback."""
    try:
        from provisioner.cli import main as run

        run()
    except KeyboardInterrupt:
        from provisioner.errors import EXIT_INTERRUPTED

        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()

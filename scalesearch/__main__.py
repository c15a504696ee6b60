"""The entry points of the program: `scalesearch` and `python -m scalesearch`."""

from __future__ import annotations

from typing import NoReturn

from scalesearch.cli import interrupts


def start() -> NoReturn:
    """Install the signal handlers, then import the command line and run it.

    The handlers come first because the import takes a while, in which a signal may arrive.
    """
    interrupts.leave_at_once()
    from scalesearch.cli.main import main

    main()


if __name__ == "__main__":
    start()

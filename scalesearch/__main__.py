"""The program: `scalesearch`, and `python -m scalesearch`."""

from __future__ import annotations

from typing import NoReturn

from scalesearch.cli import interrupts


def start() -> NoReturn:
    """See to signals, then import the command line, which takes a while, and run it."""
    interrupts.leave_at_once()
    from scalesearch.cli.main import main

    main()


if __name__ == "__main__":
    start()

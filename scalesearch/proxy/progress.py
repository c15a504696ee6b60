"""Define the callbacks that report how many images have been read or drawn."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[int, int], None]
"""Called with the number of finished images and the total number."""


def no_progress(done: int, total: int) -> None:
    """Report nothing."""

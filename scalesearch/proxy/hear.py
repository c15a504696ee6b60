"""How the making of images tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Hear = Callable[[int, int], None]
"""Hears how many images of how many are made."""


def silent(done: int, total: int) -> None:
    """Say nothing."""

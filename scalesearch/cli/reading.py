"""What the first reading of a data set shows: a live bar on a terminal, now and then a plain line anywhere else."""

from __future__ import annotations

import time

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table

from scalesearch.cli.display import Display
from scalesearch.units import duration

_FIRST, _EVERY = 5.0, 30.0
"""Seconds before the first plain line, and between two."""


class Reading(Display):
    """Hears how many images are made; nothing where they lie in the cache."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._done, self._total = 0, 0
        self._began = time.monotonic()
        self._told = self._began + _FIRST - _EVERY

    def __call__(self, done: int, total: int) -> None:
        """Take up how far it is."""
        self._done, self._total = done, total
        now = time.monotonic()
        if not self._console.is_terminal and now - self._told >= _EVERY:
            self._told = now
            self._console.print(
                f"Images: {self._words()}; they are kept for later runs", soft_wrap=True, highlight=False
            )

    def _words(self) -> str:
        left = (time.monotonic() - self._began) * (self._total - self._done) / self._done
        return f"{self._done:,}/{self._total:,}, about {duration(left)} left"

    def _draw(self) -> RenderableType:
        if not self._done:
            return ""
        foot = Table.grid(padding=(0, 1))
        foot.add_row("Images", ProgressBar(total=self._total, completed=self._done, width=30), self._words())
        return foot

"""What long counting shows, of images or turns: a live bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table

from scalesearch.cli.display import Display
from scalesearch.units import duration

if TYPE_CHECKING:
    from scalesearch.proxy.datasets import ImageData

_FIRST, _EVERY = 5.0, 30.0
"""Seconds before the first plain line, and between two."""


class CounterProgress(Display):
    """Hears how many images are made, or whatever else is counted; shows nothing where that is never told."""

    def __init__(
        self, console: Console, what: str = "Images", note: str = "; they are kept for later runs"
    ) -> None:
        super().__init__(console)
        self._what, self._note = what, note
        self._done, self._total = 0, 0
        self._began = time.monotonic()
        self._told = self._began + _FIRST - _EVERY

    def __call__(self, done: int, total: int) -> None:
        """Take up how far it is."""
        self._done, self._total = done, total
        now = time.monotonic()
        if not self._console.is_terminal and done < total and now - self._told >= _EVERY:
            self._told = now
            self._console.print(f"{self._what}: {self._words()}{self._note}", soft_wrap=True, highlight=False)

    def _words(self) -> str:
        left = (time.monotonic() - self._began) * (self._total - self._done) / self._done
        return f"{self._done:,}/{self._total:,}, about {duration(left)} left"

    def _draw(self) -> RenderableType:
        if not self._done:
            return ""
        foot = Table.grid(padding=(0, 1))
        foot.add_row(self._what, ProgressBar(total=self._total, completed=self._done, width=30), self._words())
        return foot


def data_notes(images: ImageData) -> tuple[str, ...]:
    """What a user should know of a data set, a line each."""
    if images.majority is None:
        return images.notes
    name, count = images.majority
    share = count / len(images.val_labels_N)
    return (*images.notes, f"{share:.1%} of the validation images are of class '{name}'")


def print_notes(notes: Sequence[str], console: Console) -> None:
    """Say what was decided in reading a data set."""
    for note in notes:
        console.print(f"Data: {note}", highlight=False, soft_wrap=True, markup=False)

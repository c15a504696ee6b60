"""Progress of a long count, of images or timing turns: a live bar on a terminal, occasional lines elsewhere."""

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

_FIRST_LINE_SECONDS, _LINE_INTERVAL_SECONDS = 5.0, 30.0
"""Seconds before the first plain line, and between two lines."""


class CounterProgress(Display):
    """Shows how many images, or other items, are done; shows nothing until it is first called."""

    def __init__(
        self, console: Console, noun: str = "Images", note: str = "; they are kept for later runs"
    ) -> None:
        super().__init__(console)
        self._noun, self._note = noun, note
        self._done, self._total = 0, 0
        self._started_at = time.monotonic()
        self._printed_at = self._started_at + _FIRST_LINE_SECONDS - _LINE_INTERVAL_SECONDS

    def __call__(self, done: int, total: int) -> None:
        """Record the progress, and print a line if one is due."""
        self._done, self._total = done, total
        now = time.monotonic()
        if not self._console.is_terminal and done < total and now - self._printed_at >= _LINE_INTERVAL_SECONDS:
            self._printed_at = now
            self._console.print(f"{self._noun}: {self._status_text()}{self._note}", soft_wrap=True, highlight=False)

    def _status_text(self) -> str:
        remaining = (time.monotonic() - self._started_at) * (self._total - self._done) / self._done
        return f"{self._done:,}/{self._total:,}, about {duration(remaining)} left"

    def _draw(self) -> RenderableType:
        if not self._done:
            return ""
        row = Table.grid(padding=(0, 1))
        row.add_row(self._noun, ProgressBar(total=self._total, completed=self._done, width=30), self._status_text())
        return row


def data_notes(images: ImageData) -> tuple[str, ...]:
    """Return what a user should know about a data set, one note per line."""
    if images.majority is None:
        return images.notes
    name, count = images.majority
    share = count / len(images.val_labels_N)
    return (*images.notes, f"{share:.1%} of the validation images are of class '{name}'")


def print_notes(notes: Sequence[str], console: Console) -> None:
    """Print the notes on how a data set was read."""
    for note in notes:
        console.print(f"Data: {note}", highlight=False, soft_wrap=True, markup=False)

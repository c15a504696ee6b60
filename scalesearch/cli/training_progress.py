"""What a training of one network shows: a live bar on a terminal, a plain line an epoch anywhere else."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table

from scalesearch.cli.display import Display
from scalesearch.training.events import Row, RunProgress
from scalesearch.training.job import Job
from scalesearch.units import duration


class TrainingProgress(Display):
    """Hears ticks and rows."""

    def __init__(self, job: Job, done: int, console: Console) -> None:
        super().__init__(console)
        self._epochs = job.recipe.epochs
        course = job.recipe.course(job.sizes.train_px)
        # An epoch costs as its pixels do.
        self._weights = [stage.px**2 for stage in course for _ in range(stage.begin, stage.end)]
        self._done = self._before(done)
        self._last: Row | None = None
        self._first: tuple[float, float] | None = None
        """How far it was when the first event came, and when: data may take long to read."""

    def __call__(self, event: RunProgress | Row) -> None:
        """Take up one event."""
        self._done = event.done / event.total if isinstance(event, RunProgress) else self._before(event.epoch)
        if self._first is None:
            self._first = self._done, time.monotonic()
        if isinstance(event, RunProgress):
            return
        self._last = event
        if not self._console.is_terminal:
            self._console.print(f"{self._words(event)}{self._left()}", soft_wrap=True, highlight=False)

    def _before(self, epochs: int) -> float:
        return sum(self._weights[:epochs]) / sum(self._weights)

    def _words(self, row: Row) -> str:
        return (
            f"epoch {row.epoch}/{self._epochs}  {row.px} px  loss {row.train_loss:.3f}  "
            f"accuracy {row.val_accuracy:.4f}  {duration(row.seconds)}"
        )

    def _left(self) -> str:
        if self._first is None or self._done >= 1 or self._done <= self._first[0]:
            return ""
        seconds = (time.monotonic() - self._first[1]) * (1 - self._done) / (self._done - self._first[0])
        return f", about {duration(seconds)} left"

    def _draw(self) -> Table:
        foot = Table.grid(padding=(0, 1))
        words = self._words(self._last) if self._last else f"epoch 1/{self._epochs}"
        foot.add_row(ProgressBar(total=1, completed=self._done, width=40), f"{words}{self._left()}")
        return foot

"""The progress of one network's training: a live bar on a terminal, one plain line per epoch anywhere else."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table

from scalesearch.cli.display import Display
from scalesearch.training.events import EpochMetrics, RunProgress
from scalesearch.training.job import Job
from scalesearch.units import duration


class TrainingProgress(Display):
    """Shows the progress of a training from its events."""

    def __init__(self, job: Job, done: int, console: Console) -> None:
        super().__init__(console)
        self._epochs = job.recipe.epochs
        stages = job.recipe.stage_schedule(job.sizes.train_px)
        # The cost of an epoch is proportional to the pixels of an image.
        self._epoch_costs = [stage.px**2 for stage in stages for _ in range(stage.begin, stage.end)]
        self._done = self._share_done(done)
        self._last_epoch: EpochMetrics | None = None
        self._first: tuple[float, float] | None = None
        """The share that was done at the first event, and its time: reading the data may take long before it."""

    def __call__(self, event: RunProgress | EpochMetrics) -> None:
        """Update the display with one event."""
        self._done = event.done / event.total if isinstance(event, RunProgress) else self._share_done(event.epoch)
        if self._first is None:
            self._first = self._done, time.monotonic()
        if isinstance(event, RunProgress):
            return
        self._last_epoch = event
        if not self._console.is_terminal:
            self._console.print(
                f"{self._epoch_text(event)}{self._remaining_text()}", soft_wrap=True, highlight=False
            )

    def _share_done(self, epochs: int) -> float:
        return sum(self._epoch_costs[:epochs]) / sum(self._epoch_costs)

    def _epoch_text(self, row: EpochMetrics) -> str:
        return (
            f"epoch {row.epoch}/{self._epochs}  {row.px} px  loss {row.train_loss:.3f}  "
            f"accuracy {row.val_accuracy:.4f}  {duration(row.seconds)}"
        )

    def _remaining_text(self) -> str:
        if self._first is None or self._done >= 1 or self._done <= self._first[0]:
            return ""
        seconds = (time.monotonic() - self._first[1]) * (1 - self._done) / (self._done - self._first[0])
        return f", about {duration(seconds)} left"

    def _draw(self) -> Table:
        row = Table.grid(padding=(0, 1))
        status = self._epoch_text(self._last_epoch) if self._last_epoch else f"epoch 1/{self._epochs}"
        row.add_row(ProgressBar(total=1, completed=self._done, width=40), f"{status}{self._remaining_text()}")
        return row

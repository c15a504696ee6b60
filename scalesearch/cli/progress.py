"""The progress of a search: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from heapq import nlargest

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table

from scalesearch.cli.display import Display
from scalesearch.design.cost import cost
from scalesearch.runners.execution import EpochFinished, Event, TrialFinished, TrialStarted
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.recommendation import recommendation_so_far
from scalesearch.study.trials_table import network_ids
from scalesearch.units import duration

_NUM_LEADERS = 5


class SearchProgress(Display):
    """Shows the progress of a search from the events of its trials."""

    def __init__(self, plan: Plan, done: Mapping[str, Outcome], console: Console) -> None:
        super().__init__(console)
        self._plan = plan
        self._names = network_ids(plan)
        self._total, self._images = plan.total_trials(done), plan.total_images(done)
        self._finished = dict(done)
        self._running: dict[str, tuple[TrialSpec, int]] = {}
        """The running trials, and how many images each has seen."""
        self._running_macs = 0
        self._specs = dict[str, TrialSpec]()
        self._num_failed = sum(outcome.accuracy is None for outcome in done.values())
        self._started_at: float | None = None
        self._begin_wave(plan.planned(done))
        self._resumed_macs = self._macs_done()
        self._recommendation = ""

    def __call__(self, event: Event) -> None:
        """Update the display with one event."""
        key = event.spec.id
        if key not in self._specs:  # a wave has begun
            self._begin_wave([*self._plan.planned(self._finished), event.spec])
            self._total = self._plan.total_trials(self._finished)
            self._images = self._plan.total_images(self._finished)
            self._update_recommendation()
        if self._started_at is None:
            self._started_at = time.monotonic()  # workers take seconds to start, in which nothing is trained
        if isinstance(event, TrialStarted):
            self._set_running(key, event.spec, 0)
        elif isinstance(event, EpochFinished):
            self._set_running(key, event.spec, max(0, event.epoch.samples - event.spec.since))
        elif isinstance(event, TrialFinished):
            self._set_running(key, event.spec, 0)
            del self._running[key]
            self._add_finished(key, event)
            if not self._console.is_terminal:
                self._console.print(self._trial_line(event), soft_wrap=True, highlight=False)

    def _set_running(self, key: str, spec: TrialSpec, images: int) -> None:
        _, before = self._running.get(key, (spec, 0))
        self._running[key] = (spec, images)
        self._running_macs += cost(spec.proxy).macs * (images - before)

    def _begin_wave(self, specs: Sequence[TrialSpec]) -> None:
        """Add the trials of a wave, and sum up what would take long to sum up after every trial."""
        self._specs.update({spec.id: spec for spec in specs})
        known = self._specs.values()
        self._known_macs = sum(map(self._plan.macs, known))
        self._known_images = sum(map(self._plan.proxies.images, known))
        # A record of a later rung may exist before the plan includes its trial.
        finished = [key for key in self._finished if key in self._specs]
        self._finished_macs = sum(self._plan.macs(self._specs[key]) for key in finished)
        self._leaders = nlargest(_NUM_LEADERS, filter(self._has_score, finished), self._score)

    def _add_finished(self, key: str, event: TrialFinished) -> None:
        self._finished[key] = event.outcome
        self._finished_macs += self._plan.macs(event.spec)
        self._num_failed += event.outcome.accuracy is None
        if self._has_score(key):
            self._leaders = nlargest(_NUM_LEADERS, [*self._leaders, key], self._score)

    def _has_score(self, key: str) -> bool:
        return self._finished[key].score is not None

    def _score(self, key: str) -> float:
        return self._finished[key].score or 0.0

    def _update_recommendation(self) -> None:
        """Update what would be recommended if the search ended now; called between two waves."""
        self._recommendation = recommendation_so_far(self._plan, self._finished)
        if self._recommendation and not self._console.is_terminal:
            self._console.print(self._recommendation, soft_wrap=True, highlight=False)

    def _trial_line(self, event: TrialFinished) -> str:
        outcome = event.outcome
        result = f"{outcome.score:.4f}" if outcome.score is not None else outcome.state
        note = f" ({outcome.message})" if outcome.message else ""
        remaining = self._remaining_seconds()
        eta = f", about {duration(remaining)} left" if remaining else ""
        return (
            f"{len(self._finished)}/{self._total}  {self._name(event.spec)}  {result}{note}  "
            f"{duration(outcome.seconds)}{eta}"
        )

    def _name(self, spec: TrialSpec) -> str:
        rung = f" {spec.samples} images" if spec.samples is not None else ""
        return f"{self._names[spec.network_id]} seed {spec.seed}{rung}"

    def _macs_done(self) -> float:
        return self._finished_macs + self._running_macs

    def _remaining_seconds(self) -> float | None:
        """Estimate the remaining time from the multiply-adds since the start; unknown trials count as the mean."""
        done = self._macs_done() - self._resumed_macs
        if done <= 0 or self._started_at is None:
            return None
        elapsed = time.monotonic() - self._started_at
        total = self._known_macs * max(1.0, self._images / self._known_images)
        return (total - self._macs_done()) * elapsed / done

    def _draw(self) -> Group:
        """Return the best trials so far, the running ones, and the share that is done."""
        table = Table(title="Trials", title_justify="left", expand=False)
        first_column = "α/β/γ" if self._plan.config.kind.scales else "network"
        for name in (first_column, "seed", "trained", metric_words(self._plan.config.metric)):
            table.add_column(name, justify="left" if name == first_column else "right")
        for key in self._leaders:
            spec = self._specs[key]
            name, seed = self._names[spec.network_id], str(spec.seed)
            table.add_row(name, seed, "done", f"{self._score(key):.4f}")
        for spec, images in self._running.values():
            table.add_row(
                self._names[spec.network_id],
                str(spec.seed),
                f"{images / self._plan.proxies.images(spec):.0%}",
                "…",
                style="dim",
            )
        remaining = self._remaining_seconds()
        status = f"{len(self._finished)}/{self._total} trials"
        status += f", {self._num_failed} without a result" if self._num_failed else ""
        status += f", about {duration(remaining)} left" if remaining else ""
        footer = Table.grid(padding=(0, 1))
        footer.add_row(ProgressBar(total=self._total, completed=len(self._finished), width=40), status)
        return Group(table, *filter(None, [self._recommendation]), footer)

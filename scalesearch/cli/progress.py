"""What a running search shows: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table

from scalesearch.cli.display import Display
from scalesearch.design.cost import cost
from scalesearch.runners.execution import EpochFinished, Event, TrialFinished, TrialStarted
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.decision_words import regret_words
from scalesearch.study.result import analyze
from scalesearch.study.trials_table import network_ids
from scalesearch.units import duration

_LEADERS = 5


class Progress(Display):
    """Listens to a search."""

    def __init__(self, plan: Plan, done: Mapping[str, Outcome], console: Console) -> None:
        super().__init__(console)
        self._plan = plan
        self._names = network_ids(plan)
        self._total, self._images = plan.total_trials(done), plan.total_images(done)
        self._finished = dict(done)
        self._running: dict[str, tuple[TrialSpec, int]] = {}
        self._specs = {spec.id: spec for spec in plan.planned(done)}
        self._resumed_work = self._work_done()
        self._began: float | None = None
        self._decision = ""

    def __call__(self, event: Event) -> None:
        """Take up one event."""
        if event.spec.id not in self._specs:  # a wave has begun
            self._specs.update({spec.id: spec for spec in self._plan.planned(self._finished)})
            self._specs[event.spec.id] = event.spec
            self._total = self._plan.total_trials(self._finished)
            self._images = self._plan.total_images(self._finished)
            self._decide()
        if self._began is None:
            self._began = time.monotonic()  # the workers have started, for seconds in which nothing is trained
        if isinstance(event, TrialStarted):
            self._running[event.spec.id] = (event.spec, 0)
        elif isinstance(event, EpochFinished):
            self._running[event.spec.id] = (event.spec, max(0, event.epoch.samples - event.spec.since))
        elif isinstance(event, TrialFinished):
            self._running.pop(event.spec.id, None)
            self._finished[event.spec.id] = event.outcome
            if not self._console.is_terminal:
                self._console.print(self._line(event), soft_wrap=True, highlight=False)

    def _decide(self) -> None:
        """What would be recommended if the search ended here: asked between two waves."""
        found = analyze(self._plan, self._finished)
        if found is None or not self._plan.config.kind.recommends:
            return
        self._decision = f"So far, take {self._names[found.recommended]}: {regret_words(found)}"
        if not self._console.is_terminal:
            self._console.print(self._decision, soft_wrap=True, highlight=False)

    def _line(self, event: TrialFinished) -> str:
        outcome = event.outcome
        result = f"{outcome.score:.4f}" if outcome.score is not None else outcome.state
        note = f" ({outcome.message})" if outcome.message else ""
        left = self._seconds_left()
        eta = f", about {duration(left)} left" if left else ""
        return (
            f"{len(self._finished)}/{self._total}  {self._name(event.spec)}  {result}{note}  "
            f"{duration(outcome.seconds)}{eta}"
        )

    def _name(self, spec: TrialSpec) -> str:
        rung = f" {spec.samples} images" if spec.samples is not None else ""
        return f"{self._names[spec.network_id]} seed {spec.seed}{rung}"

    def _work(self, spec: TrialSpec) -> int:
        return cost(spec.proxy).macs * self._plan.proxies.images(spec)

    def _work_done(self) -> float:
        whole = sum(self._work(self._specs[key]) for key in self._finished if key in self._specs)
        part = sum(cost(spec.proxy).macs * seen for spec, seen in self._running.values())
        return whole + part

    def _seconds_left(self) -> float | None:
        """From the multiply-adds done since the start; trials not yet known count as the mean one."""
        done = self._work_done() - self._resumed_work
        if done <= 0 or self._began is None:
            return None
        elapsed = time.monotonic() - self._began
        known = sum(self._work(spec) for spec in self._specs.values())
        images = sum(self._plan.proxies.images(spec) for spec in self._specs.values())
        total = known * max(1.0, self._images / images)
        return (total - self._work_done()) * elapsed / done

    def _draw(self) -> Group:
        """The running trials, the best so far, and how far it is."""
        table = Table(title="Trials", title_justify="left", expand=False)
        what = "α/β/γ" if self._plan.config.kind.scales else "network"
        for name in (what, "seed", "trained", metric_words(self._plan.config.metric)):
            table.add_column(name, justify="left" if name == what else "right")
        # A record of a later rung may be there before the plan knows of it.
        best = [item for item in self._finished.items() if item[1].score is not None and item[0] in self._specs]
        best.sort(key=lambda one: -(one[1].score or 0))
        for key, outcome in best[:_LEADERS]:
            spec = self._specs[key]
            name, seed = self._names[spec.network_id], str(spec.seed)
            table.add_row(name, seed, "done", f"{outcome.score:.4f}")
        for spec, seen in self._running.values():
            table.add_row(
                self._names[spec.network_id],
                str(spec.seed),
                f"{seen / self._plan.proxies.images(spec):.0%}",
                "…",
                style="dim",
            )
        left = self._seconds_left()
        words = f"{len(self._finished)}/{self._total} trials"
        failed = sum(outcome.accuracy is None for outcome in self._finished.values())
        words += f", {failed} without a result" if failed else ""
        words += f", about {duration(left)} left" if left else ""
        foot = Table.grid(padding=(0, 1))
        foot.add_row(ProgressBar(total=self._total, completed=len(self._finished), width=40), words)
        return Group(table, *filter(None, [self._decision]), foot)

"""Synchronous successive halving: every candidate trains a little, the better half twice as long, and so on.

Jamieson & Talwalkar 2016 (arXiv 1502.07943, figure 1), with rungs of training images in place of arm pulls. Ours
differs in four points: a rung waits for all of its trials, so it does not depend on who was faster; scores are
taken at the end of a decay of the learning rate, so that rungs are comparable; nobody is eliminated on a rung whose
networks have learned nothing yet; and it stops early where the leader stands out (the idea of PASHA, Bohdal et al.
2023, arXiv 2207.06940: no more training than a ranking needs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import ClassVar

from scalesearch.search.budget import Budget
from scalesearch.search.metrics import ImagesError
from scalesearch.search.schedulers.base import (
    REDUCTION,
    Results,
    Rung,
    RungTrial,
    SchedulerState,
    Score,
    describe_rungs,
    make_rungs,
    rung_images,
)

_DEFAULT_FINALISTS = 4
_FEWEST = 2
"""A comparison needs two."""
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Halving:
    """The rungs of a search, and what its finalists get."""

    resumes_trials: ClassVar[bool] = True
    prolongs_at_chance: ClassVar[bool] = True
    promotes: ClassVar[str] = "the better half goes on"
    rungs: tuple[Rung, ...]
    finalists: int
    """How many of the last rung get more seeds."""
    seeds: int
    """That a finalist has in the end; the baseline has them on every rung, to show the noise."""

    @classmethod
    def of(cls, budget: Budget, train_images: int, candidates: Sequence[str], expected: int = 0) -> Halving:
        """The schedule of a budget; see `Scheduler.of`. No rung is narrower than the finalists."""
        entering, seeds = max(len(candidates), expected), max(budget.seeds, budget.final_seeds)
        finalists = min(entering, (budget.finalists or _DEFAULT_FINALISTS) if seeds > 1 else _FEWEST)
        by_rung = [max(finalists, -(-entering // REDUCTION**k)) for k in range(budget.rungs)]
        return cls(make_rungs(budget, train_images, by_rung), finalists, seeds)

    @property
    def baseline_seeds(self) -> int:
        """How many seeds the unscaled network has on every rung."""
        return self.seeds

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        """The first with the first seed; further seeds are for finalists and go straight to their rung."""
        del network
        return 0 if seed == 0 else rung

    def advance(self, results: Results) -> SchedulerState:
        """The rungs so far, then the finalists' further seeds; with candidates still to come the first rung."""
        waves: list[tuple[RungTrial, ...]] = []
        alive, before, prolonged = tuple(results.candidates), dict[str, Score](), tuple[int, ...]()
        last = len(self.rungs) - 1
        for index in range(len(self.rungs)):
            waves.append(self._wave(alive, results.baseline, index))
            if results.more_candidates or not all(map(results.is_over, waves[-1])):
                return SchedulerState(tuple(waves), max(0, index - 1), False, prolonged)
            now = {key: score for key, score in results.scores(index).items() if key in alive}
            order = best_first(now, results.validation_images)
            if index < last and order and results.is_at_chance(index):
                alive, before, prolonged = order, now, (*prolonged, index)
                continue
            stands = index < last and bool(before) and leader_stands_out(before, now, _noise(results, index))
            if index == last or stands or not order:
                finalists = tuple(
                    RungTrial(key, seed, index, index)
                    for key in order[: self.finalists]
                    for seed in range(1, self.seeds)
                )
                return SchedulerState((*waves, finalists) if finalists else (*waves,), index, stands, prolonged)
            alive, before = order[: self.rungs[index + 1].num_entering], now
        raise AssertionError("there is at least one rung")

    def _wave(self, alive: Iterable[str], baseline: str, rung: int) -> tuple[RungTrial, ...]:
        """The candidates with the first seed and the unscaled network with all; once where they are one network."""
        own = (RungTrial(baseline, seed, rung) for seed in range(self.seeds))
        return tuple(dict.fromkeys((*(RungTrial(key, 0, rung) for key in alive), *own)))

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """How many trials there will be; see `Scheduler.num_trials`."""
        del networks
        planned = sum(rung.num_entering + self.seeds for rung in self.rungs)
        return planned + self.finalists * (self.seeds - 1) + sum(self._more_trials(state))

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """How many training images those trials see in all."""
        del networks, training
        more = self._more_trials(state)
        by_rung = sum(
            (rung.num_entering + self.seeds + extra) * images
            for rung, extra, images in zip(self.rungs, more, rung_images(self.rungs), strict=True)
        )
        return by_rung + self.finalists * (self.seeds - 1) * self.rungs[-1].samples

    def _more_trials(self, state: SchedulerState | None) -> list[int]:
        """By rung: how many trials it has beyond the plan, since the rung before was prolonged."""
        more = [0] * len(self.rungs)
        if state is not None:
            for index in (one + 1 for one in state.prolonged if one + 1 < len(state.waves)):
                more[index] = max(0, len(state.waves[index]) - self.rungs[index].num_entering - self.seeds)
        return more

    def summary(self, completed: Sequence[int]) -> str:
        """A phrase for reports."""
        return f"successive halving: {describe_rungs(completed, self.rungs)}"


def _noise(results: Results, rung: int) -> float:
    """The standard deviation from seed to seed, by the baseline's trials up to a rung."""
    repeats = [list(results.baseline_arm(one).accuracies.values()) for one in range(rung + 1)]
    return pooled_noise(repeats, results.images_error)


def best_first(scores: Mapping[str, Score], validation_images: int) -> tuple[str, ...]:
    """Keys by accuracy in whole validation images, then by the lower training loss, then by name."""

    def place(key: str) -> tuple[int, float, str]:
        return -round(scores[key].accuracy * validation_images), scores[key].train_loss, key

    return tuple(sorted(scores, key=place))


def leader_stands_out(before: Mapping[str, Score], now: Mapping[str, Score], noise: float) -> bool:
    """Whether one candidate led all others by more than the seed noise on two rungs in a row.

    Args:
        before: scores on the rung before.
        now: scores of those that went on.
        noise: standard deviation of one trial's accuracy from seed to seed.
    """
    if len(now) < 2:
        return True
    lead = _Z * sqrt(2) * noise
    first = max(now, key=lambda key: now[key].accuracy)
    return all(
        scores[first].accuracy - other.accuracy > lead
        for scores in (before, now)
        for key, other in scores.items()
        if key != first
    )


def pooled_noise(repeats: Iterable[Sequence[float]], images: ImagesError | None) -> float:
    """Standard deviation from seed to seed, over groups of repeated trials; at least the binomial error.

    Without either it is infinite: nothing tells it, so no lead is above it.

    Args:
        repeats: the accuracies of one network on one rung, one a seed, for several rungs.
        images: the error that the validation images make; None: the metric has none.
    """
    squares, freedom, values = 0.0, 0, list[float]()
    for group in filter(None, repeats):
        mean = sum(group) / len(group)
        squares += sum((one - mean) ** 2 for one in group)
        freedom += len(group) - 1
        values.extend(group)
    centre = sum(values) / len(values) if values else 0.5
    if images is None:
        return sqrt(squares / freedom) if squares else inf
    return max(images.standard_error(centre), sqrt(squares / freedom) if freedom else 0.0)

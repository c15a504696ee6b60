"""Implements synchronous successive halving: all candidates train briefly, the better half twice as long, etc.

The algorithm is that of Jamieson & Talwalkar 2016 (arXiv 1502.07943, figure 1), with rungs of training images in
place of arm pulls. This version differs in four points. A rung waits for all of its trials, so the result does not
depend on which were faster. Scores are taken after a decay of the learning rate, so that rungs are comparable. No
candidate is eliminated on a rung whose networks are still at chance level. The search stops early where one
candidate clearly leads (the idea of PASHA, Bohdal et al. 2023, arXiv 2207.06940: no more training than a ranking
needs).
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
"""A comparison needs two candidates."""
_Z_975 = 1.96


@dataclass(frozen=True, slots=True)
class Halving:
    """Promotes the better half of the candidates from rung to rung, and gives the finalists further seeds."""

    resumes_trials: ClassVar[bool] = True
    promotes_all_at_chance: ClassVar[bool] = True
    promotes: ClassVar[str] = "the better half is promoted"
    rungs: tuple[Rung, ...]
    finalists: int
    """How many candidates of the last rung get further seeds."""
    seeds: int
    """The number of seeds of a finalist in the end. The baseline has them on every rung, to measure the noise."""

    @classmethod
    def of(cls, budget: Budget, train_images: int, candidates: Sequence[str], expected: int = 0) -> Halving:
        """Create the schedule of a budget; see `Scheduler.of`. No rung has fewer candidates than finalists."""
        num_entering, seeds = max(len(candidates), expected), max(budget.seeds, budget.final_seeds)
        finalists = min(num_entering, (budget.finalists or _DEFAULT_FINALISTS) if seeds > 1 else _FEWEST)
        entering = [max(finalists, -(-num_entering // REDUCTION**rung)) for rung in range(budget.rungs)]
        return cls(make_rungs(budget, train_images, entering), finalists, seeds)

    @property
    def baseline_seeds(self) -> int:
        """The number of seeds of the unscaled network on every rung."""
        return self.seeds

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        """Return 0 for the first seed; further seeds are for finalists, which train to their rung from scratch."""
        del network
        return 0 if seed == 0 else rung

    def advance(self, results: Results) -> SchedulerState:
        """Return the rungs so far, then the finalists' further seeds.

        The waves end for now with the first that has unfinished trials, and with the first rung while a sampler
        still proposes candidates. A rung at chance level eliminates no candidate. The search stops on a rung where
        one candidate clearly leads.
        """
        waves: list[tuple[RungTrial, ...]] = []
        alive, previous_scores, without_elimination = (
            tuple(results.candidates),
            dict[str, Score](),
            tuple[int, ...](),
        )
        last = len(self.rungs) - 1
        for index in range(len(self.rungs)):
            waves.append(self._wave(alive, results.baseline, index))
            if results.more_candidates or not all(map(results.is_over, waves[-1])):
                return SchedulerState(tuple(waves), max(0, index - 1), False, without_elimination)
            scores = {candidate: score for candidate, score in results.scores(index).items() if candidate in alive}
            order = best_first(scores, results.validation_images)
            if index < last and order and results.is_at_chance(index):
                # At chance level the order means nothing, so all completed candidates are promoted.
                alive, previous_scores, without_elimination = order, scores, (*without_elimination, index)
                continue
            early_stopped = (
                index < last
                and bool(previous_scores)
                and leader_stands_out(previous_scores, scores, _seed_noise(results, index))
            )
            if index == last or early_stopped or not order:  # no order: all trials of the rung failed or diverged
                finalists = tuple(
                    RungTrial(candidate, seed, index, index)
                    for candidate in order[: self.finalists]
                    for seed in range(1, self.seeds)
                )
                all_waves = (*waves, finalists) if finalists else tuple(waves)
                return SchedulerState(all_waves, index, early_stopped, without_elimination)
            alive, previous_scores = order[: self.rungs[index + 1].num_entering], scores
        raise AssertionError("there is at least one rung")

    def _wave(self, alive: Iterable[str], baseline: str, rung: int) -> tuple[RungTrial, ...]:
        """Return the trials of a rung without duplicates: candidates with one seed, the baseline with all."""
        baseline_trials = (RungTrial(baseline, seed, rung) for seed in range(self.seeds))
        return tuple(dict.fromkeys((*(RungTrial(candidate, 0, rung) for candidate in alive), *baseline_trials)))

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """Return how many trials there will be; see `Scheduler.num_trials`."""
        del networks
        planned = sum(rung.num_entering + self.seeds for rung in self.rungs)
        return planned + self.finalists * (self.seeds - 1) + sum(self._extra_trials_by_rung(state))

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """Return how many training images those trials see in all."""
        del networks, training
        extra_by_rung = self._extra_trials_by_rung(state)
        images_on_rungs = sum(
            (rung.num_entering + self.seeds + extra) * images
            for rung, extra, images in zip(self.rungs, extra_by_rung, rung_images(self.rungs), strict=True)
        )
        return images_on_rungs + self.finalists * (self.seeds - 1) * self.rungs[-1].samples

    def _extra_trials_by_rung(self, state: SchedulerState | None) -> list[int]:
        """Return, by rung, how many trials it has beyond the plan because the rung before eliminated nobody."""
        extra = [0] * len(self.rungs)
        if state is not None:
            for index in (rung + 1 for rung in state.rungs_without_elimination if rung + 1 < len(state.waves)):
                extra[index] = max(0, len(state.waves[index]) - self.rungs[index].num_entering - self.seeds)
        return extra

    def summary(self, completed: Sequence[int]) -> str:
        """Return a phrase for reports."""
        return f"successive halving: {describe_rungs(completed, self.rungs)}"


def _seed_noise(results: Results, rung: int) -> float:
    """Return the standard deviation from seed to seed, from the baseline's trials up to a rung.

    Rungs are pooled, because one has too few seeds to tell its own noise.
    """
    repeated = [list(results.baseline_arm(index).accuracies.values()) for index in range(rung + 1)]
    return pooled_noise(repeated, results.images_error)


def best_first(scores: Mapping[str, Score], validation_images: int) -> tuple[str, ...]:
    """Return the keys by accuracy in whole validation images, then by the lower training loss, then by name."""

    def sort_key(key: str) -> tuple[int, float, str]:
        return -round(scores[key].accuracy * validation_images), scores[key].train_loss, key

    return tuple(sorted(scores, key=sort_key))


def leader_stands_out(previous: Mapping[str, Score], current: Mapping[str, Score], noise: float) -> bool:
    """Return whether one candidate led all others on two rungs in a row, by more than two trials differ (95 %).

    Args:
        previous: scores on the rung before.
        current: scores of the candidates that were promoted from it.
        noise: standard deviation of one trial's accuracy from seed to seed.
    """
    if len(current) < 2:
        return True
    lead = _Z_975 * sqrt(2) * noise
    leader = max(current, key=lambda key: current[key].accuracy)
    return all(
        scores[leader].accuracy - other.accuracy > lead
        for scores in (previous, current)
        for key, other in scores.items()
        if key != leader
    )


def pooled_noise(repeats: Iterable[Sequence[float]], images: ImagesError | None) -> float:
    """Return the standard deviation from seed to seed over groups of repeated trials, at least the binomial error.

    Without repeated trials that differ and without a binomial error it is infinite: the noise is unknown, and no
    lead exceeds it.

    Args:
        repeats: groups of accuracies, each of one network on one rung, one accuracy a seed.
        images: the sampling error of the validation images; None: the metric has none.
    """
    squares, degrees_of_freedom, values = 0.0, 0, list[float]()
    for group in filter(None, repeats):
        mean = sum(group) / len(group)
        squares += sum((accuracy - mean) ** 2 for accuracy in group)
        degrees_of_freedom += len(group) - 1
        values.extend(group)
    centre = sum(values) / len(values) if values else 0.5  # where the binomial error is largest
    if images is None:
        return sqrt(squares / degrees_of_freedom) if squares else inf
    return max(images.standard_error(centre), sqrt(squares / degrees_of_freedom) if degrees_of_freedom else 0.0)
